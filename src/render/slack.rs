//! The custom notification that Amazon Q Developer in chat applications shows in Slack ("Custom
//! notifications", Amazon Q Developer in chat applications Administrator Guide). It accepts nothing
//! else on its HTTPS subscription.

use serde_json::{Value, json};

use super::words::{about, cause, change, headline, place, since};
use crate::harmless::{bounded, slack_code, slack_text};
use crate::notification::{Notification, PackNotice, TransitionNotice};

/// Amazon Q Developer cuts what is longer, wherever that is; here a whole entry is left out instead.
const LONGEST_DESCRIPTION: usize = 2500;

/// The document.
pub fn slack(notification: &Notification) -> Value {
    let thread = match notification.packs.as_slice() {
        [pack] => format!("packwatch#{}#{}", pack.region, pack.organization_conformance_pack_name),
        _ => "packwatch".to_owned(),
    };
    let headline = headline(notification);
    let mark = match notification.severity.as_str() {
        "failure" => ":red_circle:",
        "warning" => ":large_orange_circle:",
        "resolved" => ":large_green_circle:",
        _ => ":large_blue_circle:",
    };
    let keywords: Vec<&String> = notification.counts.keys().collect();
    json!({
        "version": "1.0",
        "source": "custom",
        "id": notification.id,
        "content": {
            "textType": "client-markdown",
            "title": bounded(format!("{mark} {headline} - {}", place(notification)), 240),
            "description": description(notification),
            "nextSteps": ["See the whole list: `packwatch history`"],
            "keywords": keywords,
        },
        "metadata": {
            "threadId": thread,
            "summary": bounded(headline, 240),
            "eventType": "packwatch",
            "relatedResources": related(notification),
            "additionalContext": {"severity": notification.severity.as_str()},
        },
    })
}

fn related(notification: &Notification) -> Vec<String> {
    let name = |pack: &PackNotice| format!("{}/{}", pack.region, pack.organization_conformance_pack_name);
    notification.packs.iter().take(10).map(name).collect()
}

/// Whole entries up to the limit, then how many more there are.
fn description(notification: &Notification) -> String {
    let mut text = String::new();
    let mut left_out = 0;
    for pack in &notification.packs {
        let name = &pack.organization_conformance_pack_name;
        let head = format!("*{name}* ({}), {}\n", pack.region, about(pack));
        left_out += pack.omitted;
        if !push_within(&mut text, &head) {
            left_out += pack.transitions.len() as u64;
            continue;
        }
        for notice in &pack.transitions {
            if left_out > 0 || !push_within(&mut text, &entry(notice)) {
                left_out += 1;
            }
        }
    }
    if left_out > 0 {
        text.push_str(&format!("and {left_out} more"));
    }
    text.trim_end().to_owned()
}

fn push_within(text: &mut String, piece: &str) -> bool {
    let last_line = "and 18446744073709551615 more".len();
    let fits = text.len() + piece.len() + last_line <= LONGEST_DESCRIPTION;
    if fits {
        text.push_str(piece);
    }
    fits
}

/// From what to what. A status that AWS did not document is anybody's text.
fn statuses(change: &str) -> String {
    let words = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '>' | ' ');
    if change.chars().all(words) { slack_text(change) } else { slack_code(change) }
}

fn entry(notice: &TransitionNotice) -> String {
    let name = notice.account_name.as_deref().map(|name| format!(" {}", slack_code(name)));
    let cause = cause(notice).map(|cause| format!("\n   {}", slack_code(&cause)));
    let since = since(notice).map(|since| format!(", since {since}"));
    format!(
        "• *{}* {}{} {}{}{}\n",
        notice.kind,
        notice.account_id,
        name.unwrap_or_default(),
        statuses(&change(notice)),
        since.unwrap_or_default(),
        cause.unwrap_or_default()
    )
}
