use serde_json::{from_value, json};

use super::*;
use crate::model::{Kind, Severity, Status};
use crate::notify::record_id;
use crate::notify::{HistoryPlace, NoticeType, Notification, PackNotice, TransitionNotice};
use crate::state::State;

fn target(pack: &str) -> Target {
    Target { region: "eu-west-1".parse().unwrap(), pack: pack.parse().unwrap() }
}

fn at(epoch: u64) -> Timestamp {
    Timestamp::from_second(i64::try_from(epoch).unwrap()).unwrap()
}

fn state(status: &str) -> State {
    State::of(Status::new(status))
}

/// A change that people are notified.
fn notified(epoch: u64, n: u64, kind: Kind, from: &str, to: &str) -> Transition {
    let (account, at) = (format!("{n:012}"), at(epoch));
    let change = json!({ "AccountId": account, "Sequence": epoch, "Kind": kind, "From": state(from), "To": state(to),
        "ObservedAt": at, "Notify": true });
    from_value(change).unwrap()
}

fn failed(epoch: u64, n: u64) -> Record {
    Record::Account(notified(epoch, n, Kind::Failed, "CREATE_SUCCESSFUL", "CREATE_FAILED"))
}

fn recovered(epoch: u64, n: u64) -> Record {
    Record::Account(notified(epoch, n, Kind::Recovered, "CREATE_FAILED", "CREATE_SUCCESSFUL"))
}

/// The record of a pack that had ten accounts for each epoch.
fn pack(epoch: u64, event: PackEvent, notify: bool) -> Record {
    let (accounts, observed_at) = (10 * epoch, at(epoch));
    Record::Pack(Notice { event, epoch, accounts, created_again: false, observed_at, notify })
}

/// A fold of a log, of which the `most` worst accounts are named.
fn fold<'a>(target: &'a Target, most: usize, log: &[Record]) -> Fold<'a> {
    let accounts = Counts::from([(Status::new("CREATE_FAILED"), 9), (Status::new("CREATE_SUCCESSFUL"), 90)]);
    let mut fold = Fold::new(target, "b", &accounts, most);
    log.iter().rev().for_each(|record| fold.add(record));
    fold
}

