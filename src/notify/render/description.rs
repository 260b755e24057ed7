//! The chat's text, within a limit: first what there is of each cause, then its accounts, worst first.

use super::layout::{Entry, Group, Section};
use super::text::{
    account_state, earlier, how_many, left_out, more_accounts, more_causes, other_messages, packs, since,
};
use super::topic::Topic;
use super::words::{counted, minute, pack_in_region, subject};
use crate::model::text::{bounded, isolated, slack_code, slack_text};
use crate::notify::{Notification, PackNotice};

/// Amazon Q Developer cuts what is longer, wherever that is.
const LONGEST: usize = 2500;

/// Longest error code that is shown, or message in its place, in bytes.
const LONGEST_CODE: usize = 80;

/// Packs in a list.
const LISTED_PACKS: usize = 5;

/// Longest error message that is shown, in bytes.
const LONGEST_MESSAGE: usize = 200;

/// How much of each group is shown.
#[derive(Clone, Copy)]
struct Form {
    accounts: usize,
    /// What AWS Config says, and what it means.
    explains: bool,
}

/// From the fullest to the shortest: a chat is read at a glance.
const FORMS: [Form; 6] = [
    Form { accounts: 5, explains: true },
    Form { accounts: 3, explains: true },
    Form { accounts: 1, explains: true },
    Form { accounts: 3, explains: false },
    Form { accounts: 1, explains: false },
    Form { accounts: 0, explains: false },
];

/// A piece that is there whole or not at all, with the number of accounts that it is about.
struct Piece {
    text: String,
    accounts: usize,
    /// An empty line comes before it.
    is_first: bool,
}

