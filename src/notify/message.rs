//! From documents to what SNS is given: every body and every attribute, within SNS's limits.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::document::{Notification, TransitionNotice};
use super::record::{Log, record_id};
use super::render;
use crate::model::{Kind, PackName, Region, Target};
use crate::state::log::{Notice, PackEvent, Record};

/// 256 KiB, for the body and all attributes together ("Publish", Amazon SNS API Reference).
pub const LARGEST_MESSAGE: usize = 256 * 1024;

/// A message attribute, for filter policies.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        let value = json!(values).to_string();
        (!values.is_empty()).then_some(Self { name, data_type: "String.Array", value })
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

/// One message for machines: a record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The record's id.
    pub id: String,
    /// The JSON document.
    pub message: String,
    /// For filter policies.
    pub attributes: Vec<Attribute>,
}

/// How much of itself a message says. What SNS refuses for what it is, it may take in a minimal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// All.
    Whole,
    /// An event without AWS Config's own words; a digest without its accounts.
    WithoutTexts,
    /// What packwatch itself says, in which nothing can be wrong: an event's id, kind and account; a digest's counts.
    Minimal,
}

impl Form {
    /// From the most to the least.
    pub const ALL: [Self; 3] = [Self::Whole, Self::WithoutTexts, Self::Minimal];
}

/// The message for a digest: whatever its size, SNS takes it.
pub fn alert(notification: &Notification, form: Form) -> Alert {
    let attributes = alert_attributes(notification, form);
    let mut notification = notification.clone();
    if form != Form::Whole {
        notification = Notification { statuses: BTreeSet::new(), ..notification.within(0) };
    }
    if form == Form::Minimal {
        notification.packs.clear();
    }
    let subject = render::subject(&notification);
    let email = render::email(&notification);
    let https = render::slack(&notification).to_string();
    let sms = render::sms(&notification);
    let bodies = |document: Notification| {
        let default = json!(document).to_string();
        json!({"default": default, "email": email, "https": https, "sms": sms}).to_string()
    };
    let size = |of: &Attribute| of.name.len() + of.data_type.len() + of.value.len();
    let attributes_size: usize = attributes.iter().map(size).sum();
    let empty = bodies(notification.clone().within(0)).len();
    // 32 bytes for each pack's growing count of omitted transitions, and a margin.
    let reserve = attributes_size + empty + 32 * notification.packs.len() + 1024;
    let room = LARGEST_MESSAGE.saturating_sub(reserve);
    let message = bodies(notification.clone().within(room));
    Alert { notification, subject, message, attributes }
}

/// The attributes of the whole digest, so that whoever filters gets a minimal form of it, too: without AWS Config's own
/// statuses. The kinds are also those of accounts that are only counted.
fn alert_attributes(notification: &Notification, form: Form) -> Vec<Attribute> {
    let packs = &notification.packs;
    let transitions = || packs.iter().flat_map(|pack| &pack.transitions);
    let counted = notification.counts.keys().map(|counted_as| match counted_as.as_str() {
        "SilenceEnded" => Kind::Reminder.as_str(),
        kind => kind,
    });
    let kinds = transitions().map(|t| t.kind.as_str()).chain(counted).map(str::to_owned).collect();
    let statuses = notification.statuses.iter().filter(|_| form == Form::Whole).cloned().collect();
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

/// The JSON document of an event.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EventDocument<'a> {
    version: &'static str,
    region: &'a Region,
    organization_conformance_pack_name: &'a PackName,
    #[serde(flatten)]
    about: About,
}

#[derive(Serialize)]
#[serde(untagged)]
enum About {
    Account(Box<TransitionNotice>),
    #[serde(rename_all = "PascalCase")]
    Pack {
        id: String,
        kind: PackEvent,
        accounts: u64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        created_again: bool,
        observed_at: Timestamp,
        sequence: u64,
    },
}

/// The message that tells a machine of one record of the log.
pub fn event(target: &Target, history_id: &str, record: &Record, form: Form) -> Event {
    let Target { region, pack } = target;
    let mut attributes = vec![
        Attribute::text("Kind", record.kind()),
        Attribute::text("Region", region.as_str()),
        Attribute::text("OrganizationConformancePackName", pack.as_str()),
    ];
    let (id, about, severity) = match record {
        Record::Account(transition) => {
            let mut notice = Log { target, history_id }.notice(transition);
            match (form, &mut notice.to) {
                (Form::WithoutTexts, Some(to)) => to.error_message = None,
                (Form::Minimal, _) => (notice.from, notice.to) = (None, None),
                _ => {}
            }
            attributes.push(Attribute::text("AccountId", transition.account.to_string()));
            let state = notice.to.as_ref().or(notice.from.as_ref());
            if let Some(status) = state.map(|state| state.status.as_str()).filter(|status| !status.is_empty())
            {
                attributes.push(Attribute::text("Status", status));
            }
            (notice.id.clone(), About::Account(Box::new(notice)), transition.severity())
        }
        Record::Pack(notice) => {
            let Notice { event: kind, accounts, created_again, observed_at, epoch: sequence, .. } = *notice;
            let id = record_id(target, history_id, record);
            let about = About::Pack { id: id.clone(), kind, accounts, created_again, observed_at, sequence };
            (id, about, kind.severity())
        }
    };
    attributes.push(Attribute::text("Severity", severity.as_str()));
    let document = EventDocument { version: "1", region, organization_conformance_pack_name: pack, about };
    // None of these types fails.
    let message = serde_json::to_string(&document).unwrap_or_default();
    Event { id, message, attributes }
}
