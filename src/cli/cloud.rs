//! The parts that are AWS's, where this build has them.

use super::ports::{Names, Sink, Source, Store};
use super::{Failure, Global};
use crate::model::Region;
use crate::settings::TopicArn;

#[cfg(feature = "aws")]
mod clients {
    use super::*;
    use crate::aws::{ConfigSource, Connection, DynamoStore, Organizations, SnsPublisher};

    async fn connection(global: &Global) -> Result<Connection, Failure> {
        let region = global.region.as_deref().map(str::parse).transpose()?;
        Ok(Connection::of_user(region.as_ref(), global.profile.as_deref()).await)
    }

    /// Asks in `region`, or in the one that the flags and the AWS config files name.
    #[cfg(feature = "doctor")]
    pub(in crate::cli) async fn inspector(
        global: &Global,
        region: Option<&str>,
        patience: std::time::Duration,
    ) -> Result<crate::aws::Inspector, Failure> {
        let region: Option<Region> = region.or(global.region.as_deref()).map(str::parse).transpose()?;
        let connection = Connection::of_user(region.as_ref(), global.profile.as_deref()).await;
        Ok(crate::aws::Inspector::new(connection, patience))
    }

    pub(in crate::cli) async fn source(global: &Global, regions: &[Region]) -> Result<Source, Failure> {
        Ok(Source::Aws(ConfigSource::new(&connection(global).await?, regions)))
    }

    pub(in crate::cli) async fn names(global: &Global) -> Result<Option<Names>, Failure> {
        Ok(Some(Names::Organizations(Organizations::new(&connection(global).await?))))
    }

    pub(in crate::cli) async fn store(global: &Global, table: &str) -> Result<Store, Failure> {
        Ok(Store::Dynamo(DynamoStore::new(&connection(global).await?, table)))
    }

    pub(in crate::cli) async fn sink(
        global: &Global,
        alerts: &TopicArn,
        events: Option<&TopicArn>,
    ) -> Result<Sink, Failure> {
        Ok(Sink::Sns(SnsPublisher::new(&connection(global).await?, alerts, events)))
    }
}

/// A build for recorded statuses alone, such as the demo's.
#[cfg(not(feature = "aws"))]
mod clients {
    use super::*;

    const WHY: &str = "this packwatch was built without the AWS clients (cargo's feature `aws`): \
                       use --statuses, --store and the terminal";

    pub(in crate::cli) async fn source(_: &Global, _: &[Region]) -> Result<Source, Failure> {
        Err(WHY.into())
    }

    pub(in crate::cli) async fn names(_: &Global) -> Result<Option<Names>, Failure> {
        Ok(None)
    }

    pub(in crate::cli) async fn store(_: &Global, _: &str) -> Result<Store, Failure> {
        Err(WHY.into())
    }

    pub(in crate::cli) async fn sink(
        _: &Global,
        _: &TopicArn,
        _: Option<&TopicArn>,
    ) -> Result<Sink, Failure> {
        Err(WHY.into())
    }
}

#[cfg(feature = "doctor")]
pub(super) use clients::inspector;
pub(super) use clients::{names, sink, source, store};
