//! The queue through which the targets of the schedule go.

use std::str::FromStr;
use std::time::Duration;

/// A queue, and for how long its messages are worth anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// `PACKWATCH_QUEUE_URL`
    pub url: QueueUrl,
    /// `PACKWATCH_QUEUE_MAX_AGE`: by then the schedule has sent every target again.
    pub max_age: Duration,
}

/// The URL of a standard SQS queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrl(String);

impl FromStr for QueueUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a queue's URL: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME");
        let address =
            text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(wrong)?;
        let [host, account, name] = address.split('/').collect::<Vec<_>>()[..] else { return Err(wrong()) };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if host.is_empty() || !is_account || name.is_empty() {
            return Err(wrong());
        }
        if name.ends_with(".fifo") {
            return Err(format!(
                "{text:?} is a FIFO queue, which would hand out a region's targets one at a time"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl QueueUrl {
    /// The URL itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
