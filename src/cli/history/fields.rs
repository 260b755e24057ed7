//! The fields of a change.

use jiff::Timestamp;

use crate::cli::table::{Column, Field};
use crate::history::Entry;
use crate::model::text::plain;
use crate::state::State;
use crate::state::log::Record;

/// The fields of a change.
pub(super) const FIELDS: [Field; 14] = [
    ("ObservedAt", Some(Column::text("Observed (UTC)"))),
    ("Region", Some(Column::text("Region").spare(1))),
    ("OrganizationConformancePackName", Some(Column::name("Pack", 14))),
    ("AccountId", Some(Column::text("Account"))),
    ("Kind", Some(Column::text("Kind"))),
    ("From", Some(Column::text("From").spare(3))),
    ("To", Some(Column::text("To").spare(2))),
    ("ErrorCode", Some(Column::name("Error", 12))),
    ("ErrorMessage", Some(Column::prose("Message", 16).spare(4))),
    ("LastUpdateTime", None),
    ("FailingSince", None),
    ("Notes", Some(Column::text("Notes").spare(5))),
    ("IncidentId", Some(Column::id("Incident").spare(6))),
    ("Id", None),
];

pub(super) fn row(entry: &Entry, time: fn(Timestamp) -> String) -> Vec<String> {
    let Entry { target, record, .. } = entry;
    let of = record.transition();
    let to = of.and_then(|of| of.to.as_ref());
    let status = |state: &State| plain(state.status.as_str());
    let some_time = |at: Option<Timestamp>| at.map(time).unwrap_or_default();
    let text = |text: Option<&String>| text.map(|text| plain(text)).unwrap_or_default();
    vec![
        time(record.observed_at()),
        target.region.to_string(),
        target.pack.to_string(),
        of.map(|of| of.account.to_string()).unwrap_or_default(),
        record.kind().to_owned(),
        of.and_then(|of| of.from.as_ref()).map(status).unwrap_or_default(),
        to.map(status).unwrap_or_default(),
        text(to.and_then(|to| to.error_code.as_ref())),
        text(to.and_then(|to| to.error_message.as_ref())),
        some_time(to.and_then(|to| to.last_update)),
        some_time(of.and_then(|of| of.failing_since)),
        notes(record),
        text(of.and_then(|of| of.incident_id.as_ref())),
        entry.id(),
    ]
}

fn notes(record: &Record) -> String {
    match record {
        Record::Account(of) => {
            let notes = [(of.silenced, "silenced"), (of.damped || of.flapping.is_some(), "flapping")];
            notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, note)| note).collect::<Vec<_>>().join(", ")
        }
        Record::Pack(notice) => notice.in_words(),
    }
}
