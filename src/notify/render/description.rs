//! The chat's text: whole entries up to a limit, worst first, then how many more there are.

use super::layout::{Entry, Group, Section};
use super::text::{account_state, left_out, packs, since};
use super::topic::Topic;
use super::words::{counted, minute, pack_in_region, subject};
use crate::model::text::{bounded, isolated, slack_code, slack_text};
use crate::notify::{Notification, PackNotice};

/// Amazon Q Developer cuts what is longer, wherever that is.
const LONGEST: usize = 2500;

/// Accounts that are named in a group, and packs in a list: a chat is read at a glance.
const LISTED: usize = 5;

/// Longest error message that is shown, in bytes.
const LONGEST_MESSAGE: usize = 200;

/// A piece that is there whole or not at all, with the number of accounts that it tells of.
struct Piece {
    text: String,
    accounts: usize,
    /// An empty line comes before it.
    is_first: bool,
}

pub(super) fn description(notification: &Notification, sections: &[Section<'_>]) -> String {
    let pieces: Vec<Piece> =
        sections.iter().flat_map(|section| section_pieces(notification, section)).collect();
    let last = left_out(notification).map(|line| format!("_{}_\n", slack_text(&line))).unwrap_or_default();
    let footer = format!("_Read from AWS Config at {}_\n{last}", minute(notification.observed_at));
    let reserve = footer.len() + "and 18,446,744,073,709,551,615 accounts more\n".len();
    let mut text = String::new();
    let mut rest = pieces.iter();
    for piece in rest.by_ref() {
        let gap = if piece.is_first && !text.is_empty() { "\n" } else { "" };
        if text.len() + gap.len() + piece.text.len() + reserve > LONGEST {
            let left = piece.accounts + rest.map(|piece| piece.accounts).sum::<usize>();
            text.push_str(&format!("and {} more\n", counted(left as u64, "account")));
            break;
        }
        text.push_str(gap);
        text.push_str(&piece.text);
    }
    text.push_str(&footer);
    text.trim_end().to_owned()
}

fn section_pieces(notification: &Notification, section: &Section<'_>) -> Vec<Piece> {
    let tally = &section.tally;
    let listed = |packs: &[&PackNotice]| {
        let named = packs.iter().take(LISTED).map(|pack| pack_in_region(pack)).collect::<Vec<_>>().join(", ");
        match packs.len().saturating_sub(LISTED) {
            0 => named,
            more => format!("{named} and {}", counted(more as u64, "more pack")),
        }
    };
    match tally.topic {
        Topic::Watched | Topic::PackDeleted => {
            let accounts = tally.packs.iter().map(|pack| pack.accounts).sum();
            let verb = if tally.topic == Topic::Watched { "Now watched" } else { "Deleted" };
            let text = format!("*{verb}:* {}, {}\n", listed(&tally.packs), counted(accounts, "account"));
            vec![Piece { text, accounts: 0, is_first: true }]
        }
        topic if section.groups.is_empty() => {
            let text = format!("*{}* {}\n", subject(tally), topic.verb());
            let accounts = usize::try_from(tally.changes).unwrap_or(usize::MAX);
            vec![Piece { text, accounts, is_first: true }]
        }
        _ => {
            let groups = section.groups.iter().flat_map(|group| group_pieces(notification, section, group));
            let mut pieces: Vec<Piece> = groups.collect();
            if let (groups @ 1.., accounts) = section.more_groups {
                let codes = counted(groups as u64, "other error code");
                let text = format!("and {codes} in {}\n", counted(accounts as u64, "account"));
                pieces.push(Piece { text, accounts, is_first: true });
            }
            pieces
        }
    }
}

fn group_pieces(notification: &Notification, section: &Section<'_>, group: &Group<'_>) -> Vec<Piece> {
    let mut head = format!("*{} {}*", counted(group.accounts as u64, "account"), section.tally.topic.verb());
    let pack = group.entries.first().and_then(|entry| entry.packs.first());
    match (group.packs, pack) {
        (1, Some(pack)) if notification.packs.len() > 1 => {
            head.push_str(&format!(" in {}", pack_in_region(pack)));
        }
        (0 | 1, _) => {}
        (packs, _) => head.push_str(&format!(" in {packs} packs")),
    }
    if let Some(code) = group.code {
        head.push_str(&format!(": {}", slack_code(&bounded(code.to_owned(), LONGEST_MESSAGE))));
    }
    head.push('\n');
    if let Some(hint) = group.hint {
        head.push_str(&format!("{}\n", slack_text(hint.means)));
    }
    if let Some(message) = group.message {
        head.push_str(&format!("> {}\n", slack_code(&bounded(message.to_owned(), LONGEST_MESSAGE))));
    }
    let common = group.change.as_ref().filter(|_| group.accounts > 1);
    head.extend(common.map(|change| format!("{}\n", statuses(change))));
    let mut pieces: Vec<Piece> = Vec::new();
    for entry in group.entries.iter().take(LISTED) {
        let text = line(notification, section, group, entry);
        // The head is there with its first account or not at all.
        let text = if pieces.is_empty() { format!("{head}{text}") } else { text };
        pieces.push(Piece { text, accounts: 1, is_first: pieces.is_empty() });
    }
    match group.more(pieces.len()) {
        0 => {}
        more => {
            let text = format!("   and {} more\n", counted(more as u64, "account"));
            pieces.push(Piece { text, accounts: more, is_first: false });
        }
    }
    pieces
}

fn line(notification: &Notification, section: &Section<'_>, group: &Group<'_>, entry: &Entry<'_>) -> String {
    let name = entry.notice.account_name.clone();
    let name = name.map(|name| format!(" {}", isolated(&slack_code(&bounded(name, 50))))).unwrap_or_default();
    let state = account_state(entry).map(|state| format!(" ({state})")).unwrap_or_default();
    let since = since(notification, section.tally.topic, entry);
    let packs = (group.packs > 1).then(|| format!("in {}", packs(notification, entry)));
    let change = (group.change.is_none() || group.accounts == 1).then(|| statuses(&entry.change));
    let details = [change, since, packs].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let separator = if details.is_empty() { "" } else { ": " };
    format!("• *{}*{name}{state}{separator}{details}\n", entry.account)
}

/// From what to what. A status that AWS did not document is anybody's text, so it is shown as code.
fn statuses(change: &str) -> String {
    let documented = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '>' | ' ');
    if change.chars().all(documented) { slack_text(change) } else { slack_code(change) }
}
