//! AWS, in the region and with the profile that the flags name.

use crate::aws::{Connection, profile_region};
use crate::cli::args::Global;
use crate::cli::outcome::Failure;

pub(super) async fn connection(global: &Global) -> Result<Connection, Failure> {
    let region = global.region.as_deref().map(str::parse).transpose()?;
    Ok(Connection::of_user(region.as_ref(), global.profile.as_deref()).await?)
}

/// The region of the profile that the flags or the environment name.
pub(in crate::cli) async fn region_of_profile(global: &Global) -> Result<Option<String>, Failure> {
    Ok(profile_region(global.profile.as_deref()).await?)
}

/// Asks in `region`, or in the one that the flags and the AWS config files name.
#[cfg(feature = "doctor")]
pub(in crate::cli) async fn inspector(
    global: &Global,
    region: Option<&str>,
    timeout: std::time::Duration,
) -> Result<crate::aws::Inspector, Failure> {
    let region = region.or(global.region.as_deref()).map(str::parse).transpose()?;
    let connection = Connection::of_user(region.as_ref(), global.profile.as_deref()).await?;
    Ok(crate::aws::Inspector::new(connection, timeout).await)
}
