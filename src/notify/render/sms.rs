//! The text message: one line.

use super::words::headline;
use crate::model::text::{ascii_within, counted, shown};
use crate::notify::Notification;

/// One SMS holds 140 bytes; in ASCII, 140 characters fit in any encoding.
const LONGEST: usize = 140;

/// The line. Amazon SNS puts the topic's display name before it.
pub fn sms(notification: &Notification) -> String {
    ascii_within(&headline(notification, LONGEST, why(notification).as_deref()), LONGEST)
}

/// The error code of most of the worst, and how many other causes there are.
pub(super) fn why(notification: &Notification) -> Option<String> {
    let worst = notification.sections.first()?;
    let code = shown(worst.causes.first()?.state.error_code.as_deref()?, LONGEST);
    match worst.causes.len() as u64 - 1 + worst.more_causes {
        0 => Some(code),
        others => Some(format!("{code} and {}", counted(others, "more cause"))),
    }
}
