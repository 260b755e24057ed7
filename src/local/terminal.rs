//! The terminal as the place where messages go.

use std::cell::RefCell;
use std::io::{self, Write};

use serde::Serialize;

use crate::notify::Notification;
use crate::notify::message::{Alert, Event};
use crate::notify::render;
use crate::ports::{Machines, PublishError, Publisher};

/// A form in which a notification is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
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
}

fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default()
}

/// Writes alerts in one form, and no events.
#[derive(Debug)]
pub struct Terminal<W> {
    channel: Channel,
    out: RefCell<W>,
}

impl<W: Write> Terminal<W> {
    /// Writes to `out`.
    pub fn new(channel: Channel, out: W) -> Self {
        Self { channel, out: RefCell::new(out) }
    }

    /// Writes one notification.
    pub fn write(&self, notification: &Notification) -> io::Result<()> {
        let mut out = self.out.borrow_mut();
        writeln!(out, "{}", self.channel.show(notification).trim_end())?;
        out.flush()
    }
}

impl<W: Write> Publisher for Terminal<W> {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        let failed =
            |error: io::Error| PublishError::Unavailable(format!("it could not be written: {error}"));
        self.write(&alert.notification).map_err(failed)
    }

    fn machines(&self) -> Machines {
        Machines::Elsewhere
    }

    async fn events(&self, _: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        Ok(Vec::new())
    }
}
