//! From documents to what SNS is given: every body and every attribute, within SNS's limits.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;

use crate::model::text::plain;
use crate::model::{AccountId, Target};
use crate::notify::render;
use crate::notify::{Notification, transition_notice};
use crate::state::Transition;

/// 256 KiB, for the body and all attributes together ("Publish", Amazon SNS API Reference).
pub const LARGEST_MESSAGE: usize = 256 * 1024;

/// Most values of one list attribute. 50 packs is AWS Config's quota, nine statuses are documented; an
/// open set may not crowd out the body.
const MOST_VALUES: usize = 100;

/// A message attribute, for filter policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// `String` or `String.Array`.
    pub data_type: &'static str,
    /// Its value; of an array, the JSON.
    pub value: String,
}

impl Attribute {
    fn text(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, data_type: "String", value: value.into() }
    }

    fn list(name: &'static str, values: BTreeSet<String>) -> Option<Self> {
        let values: Vec<String> = values.into_iter().take(MOST_VALUES).collect();
        let value = json!(values).to_string();
        (!values.is_empty()).then_some(Self { name, data_type: "String.Array", value })
    }

    fn size(&self) -> usize {
        self.name.len() + self.data_type.len() + self.value.len()
    }
}

/// One message for people: a digest in the form of each protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The whole digest, uncut.
    pub notification: Notification,
    /// For e-mail: fewer than 100 printable ASCII characters.
    pub subject: String,
    /// With `MessageStructure=json`: an object with a body for each protocol.
    pub message: String,
    /// For filter policies.
    pub attributes: Vec<Attribute>,
}

/// One message for machines: a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Whose it is.
    pub target: Target,
    /// The member account.
    pub account: AccountId,
    /// The JSON document.
    pub message: String,
    /// For filter policies.
    pub attributes: Vec<Attribute>,
}

/// The message for a digest: whatever its size, SNS takes it.
pub fn alert(notification: Notification) -> Alert {
    let attributes = alert_attributes(&notification);
    let subject = render::subject(&notification);
    let email = render::email(&notification);
    let https = render::slack(&notification).to_string();
    let sms = render::sms(&notification);
    let bodies = |document: &Notification| {
        let default = json!(document).to_string();
        json!({"default": default, "email": email, "https": https, "sms": sms}).to_string()
    };
    let attributes_size: usize = attributes.iter().map(Attribute::size).sum();
    let empty = bodies(&notification.within(0, |_| 1)).len();
    // 32 bytes for each pack's growing count of omitted transitions, and a margin.
    let reserve = attributes_size + empty + 32 * notification.packs.len() + 1024;
    let room = LARGEST_MESSAGE.saturating_sub(reserve);
    // The document is JSON in a JSON string: its quotes and backslashes are escaped once more.
    let size = |transition: &_| json!(json!(transition).to_string()).to_string().len();
    let message = bodies(&notification.within(room, size));
    Alert { notification, subject, message, attributes }
}

fn alert_attributes(notification: &Notification) -> Vec<Attribute> {
    let packs = &notification.packs;
    let transitions = || packs.iter().flat_map(|pack| &pack.transitions);
    let kinds = packs.iter().map(|pack| pack.kind.as_str()).filter(|kind| *kind != "Transitions");
    let flapping = transitions().filter(|t| t.flapping.is_some()).map(|_| "Flapping");
    let kinds =
        transitions().map(|t| t.kind.as_str()).chain(flapping).chain(kinds).map(str::to_owned).collect();
    let statuses = transitions().filter_map(|t| t.to.as_ref()).map(|to| to.status.clone()).collect();
    let regions = packs.iter().map(|pack| pack.region.to_string()).collect();
    let names = packs.iter().map(|pack| pack.organization_conformance_pack_name.to_string()).collect();
    let lists = [
        Attribute::list("Kinds", kinds),
        Attribute::list("Statuses", statuses),
        Attribute::list("Regions", regions),
        Attribute::list("OrganizationConformancePackNames", names),
    ];
    let severity = Attribute::text("Severity", notification.severity.as_str());
    std::iter::once(severity).chain(lists.into_iter().flatten()).collect()
}

/// The message that tells a machine of one transition.
pub fn event(target: &Target, born: &str, transition: &Transition) -> Event {
    let notice = transition_notice(target, born, transition);
    let mut document = json!(notice);
    if let Some(fields) = document.as_object_mut() {
        fields.insert("Version".to_owned(), json!("1"));
        fields.insert("Region".to_owned(), json!(target.region));
        fields.insert("OrganizationConformancePackName".to_owned(), json!(target.pack));
    }
    let state = transition.to.as_ref().or(transition.from.as_ref());
    let status = state.map_or_else(String::new, |state| plain(state.status.as_str()));
    let text = |name, value: &str| Some(Attribute::text(name, value)).filter(|a| !a.value.is_empty());
    let attributes = [
        text("AccountId", &transition.account.to_string()),
        text("Kind", transition.kind.as_str()),
        text("Status", &status),
        text("Severity", transition.severity().as_str()),
        text("Region", target.region.as_str()),
        text("OrganizationConformancePackName", target.pack.as_str()),
    ];
    Event {
        target: target.clone(),
        account: transition.account,
        message: document.to_string(),
        attributes: attributes.into_iter().flatten().collect(),
    }
}
