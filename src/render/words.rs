//! The words that the channels share.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::notification::{NoticeType, Notification, PackNotice, StateNotice, TransitionNotice};

/// Longest error message that is shown to people, in bytes. The JSON body has more of it.
const SHOWN_MESSAGE: usize = 300;

/// What is counted, worst first, with its words for one and for many.
const COUNTED: [(&str, &str, &str); 11] = [
    ("Failed", "account failed", "accounts failed"),
    ("PackDeleted", "pack deleted", "packs deleted"),
    ("Unrecognised", "in an unrecognised status", "in an unrecognised status"),
    ("Stuck", "stuck", "stuck"),
    ("Reminder", "still failed", "still failed"),
    ("Recovered", "recovered", "recovered"),
    ("Joined", "joined", "joined"),
    ("Left", "left", "left"),
    ("Succeeded", "succeeded", "succeeded"),
    ("InProgress", "in progress", "in progress"),
    ("Baseline", "pack now watched", "packs now watched"),
];

/// The whole digest in one line, worst first: "3 accounts failed, 1 recovered".
pub(super) fn headline(notification: &Notification) -> String {
    let counted = COUNTED.iter().filter_map(|(kind, one, many)| {
        let count = notification.count(kind);
        (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
    });
    counted.collect::<Vec<_>>().join(", ")
}

/// Where it happened: the one pack, or how many.
pub(super) fn place(notification: &Notification) -> String {
    match notification.packs.as_slice() {
        [pack] => format!("{} ({})", pack.organization_conformance_pack_name, pack.region),
        packs => format!("{} packs", packs.len()),
    }
}

/// What is said of a pack as a whole.
pub(super) fn about(pack: &PackNotice) -> String {
    let accounts = match pack.accounts {
        1 => "1 account".to_owned(),
        n => format!("{n} accounts"),
    };
    match pack.kind {
        NoticeType::Transitions => accounts,
        NoticeType::PackDeleted => format!("{accounts} until now; the pack was deleted"),
        NoticeType::Baseline if pack.transitions.is_empty() && pack.omitted == 0 => {
            format!("{accounts}, now watched; none fails")
        }
        NoticeType::Baseline => {
            let failing = pack.transitions.len() as u64 + pack.omitted;
            format!("{accounts}, now watched; {failing} already failing")
        }
    }
}

/// From what to what.
pub(super) fn change(notice: &TransitionNotice) -> String {
    let status = |state: &StateNotice| state.status.clone();
    match (&notice.from, &notice.to) {
        (Some(from), Some(to)) if from.status == to.status => status(to),
        (Some(from), Some(to)) => format!("{} -> {}", from.status, to.status),
        (None, Some(to)) => status(to),
        (Some(from), None) => format!("was {}", from.status),
        (None, None) => String::new(),
    }
}

/// What went wrong, in AWS Config's words, bounded.
pub(super) fn cause(notice: &TransitionNotice) -> Option<String> {
    let to = notice.to.as_ref()?;
    let mut cause = to.error_code.clone().unwrap_or_default();
    if let Some(message) = &to.error_message {
        let separator = if cause.is_empty() { "" } else { ": " };
        let _ = write!(cause, "{separator}{message}");
    }
    (!cause.is_empty()).then(|| crate::harmless::bounded(cause, SHOWN_MESSAGE))
}

/// Since when: of the failure, else of the status.
pub(super) fn since(notice: &TransitionNotice) -> Option<String> {
    let updated = notice.to.as_ref().and_then(|to| to.last_update_time);
    notice.failing_since.or(updated).map(minute)
}

/// A time to the minute: `2026-11-18 09:12 UTC`.
pub(super) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
