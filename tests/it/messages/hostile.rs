//! Hostile input: whatever AWS Config, an event, a token or a file holds, nothing panics, SNS takes what is published,
//! no cut is inside a character, and Slack finds nothing to act on.

use crate::harness::parts::Parts;
use packwatch::event::{self};
use packwatch::local::RecordedStatuses;
use packwatch::watch;
use packwatch::watch::budget::Budget;
use packwatch::watch::request::Request;
use packwatch::watch::scan::paginate::{PaginationConfig, Paginator};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::protocol::direct::{ALERTS, Direct, EVENTS, REGION, settings};
use crate::protocol::memory::MemoryStore;
use crate::world::World;
use crate::world::packs::account;

const CORPUS: [&str; 12] = [
    "<!here> <!channel> <@U024BE7LH> <#C024BE7LR> <https://example.com|click>",
    "`code` *bold* _it_ ~no~ ```block``` &lt;!here&gt; &amp;",
    "\u{202E}txet desrever\u{202C} \u{2066}isolated\u{2069} \u{200B}\u{FEFF}\u{200F}",
    "\u{0}\u{1}\u{7}\u{8}\u{1b}[31mred\u{1b}[0m\u{7f}\u{85}\r\n\t\u{2028}\u{2029}",
    "😀👩‍👩‍👧‍👦 é ñ ﷽ \u{10FFFF} \u{FFFD}",
    "\"quotes\" \\ back\\slash \\u0000 \\ud800 {\"json\": [1]}",
    "'; DROP TABLE items; -- ${jndi:ldap://x} {{7*7}} %s %n",
    "",
    " ",
    "@everyone @channel",
    "Content-Type: text/html\r\nBcc: everyone@example.com\r\n\r\n<script>alert(1)</script>",
    "arn:aws:iam::123456789012:role/Ünïcödé",
];

/// Text that is trouble, alone, mixed and repeated.
fn trouble() -> impl Strategy<Value = String> {
    let piece = prop_oneof![prop::sample::select(&CORPUS[..]).prop_map(str::to_owned), any::<String>()];
    (prop::collection::vec(piece, 0..4), 1..300_usize)
        .prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

/// A world in which some accounts failed with these codes and messages, after a baseline; and the run that tells so.
async fn notified(world: &World, fail: impl FnOnce(&World)) {
    let store = MemoryStore::default();
    let port = Direct(world.clone());
    let settings = settings(&[]);
    let run = async || {
        let outside = Parts { source: &port, store: &store, publisher: &port, now: port.now() };
        let report = watch::run(&outside, &settings, &Request::default(), &Budget::UNLIMITED).await.unwrap();
        assert_eq!(report.failure(), None);
    };
    run().await;
    fail(world);
    run().await;
}

fn new_world() -> World {
    let world = World::new();
    world.add_topic(ALERTS).add_topic(EVENTS).set_clock(1_700_000_000.0);
    world
}

/// What no channel may show: SNS's own rules were asked when it was published.
fn assert_harmless(world: &World) {
    for message in world.messages_to(ALERTS) {
        let (email, slack) = (message.body_for("email"), message.json_for("https"));
        let invisible = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}' | '\u{2067}' | '\u{200B}');
        // What is written from right to left is isolated by packwatch, and nothing else is.
        let isolated = |text: &str| text.matches('\u{2068}').count() == text.matches('\u{2069}').count();
        assert!(isolated(&email), "{email:?}");
        assert!(!email.contains(|c: char| (c.is_control() && c != '\n') || invisible(c)), "{email:?}");
        assert!(message.body_for("sms").chars().all(|c| matches!(c, ' '..='~')));
        let description = slack["content"]["description"].as_str().unwrap();
        assert!(description.chars().count() <= 2500);
        // A line that packwatch itself begins as a quotation.
        let lines: Vec<&str> =
            description.lines().map(|line| line.strip_prefix("> ").unwrap_or(line)).collect();
        let unescaped = lines.concat().replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
        assert!(!unescaped.contains(['<', '>', '&']), "{description:?}");
        assert!(!description.contains(|c: char| (c.is_control() && c != '\n') || invisible(c)));
        // What AWS Config said is inline code, of which each begins and ends on its line.
        for line in description.lines() {
            assert_eq!(line.matches('`').count() % 2, 0, "{line:?}");
        }
        assert!(!message.message.contains('\u{FFFD}') || CORPUS[4].contains('\u{FFFD}'));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_status_holds_is_reported_harmlessly(
        rows in prop::collection::vec((trouble(), trouble(), trouble()), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let world = new_world();
            world.add_pack(REGION, "P", rows.len());
            notified(&world, |world| for (n, (status, code, message)) in rows.iter().enumerate() {
                let status = if n % 2 == 0 { "UPDATE_FAILED" } else { status };
                world.fail(REGION, "P", &account(n + 1), status, code, message);
            }).await;
            assert_harmless(&world);
        });
    }

    #[test]
    fn an_event_of_any_shape_is_taken_or_refused_in_few_words(
        name in trouble(), value in trouble(), shape in 0..6_usize,
    ) {
        let event = match shape {
            0 => json!({name.as_str(): value}),
            1 => json!({"OrganizationConformancePackName": value}),
            2 => json!({"Filters": {"AccountId": value, "Status": name}}),
            3 => json!({"PaginationConfig": {"StartingToken": value}, "OrganizationConformancePackName": "P"}),
            4 => json!({"source": name, "detail-type": value}),
            _ => json!({"source": "aws.config", "detail-type": "AWS API Call via CloudTrail", "detail": {
                "eventName": "PutOrganizationConformancePack", "awsRegion": name,
                "requestParameters": {"organizationConformancePackName": value}}}),
        };
        if let Err(error) = event::parse(&event) {
            prop_assert!(error.to_string().len() < 4096, "{} bytes", error.to_string().len());
        }
    }

    #[test]
    fn a_token_of_any_shape_is_taken_or_refused(token in trouble()) {
        use base64::Engine;
        let encoded = base64::engine::general_purpose::STANDARD.encode(&token);
        for token in [token, encoded] {
            let config = PaginationConfig { starting_token: Some(token), ..PaginationConfig::default() };
            let _taken_or_refused = Paginator::new(&config);
        }
    }

    #[test]
    fn a_statuses_file_of_any_shape_is_taken_or_refused(
        text in trouble(), account in "[0-9]{0,13}", time in any::<f64>(),
    ) {
        let row = json!({"AccountId": account, "Status": text, "ErrorMessage": text, "LastUpdateTime": time});
        let document = json!({"OrganizationConformancePackDetailedStatuses": [row]}).to_string();
        for document in [text.clone(), document.clone(), document.replace("\\u00", "\\ud8"),
            document.chars().take(document.chars().count() / 2).collect()] {
            let mut recorded = RecordedStatuses::new(REGION.parse().unwrap());
            let _taken_or_refused = recorded.add("P".parse().unwrap(), &document);
        }
    }
}

