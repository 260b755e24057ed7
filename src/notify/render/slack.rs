//! The custom notification that Amazon Q Developer in chat applications shows in Slack ("Custom
//! notifications", Amazon Q Developer in chat applications Administrator Guide). It accepts nothing
//! else on its HTTPS subscription.

use serde_json::{Value, json};

use super::block::{Block, Form, Style};
use super::layout::{CAUSES, Group, Section, sections};
use super::links::{console, history, regions};
use super::sms::why;
use super::words::{headline, left_out, minute, zoned};
use crate::model::Severity;
use crate::model::text::{slack_code, slack_text};
use crate::notify::hints::HINTS;
use crate::notify::{NoticeType, Notification, PackNotice, Topic};

/// Amazon Q Developer cuts what is longer, wherever that is.
const LONGEST_DESCRIPTION: usize = 2500;

/// Packs of a section, and of an account.
const PACKS: usize = 3;

/// Titles and summaries are shown on one line.
const LONGEST_LINE: usize = 240;

/// Causes for which a next step is given.
const STEPS: usize = 3;

/// The document.
pub fn slack(notification: &Notification) -> Value {
    let sections = sections(notification);
    let mark = match notification.severity {
        Severity::Failure => ":red_circle:",
        Severity::Warning => ":large_orange_circle:",
        Severity::Resolved => ":large_green_circle:",
        Severity::Info => ":large_blue_circle:",
    };
    let title = headline(notification, LONGEST_LINE, None);
    let summary = headline(notification, LONGEST_LINE, why(notification).as_deref());
    let mut document = json!({
        "version": "1.0",
        "source": "custom",
        "id": notification.id,
        "content": {
            "textType": "client-markdown",
            "title": format!("{mark} {}", slack_text(&title)),
            "description": description(notification, &sections),
            "nextSteps": next_steps(notification, &sections),
        },
        "metadata": {
            "summary": slack_text(&summary),
            "eventType": "packwatch",
        },
    });
    if let (Some(metadata), Some(thread)) = (document.pointer_mut("/metadata"), thread(notification)) {
        metadata["threadId"] = thread.into();
    }
    document
}

/// What is about one incident alone stays in that incident's thread, other news of one pack in the pack's of that day: a
/// channel shows only what begins a thread. A digest of several packs is in none: in one that all of them shared nobody
/// would see it.
fn thread(notification: &Notification) -> Option<String> {
    let [pack] = notification.packs.as_slice() else { return None };
    let PackNotice { region, organization_conformance_pack_name: name, .. } = pack;
    let is_whole = pack.kind == NoticeType::Transitions && pack.omitted == 0;
    let mut ids = pack.transitions.iter().map(|notice| notice.incident_id.as_deref());
    let first = ids.next().flatten().filter(|first| is_whole && ids.all(|id| id == Some(first)));
    let day = zoned(notification, notification.observed_at).date();
    let of_pack = || format!("packwatch#{region}#{name}#{day}");
    Some(first.map_or_else(of_pack, |incident| format!("packwatch#{incident}")))
}

/// From the fullest to the shortest: a chat is read at a glance.
fn forms() -> impl Iterator<Item = Form> {
    let accounts = [(5, true), (3, true), (1, true), (3, false), (1, false)];
    let with_accounts =
        accounts.map(|(accounts, explains)| Form { causes: CAUSES, accounts, packs: PACKS, explains });
    let without = |causes: usize| Form { causes, accounts: 0, packs: causes.min(PACKS), explains: false };
    with_accounts.into_iter().chain((0..=CAUSES).rev().map(without))
}

/// The text: its sections in the fullest form that fits. Each form says what it leaves out.
fn description(notification: &Notification, sections: &[Section<'_>]) -> String {
    let last = left_out(notification).map(|line| format!("_{}_\n", slack_text(&line))).unwrap_or_default();
    let read = minute(notification, notification.observed_at);
    let footer = format!("_Last change read from AWS Config at {read}_\n{last}");
    let mut shortest = String::new();
    for form in forms() {
        let block = |section| Block { style: Style::Chat, notification, section, form }.text();
        let blocks: Vec<String> = sections.iter().map(block).collect();
        shortest = format!("{}{footer}", blocks.join(if form.accounts > 0 { "\n" } else { "" }));
        if shortest.trim_end().len() <= LONGEST_DESCRIPTION {
            break;
        }
    }
    shortest.truncate(shortest.floor_char_boundary(LONGEST_DESCRIPTION));
    shortest.trim().to_owned()
}

fn next_steps(notification: &Notification, sections: &[Section<'_>]) -> Vec<String> {
    let is_deleted = sections.iter().any(|section| section.notice.topic == Topic::PackDeleted);
    let gone = &HINTS.pack_deleted;
    let deleted = is_deleted.then(|| format!("{} {}", gone.means, gone.todo));
    let step = |group: &Group<'_>| {
        let hint = group.hint?;
        let step = slack_text(&format!("{} See \"{}\"", hint.todo, hint.title));
        Some(format!("{step}: {}", hint.url))
    };
    let groups = sections.iter().flat_map(|section| section.groups.iter().take(CAUSES));
    let groups = groups.filter(|group| group.is_first_of_hint);
    let mut steps: Vec<_> = deleted.into_iter().chain(groups.filter_map(step)).take(STEPS).collect();
    let consoles = regions(notification).into_iter().take(STEPS);
    steps.extend(consoles.filter_map(|region| Some(format!("AWS Config in {region}: {}", console(region)?))));
    steps.push(format!("All changes: {}", slack_code(&history(notification))));
    steps
}
