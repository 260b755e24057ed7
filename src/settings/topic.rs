//! Where messages go.

use std::str::FromStr;

/// The ARN of a standard SNS topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn(String);

impl FromStr for TopicArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "sns", region, account, name]
                if !region.is_empty() && account.len() == 12 && !name.is_empty() =>
            {
                if name.ends_with(".fifo") {
                    return Err(format!("{text:?} is a FIFO topic, which reaches neither e-mail nor Slack"));
                }
                Ok(Self(text.to_owned()))
            }
            _ => Err(format!("{text:?} is not a topic's ARN: arn:aws:sns:REGION:ACCOUNT:NAME")),
        }
    }
}

impl TopicArn {
    /// The ARN itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region in which the topic is.
    pub fn region(&self) -> &str {
        self.0.split(':').nth(3).unwrap_or_default()
    }
}
