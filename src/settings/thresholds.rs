//! From when on a state is not only what AWS Config says.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;

/// When a state in progress is stuck, and how often a failure is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// In progress for longer than this is stuck.
    pub stuck_after: Duration,
    /// How often a failure is repeated; `None`: never.
    pub remind_every: Option<Duration>,
    /// At what time of the day reminders of whole days are due.
    pub remind_at: Time,
    /// Where it is that time.
    pub time_zone: TimeZone,
}
