//! `packwatch preview`: a notification in the form of a channel.

use std::io;
use std::path::PathBuf;

use clap::Args;

use super::args::Offline;
use super::outcome::{Done, Failure};
use crate::local::{Channel, Terminal};
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
    #[command(flatten)]
    offline: Offline,
}

const EXAMPLES: &str = "\
Examples:
  packwatch preview --channel slack events/notification.json
  packwatch run --dry-run --output json | packwatch preview --channel email -";

pub(super) fn preview(args: &PreviewArgs) -> Result<Done, Failure> {
    let name = args.event.display();
    let text = if args.event.as_os_str() == "-" {
        io::read_to_string(io::stdin().lock())
    } else {
        std::fs::read_to_string(&args.event)
    };
    let text = text.map_err(|error| format!("{name}: {error}"))?;
    let notification: Notification = serde_json::from_str(&text).map_err(|error| {
        format!(
            "{name}: {error}. Expected a notification, as `packwatch run --dry-run --output json` prints it"
        )
    })?;
    Terminal::new(args.channel, io::stdout()).write(&notification)?;
    Ok(Done::Quiet)
}
