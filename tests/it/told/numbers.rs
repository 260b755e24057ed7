//! The numbers of a digest: that of the subject, the mail, the text message, Slack and JSON are the same. Only numbers are
//! read, and the words by which a reader knows what they count. `messages::truth` adds up lists and causes.

use std::collections::{BTreeMap, BTreeSet};

use packwatch::notify::message::Alert;
use serde_json::Value;

use super::said::{Entry, Said};
use crate::messages::truth::titled;

/// The words for what is counted, those that contain others first, and what `Counts` calls it.
const WORDS: [(&str, &str); 17] = [
    ("already failing", "Already"),
    ("still failing", "Still"),
    ("after a silence", "SilenceEnded"),
    ("still not healthy", "StillUnhealthy"),
    ("came and went", "CameAndWent"),
    ("failed again", "FailedAgain"),
    ("failed", "Failed"),
    ("unknown status", "Unrecognised"),
    ("flapping", "Flapping"),
    ("stuck", "Stuck"),
    ("settled", "Settled"),
    ("recovered", "Recovered"),
    ("joined", "Joined"),
    ("left", "Left"),
    ("succeeded", "Succeeded"),
    ("in progress", "InProgress"),
    ("watching", "Baseline"),
];

/// The bodies by protocol.
pub(crate) fn bodies(alert: &Alert) -> BTreeMap<String, String> {
    serde_json::from_str(&alert.message).unwrap()
}

macro_rules! same {
    ($count:expr, $left:expr, $right:expr, $($why:tt)*) => {
        *$count += 1;
        let (left, right) = (&$left, &$right);
        if left != right { return Err(format!("{}: {left:?}, not {right:?}", format!($($why)*))); }
    };
}

/// Compares all numbers, and says how many there were.
pub(crate) fn check(alert: &Alert, said: &Said) -> Result<usize, String> {
    let bodies = bodies(alert);
    let mut n = 0;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for entry in &said.entries {
        *counts.entry(entry.counts_as.to_owned()).or_default() += 1;
    }
    same!(&mut n, counts, said.counts, "Counts, and what is listed or omitted");
    let mail = &bodies["email"];
    let (head, body) = mail.split_once("\n\n").unwrap_or((mail, ""));
    let first = parts(head);
    for (number, class, text) in &first {
        let expected = of(said, class, text);
        same!(&mut n, Some(*number), expected, "the first line says {text:?}");
    }
    let classes: BTreeSet<&str> = first.iter().map(|(_, class, _)| *class).collect();
    let expected: BTreeSet<&str> =
        said.entries.iter().map(class_of).filter(|class| *class != "PackDeleted").collect();
    same!(&mut n, classes, expected, "what the first line {head:?} speaks of");
    for (form, line) in [("first line", head), ("subject", &alert.subject), ("text message", &bodies["sms"])]
    {
        same!(
            &mut n,
            stands(line),
            standing(&bodies["default"]),
            "how the pack stands in the {form} {line:?}"
        );
    }
    let subject: Vec<_> = parts(&alert.subject);
    let is_prefix = first.iter().zip(&subject).all(|(a, b)| (a.0, a.1) == (b.0, b.1));
    same!(&mut n, (true, true), (is_prefix, subject.len() <= first.len()), "the subject {:?}", alert.subject);
    same!(
        &mut n,
        parts(&bodies["sms"]).first().map(|p| (p.0, p.1)),
        first.first().map(|p| (p.0, p.1)),
        "SMS"
    );
    let heading = |title: &str, n: &str| format!("{}: {n}", title.to_uppercase());
    sections(&titled(head, body, heading), said, &mut n)?;
    slack(&bodies["https"], head, &mut n)?;
    Ok(n)
}

fn class_of(entry: &Entry) -> &'static str {
    match entry.counts_as {
        "Failed" if entry.baseline => "Already",
        "Reminder" if entry.is_failing => "Still",
        "Reminder" => "StillUnhealthy",
        class => class,
    }
}

/// How many a text must speak of: accounts, or where it says so deployments or packs.
fn of(said: &Said, class: &str, text: &str) -> Option<u64> {
    let entries = said.entries.iter().filter(|entry| class_of(entry) == class);
    let count = if class == "Baseline" || text.contains("deployment") {
        entries.count()
    } else {
        entries.map(|entry| entry.account).collect::<BTreeSet<_>>().len()
    };
    Some(count as u64)
}

