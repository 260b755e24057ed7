//! Messages are true at any size: random accounts, causes and packs, and what mail and Slack say of them, read as a
//! person reads it and counted once more from the facts.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use packwatch::local::Channel;
use packwatch::model::text::grouped;
use packwatch::model::{AccountId, Kind, Target};
use packwatch::notify::Notification;
use packwatch::notify::message::{self, Form};
use packwatch::state::Transition;
use serde_json::Value;

use super::samples::{account, at, changed, notified, state, target, transition};

/// A change, and what it is reported under.
struct Fact {
    target: Target,
    account: AccountId,
    title: &'static str,
    /// The code, and what distinguishes its causes: the number of an unknown text, or whether there is one.
    cause: (Option<&'static str>, Option<u64>),
    status: String,
}

/// What worlds are reported under that are not random here.
const OTHER_TITLES: [&str; 10] = [
    "already failing",
    "unhealthy after a silence",
    "still not healthy",
    "came and went",
    "in an unknown status",
    "flapping",
    "settled",
    "succeeded",
    "deleted",
    "Now watching",
];

const RECORDER: &str = "NoAvailableConfigurationRecorderException";
const HOSTILE: &str = "www.evil.example";

/// What each kind is reported under.
const TITLES: [(Kind, &str); 8] = [
    (Kind::Failed, "failed"),
    (Kind::Reminder, "still failing"),
    (Kind::FailedAgain, "failed again"),
    (Kind::Stuck, "stuck in progress"),
    (Kind::Recovered, "recovered"),
    (Kind::Joined, "joined"),
    (Kind::Left, "left"),
    (Kind::InProgress, "in progress"),
];

fn fact(rng: &mut Rng, target: &Target, n: u64, texts: u64) -> (Fact, Transition) {
    let (kind, title) = TITLES[if rng.bool() { 0 } else { rng.usize(..TITLES.len()) }];
    let since = format!("2026-11-18T0{}:0{}:00Z", rng.u8(1..9), rng.u8(0..9));
    let has_failed = matches!(title, "failed" | "still failing" | "failed again");
    let status = match kind {
        _ if has_failed => *rng.choice(&["CREATE_FAILED", "UPDATE_FAILED"]).unwrap(),
        Kind::Stuck | Kind::InProgress | Kind::Joined => "UPDATE_IN_PROGRESS",
        _ => "UPDATE_SUCCESSFUL",
    };
    let mut to = state(status, &since);
    to.stuck = kind == Kind::Stuck;
    let mut cause = (None, None);
    if has_failed {
        let code = *rng.choice(&[None, Some(RECORDER), Some("Odd"), Some(HOSTILE)]).unwrap();
        let text = rng.bool().then(|| rng.u64(..texts));
        to.error_code = code.map(str::to_owned);
        // Each has its account in it, and a link.
        let said = |text| {
            format!("oddtext{text}x of {} at https://evil.example/a.b?c, mail me@evil.example", account(n))
        };
        to.error_message = text.map(said);
        cause = (code, if code == Some(RECORDER) { text.map(|_| 0) } else { text });
    }
    let from = matches!(kind, Kind::Recovered | Kind::Left).then(|| state("UPDATE_FAILED", &since));
    let mut transition = transition(n, kind, from, Some(to).filter(|_| kind != Kind::Left));
    transition.failing_since = (has_failed || kind == Kind::Recovered).then(|| at(&since));
    let status = if kind == Kind::Left { "UPDATE_FAILED" } else { status }.to_owned();
    (Fact { target: target.clone(), account: account(n), title, cause, status }, transition)
}

/// So many accounts in so many packs, each in most of them; with so many different unknown texts.
fn world(rng: &mut Rng, packs: usize, accounts: u64, texts: u64) -> (Vec<Fact>, Notification) {
    let (mut facts, mut news) = (Vec::new(), Vec::new());
    for pack in 0..packs {
        let target = target(["eu-west-1", "us-east-1"][pack % 2], &format!("Pack-{pack}"));
        let mut transitions = Vec::new();
        for n in (0..accounts).filter(|n| *n == 0 || rng.u8(..4) > 0).collect::<Vec<_>>() {
            let (fact, transition) = fact(rng, &target, n, texts);
            facts.push(fact);
            transitions.push(transition);
        }
        news.push(changed(target, accounts, transitions));
    }
    let mut notification = notified(&news);
    for notice in notification.packs.iter_mut().flat_map(|pack| &mut pack.transitions) {
        notice.account_name = (notice.account_id.number() % 3 == 0).then(|| "pay.evil.example".to_owned());
    }
    (facts, notification)
}

fn distinct<T: Ord>(all: impl Iterator<Item = T>) -> u64 {
    all.collect::<BTreeSet<T>>().len() as u64
}

/// The document's numbers are those of the facts, causes included.
fn assert_counted(facts: &[Fact], digest: &Notification) {
    assert_eq!(digest.sections.iter().map(|section| section.changes).sum::<u64>(), facts.len() as u64);
    for section in &digest.sections {
        let of: Vec<&Fact> = facts.iter().filter(|fact| fact.title == section.topic.verb()).collect();
        let expected = (
            of.len() as u64,
            distinct(of.iter().map(|fact| fact.account)),
            distinct(of.iter().map(|fact| &fact.target)),
        );
        assert_eq!((section.changes, section.accounts, section.packs), expected, "{:?}", section.topic);
        if !section.topic.has_causes() {
            continue;
        }
        let mut causes: BTreeMap<_, Vec<&Fact>> = BTreeMap::new();
        of.iter().for_each(|fact| causes.entry(fact.cause).or_default().push(fact));
        let mut expected: Vec<(u64, u64)> = causes
            .values()
            .map(|facts| (facts.len() as u64, distinct(facts.iter().map(|fact| fact.account))))
            .collect();
        expected.sort_by_key(|counts| std::cmp::Reverse(*counts));
        let said: Vec<(u64, u64)> =
            section.causes.iter().map(|cause| (cause.changes, cause.accounts)).collect();
        // Of hundreds of causes, not all of the smallest have an example.
        let exact = if expected.len() > 400 { 5 } else { said.len() };
        assert_eq!(said[..exact], expected[..exact], "{:?}", section.topic);
        let sum = |counts: &[(u64, u64)]| counts.iter().map(|(_, accounts)| accounts).sum::<u64>();
        assert_eq!(section.more_causes, (expected.len() - said.len()) as u64);
        assert_eq!(section.accounts_of_more_causes, sum(&expected) - sum(&said));
        let mut of_account: BTreeMap<AccountId, BTreeSet<_>> = BTreeMap::new();
        for fact in &of {
            of_account.entry(fact.account).or_default().insert(fact.cause);
        }
        let several = of_account.values().filter(|causes| causes.len() > 1).count() as u64;
        assert_eq!(section.accounts_of_several_causes, several);
    }
}

/// What a text says of one section.
#[derive(Debug, Default)]
struct Said {
    title: String,
    total: u64,
    /// What it says of each of its causes, if there are several.
    groups: Vec<Group>,
    /// What an overview counts of each cause.
    overview: Vec<u64>,
    hidden: u64,
    has_several: bool,
}

#[derive(Debug, Default)]
struct Group {
    total: u64,
    head: String,
    named: BTreeSet<AccountId>,
    more: u64,
    lines: Vec<String>,
}

/// The text with the title of its only section, which is the digest's first line.
pub(crate) fn titled(first: &str, text: &str, title: impl Fn(&str, &str) -> String) -> String {
    let words = first.split([',', ':']).next().unwrap_or(first);
    let verb = |n: &str| words.find(n).filter(|_| !first.contains("; also "));
    let verbs = TITLES.iter().map(|(_, verb)| *verb).chain(OTHER_TITLES);
    let found = verbs.filter_map(|title| Some((title, verb(title)?))).max_by_key(|(title, _)| title.len());
    let Some((verb, at)) = found else { return text.to_owned() };
    let n = if at == 0 { words[verb.len()..].trim() } else { words[..at].trim() };
    let (head, body) = text.split_once("\n\n").filter(|(head, _)| *head == first).unwrap_or(("", text));
    format!("{head}\n\n{}\n{body}", title(verb, n)).trim_start().to_owned()
}

/// The number with which a text begins, and what follows it.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ',')?;
    Some((text[..end].replace(',', "").parse().ok()?, &text[end..]))
}

