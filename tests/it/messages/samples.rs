//! What there may be to tell, made as a run makes it.

use jiff::Timestamp;
use packwatch::model::{AccountId, Kind, Status, Target};
use packwatch::notify::{Fold, HistoryPlace, Notification};
use packwatch::state::log::{Notice, PackEvent, Record};
use packwatch::state::{State, Transition};

/// The id of every history.
pub(crate) const HISTORY: &str = "0123456789abcdef";

pub(crate) const NOW: &str = "2026-11-18T10:00:00Z";

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

pub(crate) fn account(n: u64) -> AccountId {
    format!("{:012}", 111_122_220_000 + n).parse().unwrap()
}

pub(crate) fn target(region: &str, pack: &str) -> Target {
    Target { region: region.parse().unwrap(), pack: pack.parse().unwrap() }
}

pub(crate) fn here(pack: &str) -> Target {
    target("eu-west-1", pack)
}

pub(crate) fn state(status: &str, since: &str) -> State {
    State {
        status: Status::new(status),
        error_code: None,
        error_message: None,
        last_update: Some(at(since)),
        stuck: false,
        reminder: 0,
        silenced: false,
    }
}

pub(crate) fn failed(code: &str, message: &str, since: &str) -> State {
    State {
        error_code: Some(code.to_owned()),
        error_message: Some(message.to_owned()),
        ..state("CREATE_FAILED", since)
    }
}

pub(crate) fn no_recorder(since: &str) -> State {
    failed("NoAvailableConfigurationRecorder", "Config Recorder is not available in the account.", since)
}

pub(crate) fn transition(n: u64, kind: Kind, from: Option<State>, to: Option<State>) -> Transition {
    let failing_since = match kind {
        Kind::Failed | Kind::Reminder => to.as_ref().and_then(|to| to.last_update),
        _ => None,
    };
    Transition {
        account: account(n),
        epoch: 7,
        kind,
        from,
        to,
        failing_since,
        observed_at: at(NOW),
        silenced: false,
        flapping: None,
        damped: false,
        incident_id: None,
        baseline: false,
        notify: true,
    }
}

pub(crate) fn failure(n: u64, to: State) -> Transition {
    let from = state("CREATE_IN_PROGRESS", "2026-11-18T09:00:00Z");
    transition(n, Kind::Failed, Some(from), Some(to))
}

pub(crate) fn recovery(n: u64, since: &str) -> Transition {
    let to = state("UPDATE_SUCCESSFUL", "2026-11-18T09:56:00Z");
    let mut recovery = transition(n, Kind::Recovered, Some(no_recorder(since)), Some(to));
    recovery.failing_since = Some(at(since));
    recovery
}

/// What a digest has to report about one target.
pub(crate) struct News {
    pub(crate) target: Target,
    /// How many accounts are failed now, and how many are not.
    pub(crate) failed: u64,
    pub(crate) healthy: u64,
    /// In the order of the log.
    pub(crate) records: Vec<Record>,
}

/// The record of a pack.
pub(crate) fn notice(event: PackEvent, accounts: u64) -> Record {
    let observed_at = at(NOW);
    Record::Pack(Notice { event, epoch: 7, accounts, created_again: false, observed_at, notify: true })
}

pub(crate) fn changed(target: Target, accounts: u64, transitions: Vec<Transition>) -> News {
    let failed =
        transitions.iter().filter(|t| t.notify && t.to.as_ref().is_some_and(has_failed)).count() as u64;
    let records = transitions.into_iter().map(Record::Account).collect();
    News { target, failed, healthy: accounts.saturating_sub(failed), records }
}

fn has_failed(state: &State) -> bool {
    state.health() == packwatch::state::Health::Failed
}

pub(crate) fn baseline(target: Target, accounts: u64, failing: Vec<(AccountId, State)>) -> News {
    let failed = failing.len() as u64;
    let found = failing.into_iter().map(|(account, to)| Transition {
        account,
        failing_since: to.last_update,
        baseline: true,
        ..transition(0, Kind::Failed, None, Some(to))
    });
    let records = found.map(Record::Account).chain([notice(PackEvent::Baseline, accounts)]).collect();
    News { target, failed, healthy: accounts.saturating_sub(failed), records }
}

pub(crate) fn deleted(target: Target, accounts: u64) -> News {
    News { target, failed: 0, healthy: accounts, records: vec![notice(PackEvent::PackDeleted, accounts)] }
}

