//! What a command works with, as its flags choose it: AWS, or what stands for it on a laptop.

mod store;

pub(super) use store::{Store, StoreArgs};

use std::io::{self, Read as _};
use std::path::Path;

use super::args::Global;
use super::outcome::Failure;
use super::progress::Progress;
#[cfg(feature = "aws")]
use crate::aws::{ConfigSource, Connection, Organizations, SnsPublisher, profile_region};
use crate::local::{Channel, RecordedStatuses};
#[cfg(not(feature = "aws"))]
use crate::model::AccountId;
use crate::model::{DetailedStatus, PackName, Region, Target};
use crate::notify::message::{Alert, Event};
#[cfg(not(feature = "aws"))]
use crate::ports::{AccountName, AccountNames};
use crate::ports::{
    Filters, Machines, Page, PageRequest, PublishError, Publisher, SourceError, StatusSource,
};
use crate::settings::TopicArn;

/// AWS, with the profile that the flags name, in `region` or in the one that they or the AWS config files name.
#[cfg(feature = "aws")]
pub(super) async fn connection(global: &Global, region: Option<&str>) -> Result<Connection, Failure> {
    let region = region.or(global.region.as_deref()).map(str::parse).transpose()?;
    Ok(Connection::of_user(region.as_ref(), global.profile.as_deref()).await?)
}

/// What a build for recorded statuses alone, such as the demo's, says when it is asked for something of AWS.
#[cfg(not(feature = "aws"))]
fn without_aws<T>(_: impl Sized) -> Result<T, Failure> {
    let instead = "use --statuses, --store and the terminal";
    Err(format!("this packwatch was built without the AWS clients (cargo's feature `aws`): {instead}").into())
}

/// Who knows what accounts are called.
#[cfg(feature = "aws")]
pub(super) type Names = Organizations;

/// Nobody.
#[cfg(not(feature = "aws"))]
pub(super) enum Names {}

#[cfg(not(feature = "aws"))]
impl AccountNames for Names {
    async fn look_up(&self, _: &[AccountId]) {}

    fn known(&self, _: AccountId) -> Option<AccountName> {
        None
    }
}

/// Who is asked for names, if that is wanted.
pub(super) async fn names(global: &Global, is_wanted: bool) -> Result<Option<Names>, Failure> {
    if !is_wanted {
        return Ok(None);
    }
    #[cfg(feature = "aws")]
    return Ok(Some(Names::new(&connection(global, None).await?)));
    #[cfg(not(feature = "aws"))]
    without_aws(global)
}

/// The region in which AWS Config is asked, by the AWS CLI's rules: the flag, the environment, the profile.
pub(super) async fn region(global: &Global) -> Result<Option<String>, Failure> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
    let named = global.region.clone().or_else(|| variable("AWS_REGION"));
    match named.or_else(|| variable("AWS_DEFAULT_REGION")) {
        Some(region) => Ok(Some(region)),
        #[cfg(feature = "aws")]
        None => Ok(profile_region(global.profile.as_deref()).await?),
        #[cfg(not(feature = "aws"))]
        None => Ok(None),
    }
}

/// A source of statuses.
pub(super) enum Source {
    Recorded(RecordedStatuses),
    #[cfg(feature = "aws")]
    Aws(ConfigSource, Progress),
}

impl Source {
    /// AWS Config; a terminal shows how far it has been read.
    pub(super) async fn of_aws(
        global: &Global,
        regions: &[Region],
        progress: &Progress,
    ) -> Result<Self, Failure> {
        #[cfg(feature = "aws")]
        return Ok(Self::Aws(ConfigSource::new(&connection(global, None).await?, regions), progress.clone()));
        #[cfg(not(feature = "aws"))]
        without_aws((global, regions, progress))
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

/// Where messages go.
pub(super) enum Sink {
    Terminal(Channel, Progress),
    /// Nothing is sent: the function that records in the same table does that.
    Nowhere,
    #[cfg(feature = "aws")]
    Sns(Box<SnsPublisher>),
}

impl Sink {
    pub(super) async fn of_topics(
        global: &Global,
        alerts: &TopicArn,
        events: Option<&TopicArn>,
    ) -> Result<Self, Failure> {
        #[cfg(feature = "aws")]
        return Ok(Self::Sns(Box::new(SnsPublisher::new(
            &connection(global, None).await?,
            alerts,
            events,
            Machines::Elsewhere,
        ))));
        #[cfg(not(feature = "aws"))]
        without_aws((global, alerts, events))
    }
}

impl Publisher for Sink {
    async fn awaits_confirmation(&self) -> bool {
        match self {
            Self::Terminal(..) | Self::Nowhere => false,
            #[cfg(feature = "aws")]
            Self::Sns(sns) => sns.awaits_confirmation().await,
        }
    }

    fn alerts(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }

    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        match self {
            Self::Terminal(channel, progress) => {
                progress.end();
                let why = |error| PublishError::Unavailable(format!("it could not be written: {error}"));
                channel.print(&alert.notification).map_err(why)
            }
            Self::Nowhere => Ok(()),
            #[cfg(feature = "aws")]
            Self::Sns(sns) => sns.alert(alert).await,
        }
    }

    fn machines(&self) -> Machines {
        match self {
            Self::Terminal(..) | Self::Nowhere => Machines::Elsewhere,
            #[cfg(feature = "aws")]
            Self::Sns(sns) => sns.machines(),
        }
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        match (self, events) {
            (Self::Terminal(..) | Self::Nowhere, _) => Ok(Vec::new()),
            #[cfg(feature = "aws")]
            (Self::Sns(sns), events) => sns.events(events).await,
        }
    }
}

/// The text of a file, or of stdin where it is `-`.
pub(super) fn text(file: &Path) -> Result<String, String> {
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