fn accounts(text: &str) -> Option<(u64, &str)> {
    let (n, rest) = number(text)?;
    Some((n, rest.strip_prefix(" accounts").or_else(|| rest.strip_prefix(" account"))?))
}

/// Mail and Slack in one form: a title, groups with a head, accounts, "and N more accounts".
fn read(text: &str) -> Vec<Said> {
    let mut sections: Vec<Said> = Vec::new();
    for line in text.lines() {
        let plain = line.trim_start_matches(['•', ' ']).replace('*', "");
        let title = TITLES.iter().find_map(|(_, title)| {
            let mail = line.strip_prefix(&format!("{}: ", title.to_uppercase())).and_then(accounts);
            let slack = || {
                accounts(line.strip_prefix('*')?).filter(|(_, rest)| rest.starts_with(&format!(" {title}*")))
            };
            Some((*title, mail.or_else(slack)?.0))
        });
        if let Some((title, total)) = title {
            let only = Group { total, ..Group::default() };
            sections.push(Said { title: title.to_owned(), total, groups: vec![only], ..Said::default() });
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        if let Some((hidden, rest)) =
            plain.strip_prefix("and ").and_then(accounts).filter(|(_, rest)| rest.contains(" more cause"))
        {
            assert!(rest.starts_with(" in "), "{line}");
            section.hidden = hidden;
        } else if let Some((more, _)) =
            plain.strip_prefix("and ").and_then(number).filter(|(_, rest)| rest.starts_with(" more account"))
        {
            section.groups.last_mut().unwrap().more += more;
        } else if plain.contains("several causes, in different packs") {
            section.has_several = true;
        } else if let (Some((total, _)), true) =
            (accounts(&plain), line.starts_with('•') || line.starts_with("  "))
        {
            section.overview.push(total);
        } else if let (Some((total, rest)), false) =
            (accounts(&plain), line.starts_with("  ") || line.starts_with('•'))
        {
            if rest.contains(':') && !rest.starts_with(" has") {
                section.groups.push(Group { total, head: rest.to_owned(), ..Group::default() });
            }
        } else {
            let group = section.groups.last_mut().unwrap();
            if let Some(account) = plain.get(..12).and_then(|id| id.parse().ok()) {
                group.named.insert(account);
            }
            group.lines.push(line.to_owned());
        }
    }
    for section in &mut sections {
        if section.groups.len() > 1 {
            section.groups.remove(0);
        }
    }
    sections
}

/// Named + more = total, for each cause and each section; and each account under nothing but its own.
fn assert_true(form: &str, text: &str, facts: &[Fact], digest: &Notification) {
    let sections = read(text);
    let titles: Vec<&str> = sections.iter().map(|section| section.title.as_str()).collect();
    let expected: Vec<&str> = digest.sections.iter().map(|section| section.topic.verb()).collect();
    assert_eq!(titles, expected, "{form}\n{text}");
    for said in &sections {
        let of: Vec<&Fact> = facts.iter().filter(|fact| fact.title == said.title).collect();
        assert_eq!(
            said.total,
            distinct(of.iter().map(|fact| fact.account)),
            "{form}: {}\n{text}",
            said.title
        );
        for group in &said.groups {
            let named = group.named.len() as u64;
            assert!(
                named == 0 || named + group.more == group.total,
                "{form}: {}: {group:?}\n{text}",
                said.title
            );
            for account in &group.named {
                let of_account: Vec<&&Fact> = of.iter().filter(|fact| fact.account == *account).collect();
                let block = format!("{} {}", group.head, group.lines.join(" "));
                let is_own = |fact: &&&Fact| {
                    let (code, text) = fact.cause;
                    let codes = [RECORDER, "Odd", "www[.]evil[.]example"];
                    let says_code = codes
                        .iter()
                        .any(|code| block.contains(&format!("{code}\n")) || group.head.contains(code));
                    let own = code.map(|code| code.replace('.', "[.]"));
                    let is_code =
                        own.map_or(!says_code, |own| group.head.is_empty() || group.head.contains(&own));
                    let texts = block.matches("oddtext").count();
                    let is_text = match text {
                        None => texts == 0,
                        Some(_) if code == Some(RECORDER) => true,
                        Some(text) => texts == 0 || block.contains(&format!("oddtext{text}x")),
                    };
                    is_code && is_text && block.contains(&fact.status)
                };
                assert!(
                    of_account.iter().any(is_own),
                    "{form}: {account} under {}: {block}\n{text}",
                    said.title
                );
            }
        }
        // Where causes are only counted, the overview is all there is.
        let totals: Vec<u64> = said.groups.iter().map(|group| group.total).collect();
        let is_overview = totals.len() == 1 && !said.overview.is_empty();
        let totals = if is_overview { said.overview.clone() } else { totals };
        let is_same = said.overview.is_empty() || said.overview == totals;
        let sum = totals.iter().sum::<u64>() + said.hidden;
        assert!(is_same, "{form}: {said:?}\n{text}");
        assert!(
            sum == said.total || (said.has_several && sum > said.total),
            "{form}: {} {sum} {said:?}\n{text}",
            said.total
        );
    }
}

/// Nothing of another's text is a link.
fn assert_without_links(form: &str, text: &str) {
    for word in text.split([' ', '\n', '"', '`', '(', ')', ',', '<', '>', '|']) {
        let own = [
            "https://docs.aws.amazon.com/",
            "https://eu-west-1.console.aws.amazon.com/",
            "https://us-east-1.console.aws.amazon.com/",
        ];
        if own.iter().any(|own| word.starts_with(own)) {
            continue;
        }
        let has_name = word.split('.').collect::<Vec<_>>().windows(2).any(|two| {
            two[0].ends_with(char::is_alphanumeric) && two[1].starts_with(|c: char| c.is_alphabetic())
        });
        assert!(
            !has_name && !word.contains("://") && !word.contains("l@") && !word.contains("me@"),
            "{form}: {word}\n{text}"
        );
    }
}

fn assert_all_true(facts: &[Fact], digest: &Notification) {
    assert_counted(facts, digest);
    let alert = message::alert(digest, Form::Whole);
    let bodies: BTreeMap<String, String> = serde_json::from_str(&alert.message).unwrap();
    let slack: Value = serde_json::from_str(&bodies["https"]).unwrap();
    let description = slack["content"]["description"].as_str().unwrap();
    let (sections, list) =
        bodies["email"].split_once("WHAT IS NOT NAMED ABOVE").unwrap_or((&bodies["email"], ""));
    let sections = sections.split("\n--\n").next().unwrap();
    let first = bodies["email"].lines().next().unwrap();
    assert_true(
        "mail",
        &titled(first, sections, |title, n| format!("{}: {n}", title.to_uppercase())),
        facts,
        digest,
    );
    assert_true("Slack", &titled(first, description, |title, n| format!("*{n} {title}*")), facts, digest);
    assert!(bodies["email"].len() < 71_000 && description.len() <= 2500);
    // The mail names every account that it has room for.
    let is_missing =
        |fact: &&Fact| fact.title != "in progress" && !bodies["email"].contains(&fact.account.to_string());
    if let Some(fact) = facts.iter().find(is_missing) {
        assert!(
            facts.len() > 1000 || list.len() > 30_000,
            "{} is not named\n{}",
            fact.account,
            bodies["email"]
        );
    }
    // The same first line everywhere, as far as it fits.
    let worst = first.split([';', ':']).next().unwrap();
    for line in [&alert.subject, &bodies["sms"], slack["content"]["title"].as_str().unwrap()] {
        assert!(line.contains(worst), "{line}: {worst}");
    }
    assert_stands(facts, first, digest);
    for text in [&bodies["email"], &bodies["sms"], &alert.subject] {
        assert_without_links("mail", text);
    }
    for (_, text) in strings(&slack) {
        assert_without_links("Slack", &text.replace("&lt;", "<").replace("&gt;", ">"));
    }
    // Machines get the words as AWS gave them.
    let has_text = facts.iter().any(|fact| fact.cause.1.is_some());
    assert_eq!(bodies["default"].contains("https://evil.example"), has_text);
    super::schema::assert_notification(&serde_json::from_str(&bodies["default"]).unwrap());
    // What is cut says the same numbers, and so does what was stored and read again.
    let read: Notification = serde_json::from_str(&bodies["default"]).unwrap();
    assert_eq!(Channel::Email.show(&read).lines().next(), Channel::Email.show(digest).lines().next());
    let read: Notification = serde_json::from_str(&serde_json::to_string(digest).unwrap()).unwrap();
    assert_eq!(&read, digest);
}

/// Where the worst is about one pack, the first line says how many of its accounts are failed, unless these are its own.
fn assert_stands(facts: &[Fact], first: &str, digest: &Notification) {
    let worst = &digest.sections[0];
    let packs: BTreeSet<&Target> =
        facts.iter().filter(|fact| fact.title == worst.topic.verb()).map(|fact| &fact.target).collect();
    let is_failed = |fact: &&Fact| packs.contains(&fact.target) && fact.title != "left";
    let failed =
        facts.iter().filter(is_failed).filter(|fact| fact.status.ends_with("_FAILED")).count() as u64;
    let expected = match worst.topic.verb() {
        "failed" if failed != worst.accounts => format!(", now {} of ", grouped(failed)),
        "still failing" if failed != worst.accounts => format!(", {} of ", grouped(failed)),
        "recovered" if failed == 0 => ", none of ".to_owned(),
        "recovered" => format!(", {} of ", grouped(failed)),
        _ => String::new(),
    };
    let says_so = packs.len() == 1 && !expected.is_empty();
    let said = if says_so { first.contains(&expected) } else { !first.contains(" of ") };
    assert!(said, "{first}: {failed} {expected}");
}

fn strings(value: &Value) -> Vec<(String, String)> {
    match value {
        Value::String(text) => vec![(String::new(), text.clone())],
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn named_and_more_are_the_total_in_three_hundred_random_worlds() {
    for seed in 0..300 {
        let mut rng = Rng::with_seed(seed);
        let (packs, texts) = (rng.usize(1..5), rng.u64(1..9));
        let accounts = rng.u64(1..40);
        let (facts, digest) = world(&mut rng, packs, accounts, texts);
        assert_all_true(&facts, &digest);
    }
}

#[test]
fn named_and_more_are_the_total_in_large_worlds() {
    for (seed, (packs, accounts, texts)) in
        [(1, 2_000, 2), (20, 400, 30), (2, 3_000, 2_000), (60, 30, 3)].into_iter().enumerate()
    {
        let mut rng = Rng::with_seed(seed as u64);
        let (facts, digest) = world(&mut rng, packs, accounts, texts);
        assert_all_true(&facts, &digest);
    }
}
