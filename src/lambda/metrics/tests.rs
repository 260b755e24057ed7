use serde_json::{Value as Json, json};

use super::*;
use crate::model::{Status, Target};

fn target(pack: &str, outcome: Outcome, statuses: &[(&str, u64)]) -> TargetReport {
    let target = Target { region: "eu-west-1".parse().unwrap(), pack: pack.parse().unwrap() };
    let counts = statuses.iter().map(|(status, accounts)| (Status::new(status), *accounts));
    let (statuses, accounts) = (Some(counts.collect()), statuses.iter().map(|(_, accounts)| accounts).sum());
    let read = TargetReport::of(&target);
    let read = TargetReport { statuses, accounts, pages: 2, transitions: 1, scan: Some(Scan::Quick), ..read };
    read.ended(outcome, None)
}

fn directive(dimensions: &[&str], metrics: &[(&str, &str)]) -> Json {
    let metrics: Vec<_> = metrics.iter().map(|(name, unit)| json!({"Name": name, "Unit": unit})).collect();
    json!({"Timestamp": 1_794_996_000_250_u64, "CloudWatchMetrics": [
        {"Namespace": "packwatch", "Dimensions": [dimensions], "Metrics": metrics},
    ]})
}

fn written(measured: &Measured<'_>) -> Json {
    let lines = String::from_utf8(lines(measured).unwrap()).unwrap();
    lines.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()).collect()
}

#[test]
fn a_run_and_its_packs() {
    let mut context = Context::default();
    context.request_id = "00000000-0000-4000-9000-000000000001".to_owned();
    context.xray_trace_id = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0".to_owned());
    let config = lambda_runtime::Config { function_name: "packwatch".to_owned(), ..Default::default() };
    context.env_config = config.into();
    let statuses = [
        ("CREATE_FAILED", 2),
        ("UPDATE_FAILED", 1),
        ("UPDATE_IN_PROGRESS", 4),
        ("CREATE_SUCCESSFUL", 90),
        ("NEW_STATUS", 3),
    ];
    let targets = vec![
        target("Security-Baseline", Outcome::Changed, &statuses),
        target("Gone", Outcome::Deleted, &[]),
        // What was not finished has no accounts to tell of.
        target("Broken", Outcome::Incomplete, &statuses),
        target("Late", Outcome::Deferred, &statuses),
    ];
    let report = Report {
        answer: Answer::new(targets, 1, None),
        preview: None,
        may_lag: true,
        minimal: 6,
        oldest_full_scan: Some(Duration::from_secs(3600)),
    };
    let mut measured = Measured {
        context: &context,
        at: "2026-11-18T10:00:00.25Z".parse().unwrap(),
        took: Duration::from_micros(1_234_567),
        report: Some(&report),
        throttles: BTreeMap::from([("eu-west-1".parse().unwrap(), 7), ("us-east-1".parse().unwrap(), 2)]),
        oldest_undispatched: Some(Duration::from_millis(90_500)),
        packs: true,
    };
    let of_line = json!({
        "level": "INFO", "timestamp": "2026-11-18T10:00:00.25Z", "requestId": context.request_id,
        "xrayTraceId": context.xray_trace_id, "FunctionName": "packwatch",
    });
    let expected = |fields: Json| {
        let (Json::Object(mut all), Json::Object(fields)) = (of_line.clone(), fields) else { panic!() };
        all.extend(fields);
        Json::Object(all)
    };
    let of_pack = directive(&["FunctionName", "Region", "Pack"], &[("AccountsFailed", "Count")]);
    let pack = |name: &str, outcome: &str, [failed, in_progress, successful, unrecognised]: [u64; 4]| {
        expected(json!({
            "_aws": of_pack, "message": "pack measured", "Region": "eu-west-1", "Pack": name, "Outcome": outcome,
            "Scan": "Quick", "AccountsFailed": failed, "AccountsInProgress": in_progress,
            "AccountsSuccessful": successful, "AccountsUnrecognised": unrecognised, "Pages": 2, "Transitions": 1,
        }))
    };
    let packs = [pack("Gone", "Deleted", [0; 4]), pack("Security-Baseline", "Changed", [3, 4, 90, 3])];
    let of_alarms =
        [("TargetsDeferred", "Count"), ("OldestUndispatched", "Seconds"), ("OldestFullScan", "Seconds")];
    let of_run =
        ["Failed", "TargetsDone", "TargetsFailed", "Accounts", "Pages", "Transitions", "Notifications"];
    let of_run = [&of_run[..], &["Throttles"]].concat().into_iter().map(|name| (name, "Count"));
    let of_run: Vec<_> = of_alarms.into_iter().chain(of_run).chain([("Duration", "Milliseconds")]).collect();
    let run = |metrics: &[(&str, &str)]| {
        expected(json!({
            "_aws": directive(&["FunctionName"], metrics), "message": "run measured", "TargetsDeferred": 1,
            "OldestUndispatched": 90, "OldestFullScan": 3600, "Failed": 1, "TargetsDone": 2, "TargetsFailed": 1,
            "Accounts": 300, "Pages": 8, "Transitions": 4, "Notifications": 1, "Throttles": 9, "Duration": 1234,
            "Unchanged": 0, "Changed": 1, "Baseline": 0, "Deleted": 1, "Deferred": 1, "Superseded": 0, "Incomplete": 1,
            "Denied": 0, "QuickScans": 4, "FullScans": 0, "MessagesMinimal": 6,
            "ThrottledRegions": "eu-west-1: 7, us-east-1: 2",
        }))
    };
    assert_eq!(written(&measured), json!([&packs[0], &packs[1], &run(&of_run)]));
    measured.packs = false;
    assert_eq!(written(&measured), json!([run(&of_alarms)]));
}
