//! Where the messages go: the terminal, or topics.

#[cfg(feature = "aws")]
use crate::aws::SnsPublisher;
use crate::cli::args::Global;
use crate::cli::outcome::Failure;
use crate::cli::progress::Progress;
use crate::local::Channel;
use crate::notify::message::{Alert, Event};
use crate::ports::{Machines, PublishError, Publisher};
use crate::settings::TopicArn;

/// Where messages go.
pub(in crate::cli) enum Sink {
    Terminal(Channel, Progress),
    /// Nothing is sent: the function that records in the same table does that.
    Nowhere,
    #[cfg(feature = "aws")]
    Sns(Box<SnsPublisher>),
}

impl Sink {
    pub(in crate::cli) async fn of_topics(
        global: &Global,
        alerts: &TopicArn,
        events: Option<&TopicArn>,
    ) -> Result<Self, Failure> {
        #[cfg(feature = "aws")]
        return Ok(Self::Sns(Box::new(SnsPublisher::new(
            &super::connection(global, None).await?,
            alerts,
            events,
            Machines::Elsewhere,
        ))));
        #[cfg(not(feature = "aws"))]
        super::without_aws((global, alerts, events))
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
