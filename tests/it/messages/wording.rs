//! What a digest says of one account or one cause: the right word, the right time, nothing that AWS did not say.

use std::collections::BTreeSet;

use packwatch::local::Channel;
use packwatch::model::{Kind, Status, Target};
use packwatch::notify::render::named_accounts;
use packwatch::notify::{Fold, HistoryPlace, Notification, Topic};
use packwatch::state::log::Record;
use packwatch::state::{Incident, State, Transition};
use serde_json::Value;

use super::samples::{
    HISTORY, account, at, cases, changed, failed, failure, here, no_recorder, notified, recovery, state,
    transition,
};

const EARLY: &str = "2026-11-18T08:05:00Z";
const LATE: &str = "2026-11-18T09:10:00Z";

fn mail(digest: &Notification) -> String {
    Channel::Email.show(digest)
}

/// On one line, as phones break it anywhere.
fn flat(digest: &Notification) -> String {
    mail(digest).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn slack(digest: &Notification) -> String {
    let document: Value = serde_json::from_str(&Channel::Slack.show(digest)).unwrap();
    document["content"]["description"].as_str().unwrap().to_owned()
}

fn assert_says(digest: &Notification, all: &[&str]) {
    let (mail, slack) = (flat(digest), slack(digest).replace("&gt;", ">"));
    for said in all {
        assert!(mail.contains(said), "{said}\n{mail}");
        assert!(slack.replace('`', "\"").contains(said), "{said}\n{slack}");
    }
}

fn one(transition: Transition) -> Notification {
    notified(&[changed(here("P"), 9, vec![transition])])
}

fn without_code(text: Option<&str>) -> State {
    State { error_message: text.map(str::to_owned), ..state("CREATE_FAILED", EARLY) }
}

#[test]
fn two_causes_of_two_thousand_failures_are_both_counted() {
    let of =
        |n: u64| if n < 1_400 { no_recorder(EARLY) } else { failed("AccessDenied", "explicit deny", EARLY) };
    let digest = notified(&[changed(here("P"), 2_000, (0..2_000).map(|n| failure(n, of(n))).collect())]);
    assert_says(&digest, &["1,400 accounts", "600 accounts", "Now 2,000 of 2,000 failed."]);
    assert!(Channel::Sms.show(&digest).ends_with("NoAvailableConfigurationRecorder and 1 more cause"));
}

#[test]
fn accounts_without_a_message_are_a_cause_of_their_own() {
    let all = (0..10).map(|n| failure(n, without_code(Some("it broke").filter(|_| n == 0))));
    let digest = notified(&[changed(here("P"), 10, all.collect())]);
    let numbers: Vec<u64> = digest.sections[0].causes.iter().map(|cause| cause.accounts).collect();
    assert_eq!(numbers, [9, 1]);
    assert_says(&digest, &["no error code, without a message"]);
    assert!(mail(&digest).contains("\n9 accounts: no error code, without a message\n"), "{}", mail(&digest));
}

#[test]
fn unknown_texts_are_causes_and_known_ones_are_examples() {
    let texts = ["red", "red", "red", "red", "red", "green", "green", "blue"];
    let all = (0..).zip(texts).map(|(n, text)| failure(n, failed("Odd", text, EARLY)));
    let digest = notified(&[changed(here("P"), 8, all.collect())]);
    let causes: Vec<_> = digest.sections[0]
        .causes
        .iter()
        .map(|c| (c.state.error_message.as_deref().unwrap(), c.accounts))
        .collect();
    assert_eq!(causes, [("red", 5), ("green", 2), ("blue", 1)]);
    let all = (0..300)
        .map(|n| failure(n, failed("NoAvailableConfigurationRecorder", &format!("oddtext{n}x"), EARLY)));
    let digest = notified(&[changed(here("P"), 300, all.collect())]);
    assert_says(&digest, &["(an example of 300 messages)"]);
    let all = (0..2).map(|n| {
        failure(n, failed("NoAvailableConfigurationRecorder", &format!("none in {}", account(n)), EARLY))
    });
    assert_says(&notified(&[changed(here("P"), 300, all.collect())]), &["(an example: ids differ)"]);
}

#[test]
fn causes_that_are_not_shown_are_counted_and_listed_in_the_mail() {
    for n in [9, 12, 300] {
        let all = (0..n).map(|n| failure(n, failed("Odd", &format!("oddtext{}x", n + 1000), EARLY)));
        let digest = notified(&[changed(here("P"), n, all.collect())]);
        let more = n - 8;
        let hidden =
            format!("and {more} account{0} in {more} more cause{0}", if more == 1 { "" } else { "s" });
        assert!(flat(&digest).contains(&hidden), "{hidden}\n{}", flat(&digest));
        let in_slack = slack(&digest);
        let shown = in_slack.matches("oddtext").count().min(8);
        assert!(in_slack.contains(" more cause") && shown > 0, "{in_slack}");
        let named = (0..n).filter(|n| mail(&digest).contains(&account(*n).to_string())).count() as u64;
        assert_eq!(named, n, "{}", mail(&digest));
    }
}

#[test]
fn packs_in_which_an_account_changed_otherwise_are_entries_of_their_own() {
    let left = |from: State, began: Option<&str>| {
        let left = transition(1, Kind::Left, Some(from), None);
        Transition { failing_since: began.map(at), incident_id: began.map(|_| "i".to_owned()), ..left }
    };
    let mut news: Vec<_> = (0..5)
        .map(|n| changed(here(&format!("P{n}")), 9, vec![left(state("CREATE_SUCCESSFUL", EARLY), None)]))
        .collect();
    news.push(changed(here("P5"), 9, vec![left(state("UPDATE_FAILED", EARLY), Some(EARLY))]));
    let digest = notified(&news);
    assert_says(
        &digest,
        &["was UPDATE_FAILED", "had not been healthy for 1 h 55 min, since 2026-11-18 08:05 UTC"],
    );
    assert!(
        flat(&digest).contains("111122220001 in P0, P1, P2, P3, P4 was CREATE_SUCCESSFUL"),
        "{}",
        flat(&digest)
    );
    assert!(flat(&digest).contains("111122220001 in P5 was UPDATE_FAILED"), "{}", flat(&digest));
    // Deployments to several packs take minutes: that is one failure. One of yesterday is another.
    let news = ["2026-11-18T08:05:00Z", "2026-11-18T08:25:00Z", "2026-11-17T08:05:00Z"]
        .map(|since| changed(here(&format!("P{}", &since[9..10])), 9, vec![failure(1, no_recorder(since))]));
    let digest = notified(&news);
    assert_says(&digest, &["failing since 2026-11-17 08:05 UTC (1 d 1 h)"]);
    assert_says(
        &digest,
        &["failing since 2026-11-18 08:05 UTC (1 h 55 min), in the last of these since 08:25 UTC"],
    );
}

#[test]
fn what_was_stuck_before_it_failed_is_not_failing_since_then() {
    let was_stuck = Transition { failing_since: Some(at(EARLY)), ..failure(1, no_recorder(LATE)) };
    let digest = one(was_stuck.clone());
    let said = "failed at 2026-11-18 09:10 UTC, not healthy since 2026-11-18 08:05 UTC (1 h 55 min)";
    assert_says(&digest, &[said]);
    let digest = one(Transition { kind: Kind::Reminder, ..was_stuck });
    assert_says(&digest, &["last failed at 2026-11-18 09:10 UTC, not healthy since 2026-11-18 08:05 UTC"]);
    let stuck = State { stuck: true, ..state("UPDATE_IN_PROGRESS", EARLY) };
    let stuck =
        Transition { failing_since: Some(at(EARLY)), ..transition(1, Kind::Reminder, None, Some(stuck)) };
    let digest = one(stuck);
    assert_eq!(digest.sections[0].topic, Topic::StillUnhealthy);
    assert_says(&digest, &["in progress since 2026-11-18 08:05 UTC (1 h 55 min)"]);
}

#[test]
fn a_failure_that_was_tried_again_is_still_failing_and_another_code_names_the_old_one() {
    let again = Transition {
        failing_since: Some(at(EARLY)),
        ..transition(
            1,
            Kind::FailedAgain,
            Some(no_recorder(EARLY)),
            Some(State { status: Status::new("UPDATE_FAILED"), ..no_recorder(LATE) }),
        )
    };
    let digest = one(again);
    assert_says(
        &digest,
        &[
            "111122220001",
            "CREATE_FAILED -> UPDATE_FAILED",
            "\"Config Recorder is not available in the account.\"",
        ],
    );
    assert_says(
        &digest,
        &["still failing; last failed at 2026-11-18 09:10 UTC, not healthy since 2026-11-18 08:05 UTC"],
    );
    let other = transition(
        1,
        Kind::Failed,
        Some(no_recorder(EARLY)),
        Some(failed("AccessDenied", "explicit deny", LATE)),
    );
    assert_says(&one(other), &["CREATE_FAILED (NoAvailableConfigurationRecorder) -> CREATE_FAILED"]);
}

#[test]
fn what_to_do_is_said_once_in_a_mail() {
    let reminder = Transition { kind: Kind::Reminder, ..failure(2, no_recorder(EARLY)) };
    let news = [failure(1, no_recorder(LATE)), reminder];
    let mail = flat(&notified(&[changed(here("P"), 9, news.to_vec())]));
    assert!(mail.contains("FAILED: 1 account") && mail.contains("STILL FAILING: 1 account"), "{mail}");
    assert_eq!((mail.matches("To do: Turn on").count(), mail.matches("To do: as above.").count()), (1, 1));
}

/// The digest of what happened to account 1 in one incident.
fn digest_of(target: &Target, log: Vec<Transition>) -> Notification {
    let mut fold = Fold::new(target, HISTORY, &[(Status::new("CREATE_SUCCESSFUL"), 9)].into(), 10);
    log.into_iter().rev().for_each(|transition| fold.add(&Record::Account(transition)));
    packwatch::notify::digest(&[&fold], HistoryPlace::default(), "UTC").unwrap()
}

/// A phone shows about 45 columns: what is broken elsewhere, too, has a stub after each line.
#[test]
fn a_mail_client_breaks_the_lines_of_a_mail() {
    for (name, digest) in cases() {
        let mail = mail(&digest);
        for line in mail.lines().filter(|line| line.contains("://")) {
            assert!(line.starts_with("https://") && !line.contains(' '), "{name}: {line}");
        }
    }
    let digest = one(failure(1, no_recorder(EARLY)));
    let hint = "  To do: Turn on AWS Config there";
    let todo = mail(&digest).lines().find(|line| line.starts_with(hint)).unwrap().len();
    assert!(todo > 150, "a paragraph is one line");
}

#[test]
fn what_people_did_not_know_of_came_and_went() {
    let target = here("P");
    let incident = Incident::begun(&target, HISTORY, account(1), 7).id;
    let of = |epoch, kind, from: State, to: State| Transition {
        epoch,
        incident_id: Some(incident.clone()),
        failing_since: Some(at(EARLY)),
        ..transition(1, kind, Some(from), Some(to))
    };
    let (healthy, moving) = (state("CREATE_SUCCESSFUL", EARLY), state("UPDATE_IN_PROGRESS", LATE));
    let failed = of(7, Kind::Failed, healthy, no_recorder(EARLY));
    let retried = of(8, Kind::InProgress, no_recorder(EARLY), moving.clone());
    let recovered = of(9, Kind::Recovered, moving, state("UPDATE_SUCCESSFUL", "2026-11-18T09:30:00Z"));
    let digest = digest_of(&target, vec![failed.clone(), retried.clone(), recovered.clone()]);
    assert_eq!(digest.sections.iter().map(|s| s.topic).collect::<Vec<_>>(), [Topic::CameAndWent]);
    assert_says(
        &digest,
        &["from 2026-11-18 08:05 UTC to 09:30 UTC (1 h 25 min)", "NoAvailableConfigurationRecorder"],
    );
    assert!(!flat(&digest).contains("To do:"), "nothing is to be done");
    // What people know recovers.
    let digest = digest_of(&target, vec![retried.clone(), recovered.clone()]);
    assert_eq!(digest.sections[0].topic, Topic::Recovered);
    // A second one does not hide the end of the one that they know.
    let second = Incident::begun(&target, HISTORY, account(1), 10).id;
    let again =
        |transition: Transition, epoch| Transition { epoch, incident_id: Some(second.clone()), ..transition };
    let log = vec![recovered.clone(), again(failed.clone(), 10), again(recovered, 11)];
    assert_eq!(digest_of(&target, log).sections[0].topic, Topic::Recovered);
    // What goes on shows why.
    let digest = digest_of(&target, vec![failed, retried]);
    assert_eq!(digest.sections[0].topic, Topic::Failed);
    assert_says(
        &digest,
        &[
            "\"Config Recorder is not available in the account.\"",
            "failing since 2026-11-18 08:05 UTC (1 h 55 min); now in progress",
        ],
    );
}

#[test]
fn a_running_total_says_how_a_pack_stands_and_since_when_it_is_counted() {
    let mut early = failure(1, no_recorder(EARLY));
    early.observed_at = at("2026-11-18T09:30:00Z");
    let mut digest = notified(&[changed(here("P"), 137, vec![early, failure(2, no_recorder(LATE))])]);
    digest.packs[0].failed = Some(41);
    assert_says(&digest, &["2 more since 09:30 UTC."]);
    digest.as_of = Some(at("2026-11-18T09:45:00Z"));
    let first = "2 accounts failed, now 41 of 137: P (eu-west-1), as of 09:45 UTC";
    for channel in [Channel::Email, Channel::Sms, Channel::Slack] {
        assert!(channel.show(&digest).contains(first), "{}", channel.show(&digest));
    }
    // In the zone of those who read it, on their day.
    digest.time_zone = "Asia/Tokyo".to_owned();
    digest.as_of = Some(at("2026-11-17T09:45:00Z"));
    assert_says(&digest, &["2 more since 18:30 JST.", "failing since 2026-11-18 17:05 JST"]);
    assert!(mail(&digest).contains("as of 2026-11-17 18:45 JST"), "{}", mail(&digest));
    let read: Notification = serde_json::from_str(&Channel::Json.show(&digest)).unwrap();
    assert_eq!(mail(&read), mail(&digest), "what is stored is rendered alike");
    // Those that recovered are no failures since then.
    let mut early = recovery(1, LATE);
    early.observed_at = at("2026-11-18T09:30:00Z");
    let mut digest = notified(&[changed(here("P"), 137, vec![early, recovery(2, LATE)])]);
    digest.packs[0].failed = Some(9);
    assert_says(&digest, &["2 recovered since 09:30 UTC."]);
    // What the first line does not say of them.
    let news = [("P", 1), ("Q", 1)].map(|(pack, n)| changed(here(pack), 137, vec![recovery(n, LATE)]));
    assert_says(&notified(&news), &["Now none of 274 deployments failed."]);
}

/// That 13 accounts failed says little of a night in which 41 did.
#[test]
fn the_first_line_says_how_the_pack_stands_where_that_is_more() {
    let of = |n: u64, kind: Kind| -> Vec<Transition> {
        let one = |n| match kind {
            Kind::Recovered => recovery(n, EARLY),
            kind => Transition { kind, ..failure(n, no_recorder(EARLY)) },
        };
        (0..n).map(one).collect()
    };
    for (n, kind, now, first) in [
        (13, Kind::Failed, 41, "13 accounts failed, now 41 of 137: P (eu-west-1)"),
        (13, Kind::Failed, 13, "13 accounts failed: P (eu-west-1)"),
        (13, Kind::Reminder, 41, "13 accounts still failing, 41 of 137 failed: P (eu-west-1)"),
        (30, Kind::Recovered, 9, "30 accounts recovered, 9 of 137 failed: P (eu-west-1)"),
        (11, Kind::Recovered, 0, "11 accounts recovered, none of 137 failed: P (eu-west-1)"),
        (2, Kind::Joined, 41, "2 accounts joined: P (eu-west-1)"),
    ] {
        let mut digest = notified(&[changed(here("P"), 137, of(n, kind))]);
        digest.packs[0].failed = Some(now);
        for channel in [Channel::Email, Channel::Sms, Channel::Slack] {
            assert!(channel.show(&digest).contains(first), "{first}\n{}", channel.show(&digest));
        }
        assert!(mail(&digest).starts_with(&format!("Subject: [packwatch] {first}\n")), "{}", mail(&digest));
        assert_eq!(
            mail(&digest).matches(" of 137").count(),
            if now == 13 { 1 } else { 2 * usize::from(n > 2) }
        );
    }
    let in_two = ["P", "Q"].map(|pack| changed(here(pack), 137, of(13, Kind::Failed)));
    assert!(mail(&notified(&in_two)).contains("\n13 accounts failed in 2 packs\n"));
}

/// The first line is its heading.
#[test]
fn the_only_section_begins_with_what_is_new() {
    let failures = |n| (0..n).map(|n| failure(n, no_recorder(EARLY))).collect();
    let digest = notified(&[changed(here("P"), 137, failures(2))]);
    let first = "\n\n2 accounts failed: P (eu-west-1)\n\nNow 2 of 137 failed.\n\nNoAvailableConfigurationRecorder\n  \"";
    assert!(mail(&digest).contains(first), "{}", mail(&digest));
    let first = "Now 2 of 137 failed.\n`NoAvailableConfigurationRecorder`\n> `Config";
    assert!(slack(&digest).starts_with(first), "{}", slack(&digest));
    let digest = notified(&[changed(here("P"), 137, vec![recovery(1, EARLY)])]);
    let first = "\n\n1 account recovered, none of 137 failed: P (eu-west-1)\n\n  111122220001\n";
    assert!(mail(&digest).contains(first), "{}", mail(&digest));
    assert!(slack(&digest).starts_with("• *111122220001*: "), "{}", slack(&digest));
    let moving = transition(1, Kind::InProgress, None, Some(state("UPDATE_IN_PROGRESS", EARLY)));
    let digest = notified(&[changed(here("P"), 137, vec![moving])]);
    assert!(mail(&digest).contains("\n\n1 account in progress: P (eu-west-1)\n\n--\n"), "{}", mail(&digest));
    let several = [failures(2), vec![recovery(3, EARLY)]].concat();
    let digest = notified(&[changed(here("P"), 137, several)]);
    assert!(
        mail(&digest).contains("\nFAILED: 2 accounts\n")
            && mail(&digest).contains("\nRECOVERED: 1 account\n")
    );
    assert!(slack(&digest).starts_with("*2 accounts failed*\n"), "{}", slack(&digest));
}

/// Of 41 that failed and 30 that recovered, 9 are failed: where are the other two?
#[test]
fn a_pack_stands_with_what_is_in_progress() {
    let target = here("P");
    let accounts = [("UPDATE_FAILED", 9), ("UPDATE_IN_PROGRESS", 2), ("UPDATE_SUCCESSFUL", 126)];
    let accounts = accounts.map(|(status, n)| (Status::new(status), n)).into();
    let digest = |log: Vec<Transition>| {
        let mut fold = Fold::new(&target, HISTORY, &accounts, 10);
        log.into_iter().rev().for_each(|transition| fold.add(&Record::Account(transition)));
        packwatch::notify::digest(&[&fold], HistoryPlace::default(), "UTC").unwrap()
    };
    let failures = digest((0..9).map(|n| failure(n, no_recorder(EARLY))).collect());
    assert_says(&failures, &["Now 9 of 137 failed, 2 in progress."]);
    let mut early = recovery(1, LATE);
    early.observed_at = at("2026-11-18T09:30:00Z");
    let recovered = digest(vec![early, recovery(2, LATE)]);
    assert_says(&recovered, &["2 in progress, 2 recovered since 09:30 UTC."]);
    let json: Value = serde_json::from_str(&Channel::Json.show(&recovered)).unwrap();
    let pack = &json["Packs"][0];
    assert_eq!((pack["Failed"].as_u64(), pack["InProgress"].as_u64()), (Some(9), Some(2)));
}

#[test]
fn what_aws_says_is_cut_in_its_middle() {
    let denied = "User: arn:aws:sts::111122220001:assumed-role/AWSServiceRoleForConfigConforms/\
                  AwsConfigConformsWorkflow is not authorized to perform: config:PutConfigRule on resource: \
                  arn:aws:config:eu-west-1:111122220001:config-rule/aws-service-rule/config-conforms.amazonaws.com/\
                  config-rule-xnp9vw with an explicit deny in a service control policy";
    let digest = one(failure(1, failed("AccessDenied", denied, EARLY)));
    assert_says(
        &digest,
        &["\"User: arn:aws:sts::111122220001:", " … ", "an explicit deny in a service control policy\""],
    );
}

/// What is reported at 10:10 may have been read at 09:50.
#[test]
fn the_time_of_the_last_change_is_called_so() {
    let digest = one(failure(1, no_recorder(EARLY)));
    assert_says(&digest, &["Last change read from AWS Config at 2026-11-18 10:00 UTC"]);
}

/// Each name is a call. What the mail lists after its sections is named, too, as far as a digest can wait for it.
#[test]
fn names_are_asked_for_in_the_order_in_which_they_are_read() {
    let of = |n: u64| {
        let cause = |of: u64| {
            if of < 20 { no_recorder(EARLY) } else { failed("AccessDenied", "explicit deny", EARLY) }
        };
        let digest = notified(&[changed(here("P"), 500, (0..n).map(|n| failure(n, cause(n))).collect())]);
        named_accounts(&digest)
    };
    let all = of(40);
    assert_eq!((all.len(), of(300).len()), (40, 100));
    let first: Vec<_> = (0..10).chain(20..30).map(account).collect();
    assert_eq!(all.iter().take(20).copied().collect::<BTreeSet<_>>(), first.into_iter().collect());
}