/// In the fullest form in which every cause is there. What does not even fit in the shortest one is counted.
pub(super) fn description(notification: &Notification, sections: &[Section<'_>]) -> String {
    let last = left_out(notification).map(|line| format!("_{}_\n", slack_text(&line))).unwrap_or_default();
    let footer = format!("_Read from AWS Config at {}_\n{last}", minute(notification.observed_at));
    let room = LONGEST - footer.len() - "and 18,446,744,073,709,551,615 more accounts\n".len();
    let pieces = |form: Form| -> Vec<Piece> {
        let overview = sections.iter().flat_map(|section| overview(section, form));
        overview
            .chain(sections.iter().flat_map(|section| section_pieces(notification, section, form)))
            .collect()
    };
    let [fuller @ .., shortest] = FORMS;
    let whole = fuller.into_iter().map(|form| joined(&pieces(form), room)).find(|(_, left)| left.is_none());
    let (mut text, left) = whole.unwrap_or_else(|| joined(&pieces(shortest), room));
    match left {
        None => {}
        Some(0) => text.push_str("and more\n"),
        Some(accounts) => text.push_str(&format!("{}\n", more_accounts(accounts))),
    }
    text.push_str(&footer);
    text.trim_end().to_owned()
}

/// As many pieces as there is room for, and the number of accounts of the others, if there are any.
fn joined(pieces: &[Piece], room: usize) -> (String, Option<usize>) {
    let mut text = String::new();
    let mut rest = pieces.iter();
    for piece in rest.by_ref() {
        let gap = if piece.is_first && !text.is_empty() { "\n" } else { "" };
        if text.len() + gap.len() + piece.text.len() > room {
            return (text, Some(piece.accounts + rest.map(|piece| piece.accounts).sum::<usize>()));
        }
        text.push_str(gap);
        text.push_str(&piece.text);
    }
    (text, None)
}

/// How many accounts each cause has.
fn overview(section: &Section<'_>, form: Form) -> Vec<Piece> {
    if !section.counts_first() {
        return Vec::new();
    }
    let piece = |text, accounts, is_first| Piece {
        text,
        // Else the cause comes again, with its accounts.
        accounts: if form.accounts == 0 { accounts } else { 0 },
        is_first,
    };
    let heading = format!("*{} {}*\n", subject(&section.tally), section.tally.topic.verb());
    let mut pieces = vec![piece(heading, 0, true)];
    for group in &section.groups {
        let known_as = group.code.map_or_else(|| "no error code".to_owned(), code);
        let message =
            section.distinguishes(group).map(|text| format!(" {}", code(&text))).unwrap_or_default();
        let line = format!("• {}: {known_as}{message}\n", how_many(section, group));
        pieces.push(piece(line, group.accounts, false));
    }
    let more = more_causes(section);
    pieces.extend(more.map(|more| piece(format!("• {more}\n"), section.more_groups.1, false)));
    pieces
}

fn code(code: &str) -> String {
    slack_code(&bounded(code.to_owned(), LONGEST_CODE))
}

fn section_pieces(notification: &Notification, section: &Section<'_>, form: Form) -> Vec<Piece> {
    let tally = &section.tally;
    let listed = |packs: &[&PackNotice]| {
        let named: Vec<String> = packs.iter().take(LISTED_PACKS).map(|pack| pack_in_region(pack)).collect();
        let named = named.join(", ");
        match packs.len().saturating_sub(LISTED_PACKS) {
            0 => named,
            more => format!("{named} and {}", counted(more as u64, "more pack")),
        }
    };
    match tally.topic {
        Topic::Watched | Topic::PackDeleted => {
            let accounts = tally.packs.iter().map(|pack| pack.accounts).sum();
            let verb = if tally.topic == Topic::Watched { "Now watching" } else { "Deleted" };
            let text = format!("*{verb}:* {}, {}\n", listed(&tally.packs), counted(accounts, "account"));
            vec![Piece { text, accounts: 0, is_first: true }]
        }
        topic if section.groups.is_empty() => {
            let text = format!("*{}* {}\n", subject(tally), topic.verb());
            let accounts = usize::try_from(tally.changes).unwrap_or(usize::MAX);
            vec![Piece { text, accounts, is_first: true }]
        }
        _ if form.accounts == 0 && section.counts_first() => Vec::new(),
        _ => {
            let groups = section.groups.iter();
            groups.flat_map(|group| group_pieces(notification, section, group, form)).collect()
        }
    }
}

fn group_pieces(
    notification: &Notification,
    section: &Section<'_>,
    group: &Group<'_>,
    form: Form,
) -> Vec<Piece> {
    let mut head = format!("*{} {}*", counted(group.accounts as u64, "account"), section.tally.topic.verb());
    let pack = group.entries.first().and_then(|entry| entry.packs.first());
    match (group.packs, pack) {
        (1, Some(pack)) if notification.packs.len() > 1 => {
            head.push_str(&format!(" in {}", pack_in_region(pack)));
        }
        (0 | 1, _) => {}
        (packs, _) => head.push_str(&format!(" in {packs} packs")),
    }
    head.extend(group.code.map(|text| format!(": {}", code(text))));
    head.push('\n');
    if let Some(hint) = group.hint.filter(|_| form.explains) {
        head.push_str(&format!("{}\n", slack_text(hint.means)));
    }
    if let Some(message) = group.message.filter(|_| form.explains) {
        let text = slack_code(&bounded(message.text.to_owned(), LONGEST_MESSAGE));
        head.push_str(&format!("> {text}{}\n", other_messages(&message)));
    }
    let common = group.change.as_ref().filter(|_| group.accounts > 1 && form.accounts > 0);
    head.extend(common.map(|change| format!("{}\n", statuses(change))));
    let shown = group.entries.len().min(form.accounts);
    let entries = group.entries.iter().take(shown);
    let lines: String = entries.map(|entry| line(notification, section, group, entry)).collect();
    let more = match group.more(shown) {
        more if shown > 0 && more > 0 => format!("   {}\n", more_accounts(more)),
        _ => String::new(),
    };
    vec![Piece { text: format!("{head}{lines}{more}"), accounts: group.accounts, is_first: true }]
}

fn line(notification: &Notification, section: &Section<'_>, group: &Group<'_>, entry: &Entry<'_>) -> String {
    let name = entry.notice.account_name.clone();
    let name = name.map(|name| format!(" {}", isolated(&slack_code(&bounded(name, 50))))).unwrap_or_default();
    let state = account_state(entry).map(|state| format!(" ({state})")).unwrap_or_default();
    let since = since(notification, section.tally.topic, entry);
    let packs = (group.packs > 1).then(|| format!("in {}", packs(notification, entry)));
    let change = (group.change.is_none() || group.accounts == 1).then(|| statuses(&entry.change));
    let details = [change, since, earlier(entry), packs].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let separator = if details.is_empty() { "" } else { ": " };
    format!("• *{}*{name}{state}{separator}{details}\n", entry.account)
}

/// From what to what. A status that AWS did not document is anybody's text, so it is shown as code.
fn statuses(change: &str) -> String {
    let documented = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '>' | ' ');
    if change.chars().all(documented) { slack_text(change) } else { slack_code(change) }
}