fn digest(folds: &[&Fold<'_>]) -> Option<Notification> {
    crate::notify::digest(folds, HistoryPlace::default(), "UTC")
}

fn digest_of(log: &[Record], most: usize) -> Option<Notification> {
    let target = target("P");
    let fold = fold(&target, most, log);
    assert_eq!(fold.notifies(), digest(&[&fold]).is_some());
    digest(&[&fold])
}

/// What a digest says: each pack, with its accounts, what became of each, and how many more there are.
fn text(digest: &Notification) -> String {
    let account = |notice: &TransitionNotice| {
        let kinds = notice.earlier.iter().chain([&notice.kind]).map(|kind| kind.as_str());
        format!(" {} {}", notice.account_id.number(), kinds.collect::<Vec<_>>().join(" "))
    };
    let pack = |pack: &PackNotice| {
        let accounts: Vec<String> = pack.transitions.iter().map(account).collect();
        let (name, kind) = (&pack.organization_conformance_pack_name, pack.kind);
        format!("{name}: {kind:?} of {}:{} +{}", pack.accounts, accounts.join(","), pack.omitted)
    };
    digest.packs.iter().map(pack).collect::<Vec<_>>().join("; ")
}

fn counted(digest: &Notification) -> String {
    let counts = digest.counts.iter().map(|(counted_as, n)| format!("{n} {counted_as}"));
    counts.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_record_is_reported_as_it_was_judged_or_else_counted_as_hidden() {
    let all = || notified(1, 1, Kind::Failed, "CREATE_SUCCESSFUL", "CREATE_FAILED");
    // Whether it is reported, or else counted as silenced, or as damped.
    for (transition, expected) in [
        (all(), (true, 0, 0)),
        (Transition { notify: false, ..all() }, (false, 0, 0)),
        (Transition { notify: false, silenced: true, ..all() }, (false, 1, 0)),
        (Transition { notify: false, damped: true, ..all() }, (false, 0, 1)),
        (Transition { notify: false, silenced: true, damped: true, ..all() }, (false, 1, 0)),
    ] {
        let target = target("P");
        let judged = fold(&target, 9, &[Record::Account(transition.clone())]);
        let digest = digest(&[&judged, &fold(&target, 9, &[failed(1, 2)])]).unwrap();
        assert_eq!((judged.notifies(), digest.silenced, digest.damped), expected, "{transition:?}");
    }
}

#[test]
fn the_end_of_a_silence_is_named_where_what_it_covered_is_still_so() {
    let code = |code: &str, silenced| {
        Some(State { error_code: Some(code.to_owned()), silenced, ..state("CREATE_FAILED") })
    };
    let in_progress = || Some(state("CREATE_IN_PROGRESS"));
    let stuck = || Some(State { stuck: true, silenced: true, ..state("CREATE_IN_PROGRESS") });
    for (kind, from, to, ended) in [
        (Kind::Failed, code("A", true), code("A", false), true),
        (Kind::Failed, code("A", true), code("B", false), false),
        // Which people know from before it.
        (Kind::Reminder, code("A", true), code("B", false), true),
        (Kind::Reminder, code("A", false), code("A", false), false),
        (Kind::Reminder, code("A", true), code("A", true), false),
        (Kind::Reminder, code("A", true), in_progress(), false),
        // Stuck before, and moving on.
        (Kind::Reminder, stuck(), in_progress(), false),
        (Kind::InProgress, code("A", true), in_progress(), false),
        (Kind::Left, code("A", true), None, false),
        (Kind::Failed, None, code("A", false), false),
    ] {
        let transition = Transition { from, to, ..notified(1, 1, kind, "ODD", "ODD") };
        let notice = Log { target: &target("P"), history_id: "b" }.notice(&transition);
        assert_eq!(notice.silence_ended, ended, "{transition:?}");
    }
}

#[test]
fn a_failure_is_named_though_its_retry_did_not_fit() {
    let in_progress = |epoch, n| {
        Record::Account(notified(epoch, n, Kind::InProgress, "CREATE_FAILED", "UPDATE_IN_PROGRESS"))
    };
    let log = [failed(1, 9), in_progress(2, 9), in_progress(3, 1), in_progress(3, 9)];
    let digest = digest_of(&log, 1).unwrap();
    assert_eq!(text(&digest), "P: Transitions of 99: 9 Failed InProgress InProgress +1");
    let again = &digest.packs[0].transitions[0];
    assert_eq!(again.to, Some(state("UPDATE_IN_PROGRESS")), "its last state");
    assert_eq!(again.id, record_id(&target("P"), "b", &in_progress(3, 9)), "and the id of that");
    assert_eq!(again.failure, Some(state("CREATE_FAILED")));
    assert_eq!(counted(&digest), "1 Failed, 1 InProgress");
}

#[test]
fn what_does_not_fit_counts_for_the_severity_and_the_statuses() {
    let settled = Record::Account(notified(1, 1, Kind::Settled, "CREATE_SUCCESSFUL", "UPDATE_FAILED"));
    let reminder = Record::Account(notified(1, 2, Kind::Reminder, "ODD", "ODD"));
    let digest = digest_of(&[settled, reminder], 1).unwrap();
    assert_eq!(text(&digest), "P: Transitions of 99: 2 Reminder +1");
    let statuses = digest.statuses.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!((digest.severity, statuses), (Severity::Failure, vec!["ODD", "UPDATE_FAILED"]));
    let odd = |n: u64| Record::Account(notified(1, n, Kind::Unrecognised, "ODD", &format!("ODD_{n}")));
    let log: Vec<Record> = (0..101).map(odd).collect();
    assert_eq!(digest_of(&log, 1).unwrap().statuses.len(), 100);
}

#[test]
fn the_largest_causes_are_named_however_many_there_are() {
    let failed = |(n, text)| {
        let to = State { error_message: Some(text), ..state("CREATE_FAILED") };
        Record::Account(Transition { to: Some(to), ..notified(1, n, Kind::Failed, "ODD", "ODD") })
    };
    let small = (0..1200).map(|n| (n, format!("text{n}x")));
    // Taken first, and not again.
    let large = (1200..1202).map(|n| (n, "large".to_owned()));
    let log: Vec<Record> = small.chain(large).map(failed).collect();
    let section = &digest_of(&log, 9).unwrap().sections[0];
    assert_eq!((section.causes[0].accounts, section.causes.len(), section.more_causes), (2, 300, 901));
}

#[test]
fn a_life_of_a_pack_is_reported_as_its_end_or_its_baseline_or_what_happened_since() {
    let (begun, gone) = (
        |epoch, notified| pack(epoch, PackEvent::Baseline, notified),
        |epoch, notified| pack(epoch, PackEvent::PackDeleted, notified),
    );
    for (log, said) in [
        (vec![], ""),
        (vec![failed(3, 1)], "P: Transitions of 99: 1 Failed +0"),
        (vec![begun(3, true)], "P: Baseline of 30: +0"),
        (vec![begun(3, false)], ""),
        (vec![failed(3, 1), begun(3, false)], "P: Baseline of 30: 1 Failed +0"),
        (vec![gone(3, true)], "P: PackDeleted of 30: +0"),
        (vec![gone(3, false)], ""),
        (vec![failed(3, 1), gone(3, false)], "P: Transitions of 30: 1 Failed +0"),
        (vec![begun(2, true), failed(3, 1), gone(4, true)], "P: PackDeleted of 40: 1 Failed +0"),
        // One that came back.
        (
            vec![failed(2, 1), gone(2, true), recovered(3, 1), begun(3, true)],
            "P: PackDeleted of 20: 1 Failed +0; P: Baseline of 30: 1 Recovered +0",
        ),
    ] {
        let digest = digest_of(&log, 9);
        assert_eq!(digest.as_ref().map(text).unwrap_or_default(), said, "{log:?}");
        // A record of the pack that is reported has its own id.
        for notice in digest.iter().flat_map(|digest| &digest.packs) {
            let mut ids = log.iter().map(|record| record_id(&target("P"), "b", record));
            let is_of_log = notice.id.as_ref().map(|id| ids.any(|of_log| of_log == *id));
            assert_eq!(is_of_log, (notice.kind != NoticeType::Transitions).then_some(true), "{notice:?}");
        }
    }
}

#[test]
fn packs_share_a_digest_the_worst_first() {
    let targets = ["A", "B", "C", "D"].map(target);
    let baseline = |epoch| pack(epoch, PackEvent::Baseline, true);
    let silenced = Transition { notify: false, silenced: true, ..notified(9, 1, Kind::Failed, "-", "ODD") };
    let logs = [
        vec![recovered(1, 1), baseline(1)],
        vec![failed(2, 1), failed(2, 2)],
        vec![failed(3, 1), baseline(3)],
        vec![Record::Account(silenced)],
    ];
    let folds: Vec<_> = targets.iter().zip(&logs).map(|(target, log)| fold(target, 1, log)).collect();
    let mut folds: Vec<&Fold<'_>> = folds.iter().collect();
    let all = digest(&folds).unwrap();
    let said = "B: Transitions of 99: 1 Failed +1; C: Baseline of 30: 1 Failed +0; A: Baseline of 10: 1 Recovered +0";
    assert_eq!(text(&all), said, "nobody is notified of D");
    assert_eq!(counted(&all), "2 Baseline, 3 Failed, 1 Recovered");
    assert_eq!((all.severity, all.silenced, all.damped), (Severity::Failure, 1, 0));
    assert_eq!(all.observed_at, at(9));
    folds.reverse();
    assert_eq!(digest(&folds), Some(all), "in whatever order they come");
    assert_eq!(digest(&folds[..1]), None);
}

/// The id of each copy is the same, whoever sends it: another run, or another release.
#[test]
fn the_same_records_have_the_same_ids_in_every_release() {
    let log = [failed(1, 1), recovered(2, 2), pack(2, PackEvent::Baseline, true)];
    let ids = log.each_ref().map(|record| record_id(&target("P"), "b", record));
    assert_eq!(
        ids,
        [
            "cd47a57feaa6f7f98fd8460733cc30be",
            "422a04bb5666c15468ea317f5cd594a5",
            "9ad1c7c659ed4ea0b0dc146255773f9c"
        ]
    );
    let id = |log: &[Record], most| digest_of(log, most).unwrap().id;
    assert_eq!(id(&log, 9), "b8946b68dd8eb505ddaffa71b550ae65");
    assert_eq!(id(&log, 0), id(&log, 9), "however many are named");
    assert_ne!(id(&log[..2], 9), id(&log, 9));
    assert_ne!(id(&log[1..], 9), id(&log, 9));
}
