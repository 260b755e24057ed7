//! Where the statuses come from: AWS Config, or what was recorded of it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read as _};
use std::path::Path;

#[cfg(feature = "aws")]
use crate::aws::ConfigSource;
use crate::cli::args::Global;
use crate::cli::outcome::Failure;
use crate::cli::progress::Progress;
use crate::local::RecordedStatuses;
use crate::model::text::counted;
use crate::model::{AccountId, DetailedStatus, PackName, Region, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};

/// A source of statuses.
pub(in crate::cli) enum Source {
    Recorded(RecordedStatuses),
    #[cfg(feature = "aws")]
    Aws(ConfigSource),
}

impl Source {
    #[cfg(feature = "aws")]
    pub(in crate::cli) async fn of_aws(global: &Global, regions: &[Region]) -> Result<Self, Failure> {
        Ok(Self::Aws(ConfigSource::new(&super::connection(global, None).await?, regions)))
    }

    #[cfg(not(feature = "aws"))]
    pub(in crate::cli) async fn of_aws(global: &Global, _: &[Region]) -> Result<Self, Failure> {
        Err(super::without_aws(global))
    }
}

/// The text of a file, or of stdin where it is `-`.
pub(in crate::cli) fn text(file: &Path) -> Result<String, String> {
    let bytes: io::Result<Vec<u8>> = match file.as_os_str() == "-" {
        true => io::stdin().lock().bytes().collect(),
        false => std::fs::read(file),
    };
    decoded(bytes.map_err(|error| error.to_string())?)
}

/// Text as programs on Windows write it, too: UTF-16, and UTF-8 with a byte order mark. In an error, what it is instead.
fn decoded(bytes: Vec<u8>) -> Result<String, String> {
    let text = match bytes.as_slice() {
        [0xff, 0xfe, ..] => utf16(&bytes, u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(&bytes, u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|_| {
            "it is not UTF-8 text. In PowerShell, `Out-File -Encoding utf8` writes that".to_owned()
        }),
    }?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&units.iter().copied().map(unit).collect::<Vec<_>>()).ok();
    text.filter(|_| rest.is_empty())
        .ok_or_else(|| "it is not whole UTF-16 text: write it again as UTF-8".to_owned())
}

/// A source that shows on a terminal how far the reading is, and knows what was read.
pub(in crate::cli) struct Watched {
    source: Source,
    progress: Progress,
    pages: Cell<u64>,
    read: RefCell<Read>,
}

/// Each account of each pack once, however often it was asked for.
#[derive(Default)]
struct Read {
    accounts: HashSet<AccountId>,
    targets: BTreeMap<Target, HashSet<AccountId>>,
}

impl Watched {
    pub(in crate::cli) fn new(source: Source, progress: Progress) -> Self {
        Self { source, progress, pages: Cell::new(0), read: RefCell::default() }
    }

    /// "18,000 deployments in 1,500 accounts".
    pub(in crate::cli) fn summary(&self) -> String {
        let read = self.read.borrow();
        let accounts = counted(read.accounts.len() as u64, "account");
        let deployments: usize = read.targets.values().map(HashSet::len).sum();
        format!("{} in {accounts}", counted(deployments as u64, "deployment"))
    }
}

impl StatusSource for Watched {
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError> {
        match &self.source {
            Source::Recorded(recorded) => recorded.packs(region, page).await,
            #[cfg(feature = "aws")]
            Source::Aws(config) => config.packs(region, page).await,
        }
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let page = match &self.source {
            Source::Recorded(recorded) => recorded.statuses(target, filters, page).await,
            #[cfg(feature = "aws")]
            Source::Aws(config) => config.statuses(target, filters, page).await,
        }?;
        self.pages.set(self.pages.get() + 1);
        let accounts = || page.items.iter().map(|row| row.account);
        let mut read = self.read.borrow_mut();
        read.targets.entry(target.clone()).or_default().extend(accounts());
        read.accounts.extend(accounts());
        drop(read);
        self.progress.say(format!("{} ({})", self.summary(), counted(self.pages.get(), "page")));
        Ok(page)
    }
}