#[test]
fn lone_surrogates_are_refused_with_their_place() {
    for escape in ["\\ud800", "\\udc00", "\\ud800\\ud800"] {
        let document =
            format!(r#"{{"OrganizationConformancePackDetailedStatuses": [{{"AccountId": "{escape}"}}]}}"#);
        let mut recorded = RecordedStatuses::new(REGION.parse().unwrap());
        let error = recorded.add("P".parse().unwrap(), &document).unwrap_err();
        assert!(error.contains("line 1 column"), "{error}");
        assert!(serde_json::from_str::<Value>(&document).is_err(), "an event neither");
    }
}

#[test]
fn a_megabyte_in_an_event_is_not_told_back() {
    let long = "x".repeat(1 << 20);
    for event in [
        json!({long.as_str(): 1}),
        json!({"OrganizationConformancePackName": long}),
        json!({"Filters": {"Status": "X".repeat(1 << 20)}}),
        json!({"PaginationConfig": {"PageSize": long}}),
        json!(long),
        json!({"Packs": [long]}),
    ] {
        let error = event::parse(&event).unwrap_err().to_string();
        assert!(error.len() < 4096, "{} bytes: {}", error.len(), &error[..200]);
    }
}

/// What `make fuzz` holds against any input: an error goes to logs and terminals as it is.
#[test]
fn what_is_refused_is_quoted_harmlessly() {
    let trouble = "\u{202E}txet\u{1b}[31m\u{7f}\n";
    let events = [
        json!({trouble: 1}),
        json!(trouble),
        json!({"Filters": {"Status": trouble}}),
        json!({"Filters": {"Status": "\u{2060}"}}),
        json!({"PaginationConfig": {"PageSize": trouble}}),
        json!({"source": trouble, "detail-type": trouble}),
    ];
    let mut errors: Vec<String> = events.iter().map(|e| event::parse(e).unwrap_err().to_string()).collect();
    let row =
        json!({"AccountId": account(1), "Status": "CREATE_FAILED", "LastUpdateTime": "x".repeat(1 << 20)});
    for document in [
        json!({"OrganizationConformancePackDetailedStatuses": [row]}),
        json!({"OrganizationConformancePackDetailedStatuses": [{"AccountId": trouble}]}),
        json!(trouble),
    ] {
        let mut recorded = RecordedStatuses::new(REGION.parse().unwrap());
        errors.push(recorded.add("P".parse().unwrap(), &document.to_string()).unwrap_err());
    }
    for error in errors {
        assert!(error.len() < 4096, "{} bytes", error.len());
        assert_eq!(error, packwatch::model::text::plain(&error));
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_failures_at_once_are_one_message_that_sns_takes() {
    let world = new_world();
    world.add_pack(REGION, "P", 10_000);
    notified(&world, |world| {
        for n in 1..=10_000 {
            world.fail(REGION, "P", &account(n), "UPDATE_FAILED", "\"Code\\", CORPUS[0]);
        }
    })
    .await;
    assert_harmless(&world);
    let digests = world.messages_to(ALERTS);
    assert_eq!(digests.len(), 2, "the baseline, and this");
    let digest = digests[1].json_for("default");
    let pack = &digest["Packs"][0];
    let notified = pack["Transitions"].as_array().unwrap().len() as u64;
    assert_eq!(
        (notified + pack["Omitted"].as_u64().unwrap(), &digest["Counts"]["Failed"]),
        (10_000, &json!(10_000))
    );
    assert!(notified > 0 && world.messages_to(EVENTS).len() == 10_001, "each account, and the baseline");
}

/// Fifty packs in seventeen regions, all new at once, with the longest names there are.
#[tokio::test(start_paused = true)]
async fn hundreds_of_packs_at_once_are_reported_in_messages_that_sns_takes() {
    let world = new_world();
    let name = |n: usize| format!("{}-{n:03}", "P".repeat(124));
    (0..850).for_each(|n| drop(world.add_pack(REGION, &name(n), 1).clone()));
    notified(&world, |world| (0..850).for_each(|n| drop(world.leave(REGION, &name(n), &account(1)).clone())))
        .await;
    assert_eq!(world.messages_to(EVENTS).len(), 2 * 850, "each pack, and each account that left");
    let digests = world.messages_to(ALERTS);
    let packs = digests.iter().map(|m| m.json_for("default")["Packs"].as_array().unwrap().len());
    assert_eq!(packs.sum::<usize>(), 2 * 850);
    assert!(digests.len() < 20, "{}", digests.len());
}
