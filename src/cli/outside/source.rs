//! Where the statuses come from: AWS Config, or what was recorded of it.

use std::io::{self, Read as _};
use std::path::Path;

#[cfg(feature = "aws")]
use crate::aws::ConfigSource;
use crate::cli::args::Global;
use crate::cli::outcome::Failure;
use crate::cli::progress::Progress;
use crate::local::RecordedStatuses;
use crate::model::{DetailedStatus, PackName, Region, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};

/// A source of statuses.
pub(in crate::cli) enum Source {
    Recorded(RecordedStatuses),
    #[cfg(feature = "aws")]
    Aws(ConfigSource, Progress),
}

impl Source {
    /// AWS Config; a terminal shows how far it has been read.
    pub(in crate::cli) async fn of_aws(
        global: &Global,
        regions: &[Region],
        progress: &Progress,
    ) -> Result<Self, Failure> {
        #[cfg(feature = "aws")]
        return Ok(Self::Aws(
            ConfigSource::new(&super::connection(global, None).await?, regions),
            progress.clone(),
        ));
        #[cfg(not(feature = "aws"))]
        super::without_aws((global, regions, progress))
    }
}

impl StatusSource for Source {
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError> {
        match self {
            Self::Recorded(recorded) => recorded.packs(region, page).await,
            #[cfg(feature = "aws")]
            Self::Aws(config, _) => config.packs(region, page).await,
        }
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        match self {
            Self::Recorded(recorded) => recorded.statuses(target, filters, page).await,
            #[cfg(feature = "aws")]
            Self::Aws(config, progress) => {
                let page = config.statuses(target, filters, page).await?;
                progress.read("page");
                Ok(page)
            }
        }
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
