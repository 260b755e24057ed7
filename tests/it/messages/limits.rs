//! SNS's rules and the readers' limits, for whatever AWS Config may say.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::harness::parts::Parts;
use fastrand::Rng;
use jiff::Timestamp;
use packwatch::local::Channel;
use packwatch::model::{DetailedStatus, Kind, Status, Target};
use packwatch::notify::message::{self, Alert, Attribute, Event, Form, LARGEST_MESSAGE};
use packwatch::notify::{Fold, HistoryPlace, Notification};
use packwatch::ports::{Machines, PublishError, Publisher};
use packwatch::settings::Reader;
use packwatch::state::Transition;
use packwatch::state::log::{PackEvent, Record};
use packwatch::watch;
use packwatch::watch::budget::Budget;
use packwatch::watch::request::Request;
use serde_json::Value;

use super::samples::{
    account, at, cases, changed, failed, failure, here, large_baseline, notice, notified, state, transition,
};
use super::schema::{assert_event, assert_notification};
use super::stage::Statuses;
use crate::protocol::memory::MemoryStore;
use crate::world::sns_form::{Draft, DraftAttribute};
use crate::world::sns_rules;

/// What every digest must keep to, in each of its forms.
fn assert_fits(alert: &Alert) {
    let mut draft = draft(&alert.message, &alert.attributes);
    draft.subject = Some(alert.subject.clone());
    draft.message_structure = Some("json".to_owned());
    sns_rules::check(&draft, "arn:aws:sns:eu-west-1:111122223333:alerts").unwrap_or_else(|e| panic!("{e:?}"));
    assert!(alert.subject.len() < 100, "{}", alert.subject);
    let bodies: BTreeMap<String, String> = serde_json::from_str(&alert.message).unwrap();
    assert_notification(&serde_json::from_str(&bodies["default"]).unwrap());
    let slack: Value = serde_json::from_str(&bodies["https"]).unwrap();
    let description = slack["content"]["description"].as_str().unwrap();
    assert!(description.len() <= 2500 && !description.is_empty(), "{description}");
    // Encoded for its way, a mail may grow by a third.
    assert!(bodies["email"].len() < 75_000, "{} bytes", bodies["email"].len());
    assert!(bodies["sms"].len() <= 140 && bodies["sms"].is_ascii(), "{}", bodies["sms"]);
    for line in bodies["email"].lines() {
        // SMTP's (RFC 5321), which are broken anywhere.
        assert!(line.len() <= 998, "{line:?}");
        assert!(!line.chars().any(|c| c.is_control()), "{line:?}");
    }
}

fn draft(message: &str, attributes: &[Attribute]) -> Draft {
    let attribute = |a: &Attribute| {
        let data_type = Some(a.data_type.to_owned());
        let value = Some(a.value.clone());
        (a.name.to_owned(), DraftAttribute { data_type, string_value: value, ..DraftAttribute::default() })
    };
    Draft {
        message: message.to_owned(),
        attributes: attributes.iter().map(attribute).collect(),
        ..Draft::default()
    }
}

#[test]
fn every_case_fits() {
    for (_, notification) in cases() {
        assert_fits(&message::alert(&notification, Form::Whole));
    }
}

#[test]
fn ten_thousand_failures_are_one_digest_with_the_right_counts() {
    let long = "explicit deny in a service control policy \"\\ ".repeat(30);
    let failures = (0..10_000).map(|n| failure(n, failed("AccessDenied", &long, "2026-11-18T09:00:00Z")));
    let alert = message::alert(
        &notified(&[changed(here("Security-Baseline"), 10_000, failures.collect())]),
        Form::Whole,
    );
    assert_fits(&alert);
    assert!(alert.message.len() > LARGEST_MESSAGE * 8 / 10, "the room is used: {}", alert.message.len());
    assert_eq!(alert.subject, "[packwatch] 10,000 accounts failed: Security-Baseline (eu-west-1)");
    let bodies: BTreeMap<String, String> = serde_json::from_str(&alert.message).unwrap();
    let document: Notification = serde_json::from_str(&bodies["default"]).unwrap();
    assert_eq!(document.counts["Failed"], 10_000);
    let pack = &document.packs[0];
    assert_eq!(pack.transitions.len() as u64 + pack.omitted, 10_000);
    assert!(bodies["email"].contains("and 9,990 more accounts"), "{}", bodies["email"]);
    // What a person makes of the cut document is the same.
    assert!(Channel::Email.show(&document).contains("10,000 accounts failed"));
}

