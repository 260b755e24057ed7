//! `packwatch preview`: a notification in the form of a channel.

use std::path::PathBuf;

use clap::Args;

use super::outcome::{Failure, note};
use super::outside::text;
use crate::local::Channel;
use crate::notify::Notification;

/// What `preview` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PreviewArgs {
    /// Form to show
    #[arg(long, value_enum, default_value = "email")]
    channel: Channel,
    /// A notification's JSON document, or - for stdin
    #[arg(value_name = "EVENT")]
    event: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  packwatch preview --channel slack events/notification.json
  packwatch run --dry-run --output json | packwatch preview --channel email -";

pub(super) fn preview(args: &PreviewArgs) -> Result<(), Failure> {
    let name = args.event.display();
    let text = text(&args.event).map_err(|error| format!("{name}: {error}"))?;
    let wanted = "a notification, as `packwatch run --dry-run --output json` prints it";
    if text.trim().is_empty() {
        note(&"nothing to show: it is empty, as what a run prints that has nothing to send");
    }
    for notification in serde_json::Deserializer::from_str(&text).into_iter::<Notification>() {
        let notification = notification.map_err(|error| format!("{name}: {error}. Expected {wanted}"))?;
        args.channel.print(&notification)?;
    }
    Ok(())
}