/// The digest of news.
pub(crate) fn notified(news: &[News]) -> Notification {
    let mut folds = Vec::new();
    for News { target, failed, healthy, records } in news {
        let accounts = [("CREATE_FAILED", *failed), ("CREATE_SUCCESSFUL", *healthy)];
        let accounts = accounts.map(|(status, n)| (Status::new(status), n)).into();
        let mut fold = Fold::new(target, HISTORY, &accounts, 10_000);
        records.iter().rev().for_each(|record| fold.add(record));
        folds.push(fold);
    }
    let place = HistoryPlace {
        table: Some("packwatch".to_owned()),
        table_region: Some("eu-west-1".to_owned()),
        store: None,
    };
    let digest = packwatch::notify::digest(&folds.iter().collect::<Vec<_>>(), place, "UTC");
    digest.expect("something to tell")
}

pub(crate) fn named(mut notification: Notification, names: &[(u64, &str)]) -> Notification {
    for transition in notification.packs.iter_mut().flat_map(|pack| &mut pack.transitions) {
        let name = names.iter().find(|(n, _)| account(*n) == transition.account_id);
        transition.account_name = name.map(|(_, name)| (*name).to_owned());
    }
    notification
}

/// Twelve packs of 1,500 accounts in two regions, seen for the first time: three in a hundred fail, for five
/// causes. AWS puts ids into its messages.
pub(crate) fn large_baseline() -> Vec<News> {
    let failing = |pack: u64| {
        (0..1500).filter(move |n| (n * 7 + pack * 13).is_multiple_of(33)).map(move |n| {
            let id = account(n);
            let (code, message) = match (n * 11 + pack) % 20 {
                0..10 => (
                    "NoAvailableConfigurationRecorderException",
                    format!("There is no customer managed configuration recorder in {id}."),
                ),
                10..14 => (
                    "AccessDenied",
                    format!(
                        "User: arn:aws:sts::{id}:assumed-role/AWSServiceRoleForConfigConforms/\
                         AwsConfigConformsWorkflow is not authorized to perform: config:PutConfigRule with \
                         an explicit deny in a service control policy (Request ID: {n:08x}-1b2c-4d5e-8f90-\
                         a1b2c3d4e5f6)"
                    ),
                ),
                14..17 => (
                    "MaxNumberOfConfigRulesExceededException",
                    "Failed to add the AWS Config rule because the account already contains the maximum \
                     number of 1000 rules."
                        .to_owned(),
                ),
                17..19 => ("AccessDenied", format!("Template error in s3://templates/{n}.yaml")),
                _ => ("InternalError", "An internal error has occurred.".to_owned()),
            };
            let since = format!("2026-11-{:02}T{:02}:00:00Z", 1 + n % 17, n % 24);
            (id, failed(code, &message, &since))
        })
    };
    let packs = 0..12;
    let region = |pack| if pack % 3 == 0 { "us-east-1" } else { "eu-west-1" };
    let baseline = |pack| {
        let target = target(region(pack), &format!("Operational-Best-Practices-{pack:02}"));
        baseline(target, 1500, failing(pack).collect())
    };
    packs.map(baseline).collect()
}