/// What is the longest everywhere: names, messages, codes, statuses.
fn longest(n: u64, kind: Kind) -> Transition {
    let since = format!("2026-11-{:02}T09:00:00Z", n % 18 + 1);
    let code = format!("{}{}", "ExceptionCode".repeat(80), n % 20);
    let message = format!("{} {n} in a template of many words", "resource-name-".repeat(140));
    let mut to = failed(&code, &message, &since);
    to.status = Status::new(&format!("STATUS_{}", "UNHEARD_OF".repeat(200)));
    let mut longest = transition(n, kind, Some(state("CREATE_SUCCESSFUL", &since)), Some(to));
    longest.failing_since = Some(at(&since));
    longest
}

#[test]
fn fifty_packs_with_ten_thousand_failing_accounts_are_a_mail_that_no_client_cuts() {
    let name = |pack: u64| format!("{}-{pack:02}", "Operational-Best-Practices-".repeat(4));
    let listed = 100;
    let packs = (0..50).map(|pack| {
        let accounts = (0..listed).map(|n| longest(pack * listed + n, Kind::Failed));
        changed(here(&name(pack)), 10_000, accounts.collect())
    });
    let mut digest = notified(&packs.collect::<Vec<_>>());
    for pack in &mut digest.packs {
        for notice in &mut pack.transitions {
            notice.account_name = Some("an account's name of many words".repeat(4));
        }
    }
    let alert = message::alert(&digest, Form::Whole);
    assert_fits(&alert);
    assert!(alert.subject.starts_with("[packwatch] 5,000 accounts failed in 50 packs"), "{}", alert.subject);
}

/// What does not fit of a baseline is not taken for failed: that would be taken off the failures that are new.
#[test]
fn new_failures_are_reported_beside_a_baseline_that_does_not_fit() {
    let known = (0..40).map(|n| failure(n, failed("A", "it broke", "2026-11-17T10:00:00Z")));
    let stuck = (40..60)
        .map(|n| transition(n, Kind::Stuck, None, Some(state("CREATE_IN_PROGRESS", "2026-11-17T10:00:00Z"))));
    let first = known.chain(stuck).map(|found| Record::Account(Transition { baseline: true, ..found }));
    let first: Vec<Record> = first.chain([notice(PackEvent::Baseline, 100)]).collect();
    let then = (0..3).map(|n| Record::Account(failure(n, failed("B", "it broke", "2026-11-18T09:00:00Z"))));
    let packs = [here("New"), here("Old")];
    let folds = packs.iter().zip([first, then.collect()]).map(|(pack, log)| {
        let mut fold = Fold::new(pack, "b", &[(Status::new("CREATE_FAILED"), 100)].into(), 19);
        log.iter().rev().for_each(|record| fold.add(record));
        fold
    });
    let folds: Vec<Fold<'_>> = folds.collect();
    let digest =
        packwatch::notify::digest(&folds.iter().collect::<Vec<_>>(), HistoryPlace::default(), "UTC").unwrap();
    for form in [Form::Whole, Form::WithoutTexts] {
        let bodies: BTreeMap<String, String> =
            serde_json::from_str(&message::alert(&digest, form).message).unwrap();
        let mail = bodies["email"].split_whitespace().collect::<Vec<_>>().join(" ");
        for said in ["3 accounts failed", "40 already failing", "20 stuck in progress"] {
            assert!(mail.contains(said), "{form:?}: {said}\n{mail}");
        }
    }
}

