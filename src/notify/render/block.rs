//! A section as text. Mail and chat say the same, each in its own dress.

use super::layout::{Entry, Group, Section};
use super::words::{
    earlier, more_accounts, more_causes, other_messages, pack_in_region, packs, several_causes, since,
    standing, subject, what,
};
use crate::model::text::{
    abridged, ascii_within, counted, defused, grouped, isolated, plain, shown, slack_code, slack_text,
};
use crate::notify::hints::{HINTS, Hint};
use crate::notify::shape::shape;
use crate::notify::{Notification, PackNotice, Topic};

/// Longest error code, message in its place, and name that are shown, in bytes. The JSON body has more of them.
const LONGEST_CODE: usize = 80;
const LONGEST_NAME: usize = 50;

/// How a channel shows its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Plain text, of which a mail client breaks the lines.
    Mail,
    /// Slack's markup, in which the words of others are code.
    Chat,
}

/// How much of a section is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) causes: usize,
    /// Accounts of each cause. Without any, causes are only counted.
    pub(super) accounts: usize,
    /// Packs of the section, and of an account.
    pub(super) packs: usize,
    /// Whether causes are explained: what AWS Config says, and what it means.
    pub(super) explains: bool,
}

impl Style {
    fn code(self, text: &str, longest: usize) -> String {
        let text = shown(text, longest);
        if self == Self::Mail { text } else { slack_code(&text) }
    }

    /// What AWS Config says.
    fn said(self, text: &str) -> String {
        if self == Self::Mail { format!("\"{}\"", isolated(text)) } else { slack_code(text) }
    }

    /// From what to what. A status that AWS did not document is anybody's text.
    fn change(self, change: &str) -> String {
        let is_documented = |c: char| c.is_ascii_alphanumeric() || "_-> ()".contains(c);
        match self {
            Self::Mail => change.to_owned(),
            Self::Chat if change.chars().all(is_documented) => slack_text(change),
            Self::Chat => slack_code(change),
        }
    }

    /// An account, with its name where it is known, and its state unless it is active: "suspended", "pending closure".
    pub(super) fn who(self, entry: &Entry<'_>) -> String {
        let account = entry.notice.account_id;
        let account = if self == Self::Mail { account.to_string() } else { format!("*{account}*") };
        let name = entry.notice.account_name.as_deref();
        let name = name.map(|name| format!(" {}", isolated(&self.code(name, LONGEST_NAME))));
        let state = entry.notice.account_state.as_deref();
        let state = state.map(|state| state.to_lowercase().replace(['_', '.', ':'], " "));
        let state = state.map(|state| format!(" ({})", ascii_within(&state, 40)));
        format!("{account}{}{}", name.unwrap_or_default(), state.unwrap_or_default())
    }

    /// A line with what begins it in a mail, or in a chat.
    fn line(self, mail: &str, chat: &str, text: &str) -> String {
        format!("{}{text}\n", if self == Self::Mail { mail } else { chat })
    }

    fn item(self, text: &str) -> String {
        self.line("  ", "• ", text)
    }

    /// What stands apart from a list.
    fn aside(self, text: &str) -> String {
        self.line("\n", "", text)
    }
}

/// A section in a form. It says what it leaves out.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) style: Style,
    pub(super) notification: &'a Notification,
    pub(super) section: &'a Section<'a>,
    pub(super) form: Form,
}