fn number(text: &str) -> Option<u64> {
    let digits: String = text.trim_start().chars().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
    digits.replace(',', "").parse().ok()
}

fn class(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    // A place's name comes after a colon and says nothing of what is counted.
    WORDS.iter().find(|(words, _)| text.contains(words)).map(|(_, class)| *class)
}

/// The parts of a first line: number, class, and the words.
fn parts(line: &str) -> Vec<(u64, &'static str, String)> {
    let line = line.trim_start_matches("[packwatch] ");
    let parts = line.split("; also ").flat_map(|part| part.split(", "));
    let read = |part: &str| {
        if stands(part).is_some() {
            return None;
        }
        let words = part.split(": ").next().unwrap_or(part);
        let class = class(words)?;
        let count = if class == "Baseline" {
            number(words.split("watching ").nth(1)?).unwrap_or(1)
        } else {
            number(words)?
        };
        Some((count, class, words.to_owned()))
    };
    parts.filter_map(read).collect()
}

/// How the pack stands that a first line is about, as it is read: "now 41 of 137", "none of 137 failed".
fn stands(line: &str) -> Option<(u64, u64)> {
    let parts = line.split(", ").filter_map(|part| part.split_once(" of "));
    let read = |(failed, of): (&str, &str)| {
        let failed = failed.trim_start_matches("now ");
        let failed = if failed == "none" { Some(0) } else { number(failed) };
        Some((failed?, number(of)?))
    };
    parts.filter_map(read).next()
}

/// How it must be read: of failures, where these are not all that is failed, and of recoveries.
fn standing(json: &str) -> Option<(u64, u64)> {
    let digest: Value = serde_json::from_str(json).unwrap();
    let worst = &digest["Sections"][0];
    let topic = worst["Topic"].as_str()?;
    let packs = digest["Packs"].as_array()?.iter().filter(|pack| pack["Sections"].get(topic).is_some());
    let packs: Vec<&Value> = packs.collect();
    let [pack] = packs[..] else { return None };
    let failed = pack["Failed"].as_u64()?;
    let is_more = topic == "Recovered" || Some(failed) != worst["Accounts"].as_u64();
    let says_so = ["Failed", "StillFailing", "Recovered"].contains(&topic) && is_more;
    says_so.then_some((failed, pack["Accounts"].as_u64()?))
}

/// The sections of a mail, with their totals.
fn sections(body: &str, said: &Said, n: &mut usize) -> Result<(), String> {
    let body = body.split("\n--\n").next().unwrap_or(body);
    // What the sections count as more is listed after them.
    let body = body.split("\nWHAT IS NOT NAMED ABOVE").next().unwrap_or(body);
    let mut found = BTreeSet::new();
    for line in body.lines() {
        let Some((title, rest)) = line.split_once(": ") else { continue };
        if title.len() < 4 || !title.chars().all(|c| c.is_ascii_uppercase() || " ()".contains(c)) {
            continue;
        }
        let class = class(title).or((title == "DELETED").then_some("PackDeleted"));
        let class = class.ok_or_else(|| format!("a section without a meaning: {line:?}"))?;
        if class != "PackDeleted" && class != "Baseline" {
            same!(n, number(rest), of(said, class, rest), "the section {line:?}");
        }
        found.insert(class);
    }
    let expected: BTreeSet<&str> = said.entries.iter().map(class_of).collect();
    same!(n, found, expected, "the sections");
    Ok(())
}

/// Slack's title.
fn slack(body: &str, head: &str, n: &mut usize) -> Result<(), String> {
    let slack: Value = serde_json::from_str(body).unwrap();
    let title = slack["content"]["title"].as_str().unwrap_or_default();
    let title: String = title.split_once(' ').map_or("", |(_, title)| title).to_owned();
    let key = |line: &str| parts(line).into_iter().map(|part| (part.0, part.1)).collect::<Vec<_>>();
    let (in_title, in_head) = (key(&title), key(head));
    same!(n, in_title[..], in_head[..in_title.len().min(in_head.len())], "Slack's title {title:?}");
    Ok(())
}