#[test]
fn every_kind_at_once_fits_and_keeps_its_end() {
    // An account is reported once, so each kind has its own accounts.
    let of_kind = |(k, kind): (u64, Kind)| (0..100).map(move |n| longest(k * 100 + n, kind));
    let all = (0..).zip(Kind::ALL.iter().copied()).flat_map(of_kind);
    let news = |pack| changed(here(pack), 10_000, all.clone().collect());
    let digest = notified(&[news("A"), news("B")]);
    let alert = message::alert(&digest, Form::Whole);
    assert_fits(&alert);
    let bodies: BTreeMap<String, String> = serde_json::from_str(&alert.message).unwrap();
    let command =
        format!("\npackwatch history --table packwatch --region eu-west-1 --message {}\n", digest.id);
    assert!(bodies["email"].contains(&command), "{}", bodies["email"]);
}

/// A filter policy on kinds or packs finds a digest whatever of it fits, and whatever SNS refuses.
#[test]
fn a_digest_has_the_attributes_of_its_whole_in_every_form() {
    let failures = (0..20).map(|n| failure(n, failed("C", "m", "2026-11-18T09:00:00Z")));
    let mut digest = notified(&[changed(here("A"), 20, failures.collect())]);
    digest.counts.insert("Recovered".to_owned(), 7);
    digest.counts.insert("SilenceEnded".to_owned(), 1);
    let value = |form, name| {
        let attributes = message::alert(&digest, form).attributes;
        attributes.into_iter().find(|a| a.name == name).map(|a| a.value)
    };
    for form in Form::ALL {
        let kinds = value(form, "Kinds").unwrap();
        assert_eq!(kinds, r#"["Failed","Recovered","Reminder"]"#, "{form:?}");
        assert_eq!(value(form, "OrganizationConformancePackNames").as_deref(), Some(r#"["A"]"#), "{form:?}");
        let statuses = (form == Form::Whole).then_some(r#"["CREATE_FAILED"]"#);
        assert_eq!(value(form, "Statuses").as_deref(), statuses, "{form:?}");
        assert_fits(&message::alert(&digest, form));
    }
}

#[test]
fn a_large_baseline_is_counted_by_cause_before_any_account_is_named() {
    let alert = message::alert(&notified(&large_baseline()), Form::Whole);
    assert_fits(&alert);
    let bodies: BTreeMap<String, String> = serde_json::from_str(&alert.message).unwrap();
    let slack: Value = serde_json::from_str(&bodies["https"]).unwrap();
    let slack = slack["content"]["description"].as_str().unwrap();
    for body in [&bodies["email"], slack] {
        let first_account = body.find("since 2026-11-01").unwrap();
        let counts: Vec<usize> = ["274 accounts in", "109 accounts in", "82 accounts in", "53 accounts in"]
            .iter()
            .map(|count| body.find(count).unwrap())
            .collect();
        assert!(counts.is_sorted() && counts.iter().all(|at| *at < first_account), "{body}");
    }
    let lines = bodies["email"].lines().take_while(|line| *line != "WHAT IS NOT NAMED ABOVE").count();
    assert!(lines < 150, "{lines} lines");
}

#[test]
fn a_long_name_leaves_the_worst_in_the_subject() {
    let pack = "P".repeat(128);
    let digest =
        notified(&[changed(here(&pack), 1, vec![failure(1, failed("C", "m", "2026-11-18T09:00:00Z"))])]);
    let alert = message::alert(&digest, Form::Whole);
    assert!(
        alert.subject.starts_with("[packwatch] 1 account failed: PPPP") && alert.subject.ends_with("..."),
        "{}",
        alert.subject
    );
    assert_fits(&alert);
}

/// SNS, as far as its rules go.
#[derive(Default)]
struct Rules {
    alerts: Cell<usize>,
    events: RefCell<Vec<Event>>,
}

impl Publisher for Rules {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        assert_fits(alert);
        self.alerts.set(self.alerts.get() + 1);
        Ok(())
    }

    fn machines(&self) -> Machines {
        Machines::Listen
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        let drafts = events.iter().enumerate().map(|(index, event)| Draft {
            batch_entry_id: Some(index.to_string()),
            ..draft(&event.message, &event.attributes)
        });
        let drafts: Vec<Draft> = drafts.collect();
        sns_rules::check_batch(&drafts, "arn:aws:sns:eu-west-1:111122223333:events")
            .unwrap_or_else(|e| panic!("{e:?}"));
        for event in events {
            assert_event(&serde_json::from_str(&event.message).unwrap());
        }
        self.events.borrow_mut().extend(events.iter().cloned());
        Ok(Vec::new())
    }
}

/// Text of any kind: long, hostile, empty, from the right to the left.
fn text(rng: &mut Rng) -> Option<String> {
    let piece = |rng: &mut Rng| match rng.u8(0..9) {
        0 => "NoAvailableConfigurationRecorder".to_owned(),
        1 => "AccessDenied".to_owned(),
        2 => "\"\\\u{0}\u{202E}\r\n".to_owned(),
        3 => "<!channel> `*_~".to_owned(),
        4 => "שלום العربية 漢字 😀".to_owned(),
        5 => " ".repeat(rng.usize(0..40)),
        6 => rng.char('\u{0}'..char::MAX).to_string(),
        _ => {
            let length = rng.usize(0..90);
            (0..length).map(|_| rng.alphanumeric()).collect()
        }
    };
    rng.bool().then(|| (0..rng.usize(0..9)).map(|_| piece(rng)).collect())
}

fn world(rng: &mut Rng) -> Statuses {
    let mut statuses = Statuses::default();
    for n in 0..rng.usize(1..4) {
        let region = ["eu-west-1", "cn-north-1"][n % 2];
        let pack = if n == 0 { "L".repeat(rng.usize(1..=128)) } else { format!("Pack-{n}") };
        let rows = (0..rng.u64(0..25)).map(|n| DetailedStatus {
            account: account(n),
            conformance_pack_name: "OrgConformsPack-x".to_owned(),
            status: match rng.usize(0..11) {
                known @ 0..9 => Status::new(Status::DOCUMENTED[known]),
                _ => Status::new(&text(rng).unwrap_or_default()),
            },
            error_code: text(rng),
            error_message: text(rng),
            last_update: rng
                .bool()
                .then(|| Timestamp::from_second(rng.i64(1_700_000_000..1_800_000_000)).unwrap()),
        });
        let rows = rows.collect();
        statuses.0.insert(Target { region: region.parse().unwrap(), pack: pack.parse().unwrap() }, rows);
    }
    statuses
}

#[tokio::test(start_paused = true)]
async fn no_digest_of_a_hundred_random_worlds_is_refused() {
    assert_taken(100).await;
}

#[tokio::test]
#[ignore = "takes minutes: `make soak`"]
async fn no_digest_of_a_thousand_random_worlds_is_refused() {
    assert_taken(1000).await;
}

async fn assert_taken(worlds: usize) {
    let lookup = |name: &str| match name {
        "PACKWATCH_REGIONS" => Some("eu-west-1,cn-north-1".to_owned()),
        "PACKWATCH_GROUP_INTERVAL" => Some("0".to_owned()),
        _ => None,
    };
    let settings = Reader::new(&lookup).settings();
    let publisher = Rules::default();
    for seed in 0..worlds as u64 {
        let mut rng = Rng::with_seed(seed);
        let store = MemoryStore::default();
        // A baseline, then everything at once is otherwise.
        for day in ["2026-11-18T10:00:00Z", "2026-11-19T10:05:00Z"] {
            let source = world(&mut rng);
            let outside = Parts { source: &source, store: &store, publisher: &publisher, now: at(day) };
            let report =
                watch::run(&outside, &settings, &Request::default(), &Budget::UNLIMITED).await.unwrap();
            assert_eq!(report.failure(), None, "seed {seed}");
        }
    }
    assert!(publisher.alerts.get() > worlds, "{}", publisher.alerts.get());
    assert!(publisher.events.borrow().len() > 5 * worlds);
}
