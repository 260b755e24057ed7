//! Where the statuses come from: AWS Config, or what was recorded of it.

use std::cell::Cell;

use indicatif::ProgressBar;

#[cfg(feature = "aws")]
use crate::aws::ConfigSource;
use crate::cli::args::Global;
use crate::cli::outcome::Failure;
#[cfg(not(feature = "aws"))]
use crate::cli::outcome::without_aws;
use crate::local::RecordedStatuses;
use crate::model::text::counted;
use crate::model::{DetailedStatus, PackName, Region, Target};
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

/// A source that shows on a terminal how far the reading is.
pub(in crate::cli) struct Watched {
    source: Source,
    bar: ProgressBar,
    pages: Cell<u64>,
    accounts: Cell<u64>,
}

impl Watched {
    pub(in crate::cli) fn new(source: Source) -> Self {
        // Drawn on stderr, and only on a terminal.
        let bar = ProgressBar::new_spinner();
        Self { source, bar, pages: Cell::new(0), accounts: Cell::new(0) }
    }

    pub(in crate::cli) fn finish(&self) {
        self.bar.finish_and_clear();
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
        self.accounts.set(self.accounts.get() + page.items.len() as u64);
        let (accounts, pages) = (self.accounts.get(), self.pages.get());
        self.bar.set_message(format!("{} in {}", counted(accounts, "account"), counted(pages, "page")));
        self.bar.tick();
        Ok(page)
    }
}
