//! Where the statuses come from: AWS Config, or what was recorded of it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read as _};
use std::path::Path;

#[cfg(feature = "aws")]
use crate::aws::ConfigSource;
use crate::cli::args::Global;
use crate::cli::outcome::Failure;
#[cfg(not(feature = "aws"))]
use crate::cli::outcome::without_aws;
use crate::cli::progress::Progress;
use crate::local::{RecordedStatuses, decode};
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
        Ok(Self::Aws(ConfigSource::new(&super::aws::connection(global).await?, regions)))
    }

    #[cfg(not(feature = "aws"))]
    pub(in crate::cli) async fn of_aws(_: &Global, _: &[Region]) -> Result<Self, Failure> {
        Err(without_aws())
    }
}

/// The text of a file, or of stdin where it is `-`.
pub(in crate::cli) fn text(file: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = match file.as_os_str() == "-" {
        true => io::stdin().lock().read_to_end(&mut bytes),
        false => std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    read.map_err(|error| error.to_string())?;
    decode(bytes)
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
    deployments: u64,
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
        format!("{} in {accounts}", counted(read.deployments, "deployment"))
    }

    fn note(&self, target: &Target, rows: &[DetailedStatus]) {
        let mut read = self.read.borrow_mut();
        let Read { deployments, accounts, targets } = &mut *read;
        let of_target = targets.entry(target.clone()).or_default();
        for row in rows {
            *deployments += u64::from(of_target.insert(row.account));
            accounts.insert(row.account);
        }
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
        self.note(target, &page.items);
        self.progress.say(format!("{} ({})", self.summary(), counted(self.pages.get(), "page")));
        Ok(page)
    }
}
