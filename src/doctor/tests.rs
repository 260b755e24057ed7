use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::finding::{Finding, Level};
use super::{access, runs, storage};
use crate::doctor::facts::{Answer, Clocks, Organization, Runs, Schedule, Unanswered};
use crate::model::Target;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

fn denied<T>() -> Answer<T> {
    Err(Unanswered::Denied { action: "service:Action", why: "no".to_owned() })
}

#[test]
fn a_clock_is_judged_on_both_sides() {
    let level = |seconds| access::clock(Clocks { here: at(seconds), aws: at(0) }).level;
    assert_eq!([level(0), level(29), level(-29)], [Level::Ok; 3]);
    assert_eq!([level(30), level(-239)], [Level::Warning; 2]);
    assert_eq!([level(240), level(-240)], [Level::Failed; 2]);
    assert!(access::clock(Clocks { here: at(-300), aws: at(0) }).message.starts_with("300 s behind"));
}

#[test]
fn what_aws_config_shows_decides_where_the_organization_is_not_to_be_asked() {
    let unknown =
        Organization { management: Ok("999999999999".to_owned()), for_packs: denied(), for_data: denied() };
    let regions = |packs: Answer<Vec<_>>| BTreeMap::from([("eu-west-1".parse().unwrap(), packs)]);
    let judge = |packs| access::organization("111111111111", &unknown, &regions(packs)).level;
    assert_eq!(judge(Ok(Vec::new())), Level::Warning, "a delegated administrator: it sees packs");
    let code = "OrganizationAccessDeniedException".to_owned();
    assert_eq!(judge(Err(Unanswered::Refused { code, message: String::new() })), Level::Failed);
    assert_eq!(judge(denied()), Level::NotChecked);
}

#[test]
fn a_region_that_is_denied_alone_is_denied_on_purpose() {
    let region = |name: &str| name.parse().unwrap();
    let filter = Default::default();
    let levels = |regions: &access::Regions| -> Vec<Level> {
        access::regions(regions, &filter).iter().map(|finding| finding.level).collect()
    };
    let alone = BTreeMap::from([(region("eu-west-1"), denied())]);
    assert_eq!(levels(&alone), [Level::NotChecked]);
    let beside = BTreeMap::from([
        (region("eu-west-1"), denied()),
        (region("us-east-1"), Ok(vec!["Pack".parse().unwrap()])),
    ]);
    assert_eq!(levels(&beside), [Level::Failed, Level::Ok]);
}

#[test]
fn the_last_success_is_judged_by_the_interval() {
    let ran = |all, failed| Runs { minute: at(0), all, failed };
    let judge = |runs: Vec<Runs>, interval, now| runs::last_run(&Ok(runs), interval, "/log", at(now)).level;
    let every_five = Some(minutes(5));
    assert_eq!(judge(vec![ran(1, 0)], every_five, 1080), Level::Ok, "three intervals, and late metrics");
    assert_eq!(judge(vec![ran(1, 0)], every_five, 1081), Level::Failed);
    assert_eq!(judge(vec![ran(1, 0)], None, 80_000), Level::Ok, "nobody says how often it should run");
    assert_eq!(judge(vec![ran(2, 2)], every_five, 60), Level::Failed);
    let newest_failed = vec![ran(1, 0), Runs { minute: at(60), all: 1, failed: 1 }];
    assert_eq!(judge(newest_failed, every_five, 120), Level::Warning);
    assert_eq!(judge(Vec::new(), every_five, 0), Level::Failed);
}

#[test]
fn only_schedules_that_are_on_start_anything() {
    let schedule = |expression: &str, is_enabled, ends: Option<i64>| Schedule {
        name: "s".to_owned(),
        expression: expression.to_owned(),
        is_enabled,
        ends: ends.map(at),
    };
    let interval = |expression| runs::interval(&Ok(vec![schedule(expression, true, None)]), at(0));
    let every = ["rate(1 minute)", "rate(5 minutes)", "rate(2 days)", "rate(soon)", "cron(0/5 * * * ? *)"];
    assert_eq!(every.map(interval), [Some(minutes(1)), Some(minutes(5)), Some(minutes(2880)), None, None]);
    let judge = |schedules: Vec<Schedule>, runs: Answer<Vec<Runs>>| {
        let findings = runs::schedules(&Ok(schedules), &runs, at(0));
        findings.into_iter().map(|finding| finding.level).collect::<Vec<_>>()
    };
    let (fast_off, slow) = (schedule("rate(1 minute)", false, None), schedule("rate(1 hour)", true, Some(1)));
    let both = vec![fast_off.clone(), slow];
    assert_eq!(runs::interval(&Ok(both.clone()), at(0)), Some(minutes(60)));
    assert_eq!(runs::interval(&Ok(both.clone()), at(1)), None);
    assert_eq!(judge(both, Ok(Vec::new())), [Level::Warning, Level::Ok]);
    assert_eq!(judge(vec![fast_off], Ok(Vec::new())), [Level::Failed]);
    assert_eq!(judge(vec![schedule("cron(0 * * * ? *)", true, Some(0))], Ok(Vec::new())), [Level::Failed]);
    assert_eq!(judge(Vec::new(), Ok(Vec::new())), [Level::Failed]);
    assert_eq!(judge(Vec::new(), denied()), [Level::Failed]);
    assert_eq!(judge(Vec::new(), Ok(vec![Runs { minute: at(0), all: 1, failed: 0 }])), [Level::Warning]);
}

#[test]
fn what_waits_longer_than_two_runs_and_for_news_is_stuck() {
    let target = Target { region: "eu-west-1".parse().unwrap(), pack: "Pack".parse().unwrap() };
    let judge = |since: Option<i64>, now| {
        let lagging = since.iter().map(|since| (target.clone(), Some(at(*since))));
        let lagging = lagging.chain([(target.clone(), since.and(Some(at(0))))]).collect();
        storage::undispatched(&Ok(lagging), Some(minutes(5)), minutes(30), at(now))
    };
    assert_eq!(judge(Some(0), 2400).level, Level::Ok);
    assert_eq!(judge(Some(-100), 2301).level, Level::Failed, "the oldest of both");
    assert_eq!(judge(None, 2400).level, Level::Warning);
}

#[test]
fn a_finding_is_one_harmless_line() {
    let finding = Finding::failed("table a\nb", "\u{1b}[31mred\u{202e}").remedy("do\nthis");
    assert_eq!(finding.to_string(), "table a b: [31mred. do this");
}

#[test]
fn what_is_rejected_for_its_time_is_a_matter_of_the_clock() {
    let message = "Signature expired: 20261128T210000Z is now earlier".to_owned();
    let refused = Unanswered::Refused { code: "SignatureDoesNotMatch".to_owned(), message };
    for finding in [Finding::unanswered("topic t", &refused), access::account(&Err(refused))] {
        assert!(finding.remedy.as_ref().is_some_and(|remedy| remedy.contains("NTP")), "{finding}");
    }
}
