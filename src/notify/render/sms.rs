//! The text message: one line.

use super::layout::sections;
use super::words::headline_within;
use crate::model::text::ascii_within;
use crate::notify::Notification;

/// One SMS holds 140 bytes; in ASCII, 140 characters fit in any encoding.
const LONGEST: usize = 140;

/// The line. Amazon SNS puts the topic's display name before it.
pub fn sms(notification: &Notification) -> String {
    ascii_within(&headline_within(notification, LONGEST, why(notification).as_deref()), LONGEST)
}

/// The error code of most of the worst, and how many others there are.
pub(super) fn why(notification: &Notification) -> Option<String> {
    let sections = sections(notification);
    let worst = sections.first()?;
    let code = worst.groups.first()?.code?.to_owned();
    match worst.groups.len() - 1 + worst.more_groups.0 {
        0 => Some(code),
        others => Some(format!("{code} and {others} more")),
    }
}
