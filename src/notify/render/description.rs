//! The chat's text: its sections in the fullest form that fits.

use super::block::{Block, Form, Style};
use super::layout::{CAUSES, Section};
use super::text::left_out;
use super::words::minute;
use crate::model::text::slack_text;
use crate::notify::Notification;

/// Amazon Q Developer cuts what is longer, wherever that is.
const LONGEST: usize = 2500;

/// Packs of a section, and of an account.
const PACKS: usize = 3;

/// From the fullest to the shortest: a chat is read at a glance.
fn forms() -> impl Iterator<Item = Form> {
    let accounts = [(5, true), (3, true), (1, true), (3, false), (1, false)];
    let with_accounts =
        accounts.map(|(accounts, explains)| Form { causes: CAUSES, accounts, packs: PACKS, explains });
    let without = |causes: usize| Form { causes, accounts: 0, packs: causes.min(PACKS), explains: false };
    with_accounts.into_iter().chain((0..=CAUSES).rev().map(without))
}

/// Each form says what it leaves out.
pub(super) fn description(notification: &Notification, sections: &[Section<'_>]) -> String {
    let last = left_out(notification).map(|line| format!("_{}_\n", slack_text(&line))).unwrap_or_default();
    let footer =
        format!("_Read from AWS Config at {}_\n{last}", minute(notification, notification.observed_at));
    let mut shortest = String::new();
    for form in forms() {
        let block = |section| Block { style: Style::Chat, notification, section, form }.text();
        let blocks: Vec<String> = sections.iter().map(block).collect();
        shortest = format!("{}{footer}", blocks.join(if form.accounts > 0 { "\n" } else { "" }));
        if shortest.trim_end().len() <= LONGEST {
            break;
        }
    }
    shortest.truncate(shortest.floor_char_boundary(LONGEST));
    shortest.trim_end().to_owned()
}
