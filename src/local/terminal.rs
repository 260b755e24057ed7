//! The terminal as the place where messages go.

use std::io::{self, Write};

use serde::Serialize;

use crate::notify::Notification;
use crate::notify::render;

/// A form in which a notification is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Channel {
    /// The subject and the body of the e-mail.
    Email,
    /// The custom notification for Amazon Q Developer in chat applications.
    Slack,
    /// The text message.
    Sms,
    /// The JSON document.
    Json,
}

impl Channel {
    /// The notification in this form.
    pub fn show(self, notification: &Notification) -> String {
        match self {
            Self::Email => {
                format!("Subject: {}\n\n{}", render::subject(notification), render::email(notification))
            }
            Self::Slack => pretty(&render::slack(notification)),
            Self::Sms => render::sms(notification),
            Self::Json => pretty(notification),
        }
    }

    /// Prints the notification in this form.
    pub fn print(self, notification: &Notification) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", self.show(notification).trim_end())?;
        out.flush()
    }
}

fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default()
}
