//! The text message: one line.

use super::words::{headline, place};
use crate::harmless::ascii_within;
use crate::notification::Notification;

/// One SMS holds 140 bytes; in ASCII, 140 characters fit in any encoding.
const LONGEST: usize = 140;

/// The line.
pub fn sms(notification: &Notification) -> String {
    let line = format!("packwatch: {} - {}", headline(notification), place(notification));
    ascii_within(&line, LONGEST)
}