/// The cases, each with the name of its snapshots.
pub(crate) fn cases() -> Vec<(&'static str, Notification)> {
    let pack = || here("Security-Baseline");
    let one = changed(pack(), 250, vec![failure(1, no_recorder("2026-11-18T09:12:44Z"))]);
    let mut many: Vec<Transition> = (1..=27)
        .map(|n| failure(n, no_recorder(&format!("2026-11-18T09:{:02}:00Z", n + 10))))
        .chain((28..=30).map(|n| failure(n, failed("AccessDenied", "explicit deny", "2026-11-18T08:00:00Z"))))
        .collect();
    many.push(recovery(31, "2026-11-15T05:30:00Z"));
    many.push(transition(32, Kind::Stuck, None, Some(state("UPDATE_IN_PROGRESS", "2026-11-18T06:40:00Z"))));
    many.push(transition(33, Kind::Joined, None, Some(state("CREATE_IN_PROGRESS", "2026-11-18T09:58:00Z"))));
    many.push(transition(34, Kind::Left, Some(state("CREATE_SUCCESSFUL", NOW)), None));
    let progress = (0..10_000).map(|n| {
        let before = state("CREATE_SUCCESSFUL", "2026-10-01T00:00:00Z");
        transition(n, Kind::InProgress, Some(before), Some(state("UPDATE_IN_PROGRESS", NOW)))
    });
    let failing = vec![(account(1), no_recorder("2026-11-17T08:00:00Z"))];
    let gone = deleted(pack(), 250);
    let regions = ["us-gov-west-1", "cn-north-1", "eu-west-1"]
        .map(|region| changed(target(region, "Security-Baseline"), 9, vec![failure(1, no_recorder(NOW))]));
    let hostile = failed(
        "Code<!channel>\u{202E}`",
        "*bold* <https://evil.example|click> <!here> `x`\r\nBcc: all@example.com\u{7}\u{200B} & \"q\"",
        "2026-11-18T09:00:00Z",
    );
    let mut still = failure(2, failed("InternalError", "Internal failure", "2026-11-15T05:30:00Z"));
    still.kind = Kind::Reminder;
    still.from = still.to.clone();
    let fifty = (0..50).map(|n| {
        let pack = here(&format!("Operational-Best-Practices-{n:02}"));
        let mut transitions = vec![failure(1, no_recorder("2026-11-18T09:12:44Z"))];
        if n < 3 {
            transitions.push(failure(n + 5, failed("AccessDenied", "explicit deny", "2026-11-18T08:00:00Z")));
        }
        changed(pack, 250, transitions)
    });
    let joins = (0..20).map(|n| {
        let joined = transition(9, Kind::Joined, None, Some(state("CREATE_IN_PROGRESS", NOW)));
        changed(here(&format!("Pack-{n:02}")), 251, vec![joined])
    });
    let mut flapping = failure(1, no_recorder("2026-11-18T09:55:00Z"));
    flapping.flapping = Some(7);
    let ok = state("UPDATE_SUCCESSFUL", "2026-11-18T08:55:00Z");
    let settled = transition(2, Kind::Settled, Some(ok.clone()), Some(ok));
    let mut unsilenced = failure(3, no_recorder("2026-11-11T10:00:00Z"));
    unsilenced.from = unsilenced.to.clone().map(|to| State { silenced: true, ..to });
    let mut silenced = failure(4, no_recorder(NOW));
    (silenced.silenced, silenced.notify) = (true, false);
    let mut damped = failure(5, no_recorder(NOW));
    (damped.damped, damped.notify) = (true, false);
    let left_out = vec![flapping, settled, unsilenced, silenced.clone(), silenced, damped];
    let mut left_out = notified(&[changed(pack(), 250, left_out)]);
    for notice in &mut left_out.packs[0].transitions {
        notice.account_name = Some("legacy".to_owned());
        notice.account_state = Some("PENDING_CLOSURE".to_owned());
    }
    vec![
        ("flapping_and_silences", left_out),
        ("one_failure", named(notified(&[one]), &[(1, "payments-prod")])),
        (
            "recovery",
            named(
                notified(&[changed(pack(), 250, vec![recovery(1, "2026-11-15T05:30:00Z")])]),
                &[(1, "payments-prod")],
            ),
        ),
        (
            "many_failures",
            named(notified(&[changed(pack(), 9973, many)]), &[(28, "payments-prod"), (1, "sandbox-17")]),
        ),
        ("in_progress", notified(&[changed(pack(), 10_000, progress.collect())])),
        ("baseline", notified(&[baseline(pack(), 250, failing), baseline(here("CIS"), 250, Vec::new())])),
        ("pack_deleted", notified(&[gone])),
        ("reminder", notified(&[changed(pack(), 250, vec![still])])),
        ("several_regions", notified(&regions)),
        (
            "hostile_text",
            named(
                notified(&[changed(pack(), 1, vec![failure(1, hostile)])]),
                &[(1, "<!everyone> \u{202E}evil\n*x*")],
            ),
        ),
        (
            "right_to_left_names",
            named(
                notified(&[changed(
                    pack(),
                    1,
                    vec![failure(1, no_recorder(NOW)), failure(2, no_recorder(NOW))],
                )]),
                &[(1, "حساب المدفوعات"), (2, "חשבון 7")],
            ),
        ),
        ("large_baseline", notified(&large_baseline())),
        ("fifty_packs", notified(&fifty.collect::<Vec<_>>())),
        ("one_account_joins_twenty_packs", notified(&joins.collect::<Vec<_>>())),
    ]
}