impl Block<'_> {
    pub(super) fn text(self) -> String {
        let Self { style, notification, section, form } = self;
        let topic = section.notice.topic;
        let mut text = self.title().map(|title| format!("{title}\n")).unwrap_or_default();
        if !topic.lists_accounts() {
            // That accounts go on is no news of any one of them.
            if topic.is_of_packs() || section.packs.len() > 1 {
                text.push_str(&self.per_pack());
            }
            if topic == Topic::PackDeleted && style == Style::Mail {
                text.push_str(&advice(&HINTS.pack_deleted));
            }
            return text;
        }
        let standing = standing(notification, section).filter(|_| form.causes > 0);
        text.extend(standing.iter().map(|standing| style.aside(standing)));
        let groups = || section.groups.iter().take(form.causes);
        let more = more_causes(section, form.causes);
        // The causes of few accounts are seen at once.
        let is_long = section.notice.accounts > 10 && section.groups.len() > 1;
        let is_overview = self.has_several() && (is_long || form.accounts == 0);
        if is_overview {
            let count = |group| format!("{}: {}", self.how_many(group), self.label(group));
            text.extend(groups().map(count).chain(more.clone()).map(|line| style.item(&line)));
        }
        let is_apart = style == Style::Mail && (standing.is_some() || is_overview);
        for group in groups().filter(|_| form.accounts > 0) {
            let head = self.head(group).map(|head| format!("{head}\n")).unwrap_or_default();
            if is_apart || (!head.is_empty() && (style == Style::Mail || self.has_several())) {
                text.push('\n');
            }
            let about = head + &self.about(group);
            text.push_str(&about);
            if style == Style::Mail && !about.is_empty() && !group.entries.is_empty() {
                text.push('\n');
            }
            text.extend(group.entries.iter().take(form.accounts).map(|entry| self.account(group, entry)));
            text.extend(more_accounts(group, form.accounts).map(|more| style.item(&more)));
        }
        text.extend(more.filter(|_| !is_overview).map(|more| style.aside(&more)));
        text.extend(several_causes(section).map(|several| style.aside(&several)));
        text
    }

    /// The first line of the digest is the title of its only section.
    fn title(self) -> Option<String> {
        let (section, topic) = (self.section, self.section.notice.topic);
        let place = match section.packs.as_slice() {
            _ if topic.is_of_packs() || self.form.causes == 0 => String::new(),
            [pack] if self.notification.packs.len() > 1 => format!(" in {}", pack_in_region(pack)),
            _ if section.notice.packs > 1 => format!(" in {} packs", section.notice.packs),
            _ => String::new(),
        };
        (self.notification.sections.len() > 1).then(|| match self.style {
            Style::Mail => format!("{}: {}{place}", topic.verb().to_uppercase(), subject(section.notice)),
            Style::Chat => format!("*{}*{place}", what(section.notice)),
        })
    }

    fn has_several(self) -> bool {
        self.section.groups.len() > 1 || self.section.notice.more_causes > 0
    }

    /// A line for each pack, as far as they are not too many.
    fn per_pack(self) -> String {
        let (section, topic, most) = (self.section, self.section.notice.topic, self.form.packs);
        let line = |pack: &&PackNotice| {
            let changed = pack.sections.get(&topic).copied().unwrap_or_default();
            let accounts = if topic.is_of_packs() { pack.accounts } else { changed };
            format!("{}: {}", pack_in_region(pack), counted(accounts, "account"))
        };
        let more = section.packs.len().saturating_sub(most) as u64;
        let more = (more > 0 && most > 0).then(|| format!("and {}", counted(more, "more pack")));
        let lines = section.packs.iter().take(most).map(line).chain(more);
        lines.map(|line| self.style.item(&line)).collect()
    }

    /// "27 accounts", "1 account in 50 packs", "2 accounts in Security-Baseline (eu-west-1)".
    fn how_many(self, group: &Group<'_>) -> String {
        let accounts = counted(group.accounts, "account");
        let pack = group.entries.first().and_then(|entry| entry.packs.first());
        match (group.packs, pack) {
            (1, Some(pack)) if self.section.packs.len() > 1 => {
                format!("{accounts} in {}", pack_in_region(pack))
            }
            (0 | 1, _) => accounts,
            (packs, _) => format!("{accounts} in {} packs", grouped(packs)),
        }
    }

    /// The error code. That there is no message is said where others of this code have one.
    fn code(self, group: &Group<'_>) -> String {
        let code = group.code().map(|code| self.style.code(code, LONGEST_CODE));
        let is_silent = self.section.shares_code(group) && group.message().is_none();
        let silent = if is_silent { ", without a message" } else { "" };
        format!("{}{silent}", code.as_deref().unwrap_or("no error code"))
    }

    /// The error code, and what AWS Config says, where that distinguishes the cause from others.
    pub(super) fn label(self, group: &Group<'_>) -> String {
        let code = self.code(group);
        let Some(message) = group.message().filter(|_| self.section.shares_code(group)) else { return code };
        let has_others = group.cause.is_some_and(|cause| cause.messages > 1);
        let others = if has_others { other_messages(group) } else { String::new() };
        format!("{code} {}{others}", self.style.said(&shown(&shape(message), LONGEST_CODE)))
    }

    /// What stands over a cause.
    fn head(self, group: &Group<'_>) -> Option<String> {
        let code = if self.form.explains { self.code(group) } else { self.label(group) };
        match (self.has_several(), self.style) {
            (true, Style::Mail) => Some(format!("{}: {code}", self.how_many(group))),
            (true, Style::Chat) => Some(format!("*{}*: {code}", self.how_many(group))),
            (false, _) => group.code().map(|_| code),
        }
    }

    /// What AWS Config says of a cause, what it means and what to do, and what changed.
    fn about(self, group: &Group<'_>) -> String {
        let Self { style, form, .. } = self;
        let mut text = String::new();
        if let Some(message) = group.message().filter(|_| form.explains) {
            let longest = if style == Style::Mail { 300 } else { 250 };
            let words = abridged(&defused(&plain(message)), longest);
            let said = format!("{}{}", style.said(&words), other_messages(group));
            text.push_str(&style.line("  ", "> ", &said));
        }
        let hint = group.hint.filter(|_| form.explains);
        text.extend(hint.map(|hint| match (style, group.is_first_of_hint) {
            (Style::Mail, true) => advice(hint),
            (Style::Mail, false) => "  To do: as above.\n".to_owned(),
            (Style::Chat, true) => format!("{}\n", slack_text(&hint.means)),
            (Style::Chat, false) => String::new(),
        }));
        text.extend(group.change().map(|change| style.line("  ", "", &style.change(change))));
        text
    }

    fn account(self, group: &Group<'_>, entry: &Entry<'_>) -> String {
        let Self { style, notification, section, form } = self;
        // A list, which may be long: SMTP's lines have at most 998 bytes.
        let apart = if style == Style::Mail { ",\n      " } else { ", " };
        let places = (section.packs.len() > 1).then(|| packs(notification, entry, form.packs, apart));
        let places = places.map(|places| format!("in {places}"));
        let change = Some(style.change(&entry.change)).filter(|change| !change.is_empty());
        let change = change.filter(|_| group.change().is_none());
        let since = since(notification, section.notice.topic, entry);
        let details: Vec<String> = [places, change, since, earlier(entry)].into_iter().flatten().collect();
        let (first, next) = if style == Style::Mail { ("\n    ", "\n    ") } else { (": ", ", ") };
        let first = if details.is_empty() { "" } else { first };
        style.item(&format!("{}{first}{}", style.who(entry), details.join(next)))
    }
}

fn advice(hint: &Hint) -> String {
    let Hint { means, todo, title, url, .. } = hint;
    format!("  {means}\n  To do: {todo}\n  See \"{title}\":\n{url}\n")
}
