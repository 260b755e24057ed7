//! The e-mail: plain text, one block for each pack.

use std::fmt::Write as _;

use super::words::{about, cause, change, headline, minute, place, since};
use crate::harmless::ascii_within;
use crate::notification::{Notification, PackNotice};

/// SNS: fewer than 100 characters.
const LONGEST_SUBJECT: usize = 99;

/// Accounts that are listed for each pack, and over all packs; `packwatch history` has the rest.
const LISTED: usize = 20;
const LISTED_IN_ALL: usize = 100;

/// The subject, worst first, with the pack or the number of packs in it.
pub fn subject(notification: &Notification) -> String {
    let line = format!("packwatch: {} - {}", headline(notification), place(notification));
    ascii_within(&line, LONGEST_SUBJECT)
}

/// The body.
pub fn email(notification: &Notification) -> String {
    let mut text = format!("{} - {}\n", headline(notification), place(notification));
    let mut room = LISTED_IN_ALL;
    for pack in &notification.packs {
        let listed = pack.transitions.len().min(LISTED).min(room);
        room -= listed;
        text.push_str(&block(pack, listed));
    }
    let _ = write!(
        text,
        "\nThe whole list: packwatch history\nRead from AWS Config at {}. Message {}\n",
        minute(notification.observed_at),
        notification.id
    );
    text
}

fn block(pack: &PackNotice, listed: usize) -> String {
    let name = &pack.organization_conformance_pack_name;
    let mut text = format!("\n{name} ({}), {}\n", pack.region, about(pack));
    for notice in pack.transitions.iter().take(listed) {
        let name = notice.account_name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
        let kind = notice.kind.as_str().to_uppercase();
        let _ = writeln!(text, "  {kind:<12} {}{name}  {}", notice.account_id, change(notice));
        if let Some(cause) = cause(notice) {
            let _ = writeln!(text, "               {cause}");
        }
        if let Some(since) = since(notice) {
            let _ = writeln!(text, "               since {since}");
        }
    }
    let more = (pack.transitions.len() - listed) as u64 + pack.omitted;
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
    text
}
