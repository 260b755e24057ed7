use jsonschema::Validator;
use serde_json::{Value, json};

use super::*;
use crate::model::Status;
use crate::model::Target;
use crate::state::head::Counts;

/// The schema of the specification, and what the specification says in words only.
fn assert_is_emf(document: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../../tests/emf.schema.json")).unwrap();
    let schema: Validator = jsonschema::validator_for(&schema).unwrap();
    if let Err(error) = schema.validate(document) {
        panic!("{error}: {document}");
    }
    for directive in document["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        let dimensions =
            directive["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap());
        for dimension in dimensions {
            let value = document[dimension.as_str().unwrap()].as_str().expect("a dimension is a text");
            assert!((1..=1024).contains(&value.len()), "{dimension} {value:?}");
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(document[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
    }
}

fn target(pack: &str, outcome: Outcome, statuses: &[(&str, u64)]) -> TargetReport {
    let counts: Counts = statuses.iter().map(|(status, accounts)| (Status::new(status), *accounts)).collect();
    let mut report =
        TargetReport::of(&Target { region: "eu-west-1".parse().unwrap(), pack: pack.parse().unwrap() });
    (report.accounts, report.pages, report.transitions) = (counts.values().sum(), 2, 1);
    report.statuses = Some(counts);
    report.scan = Some(Scan::Quick);
    report.ended(outcome, None)
}

fn measured<'a>(context: &'a Context, answer: Option<&'a Answer>) -> Measured<'a> {
    Measured {
        context,
        at: "2026-11-18T10:00:00.25Z".parse().unwrap(),
        took: Duration::from_micros(1_234_567),
        failed: false,
        answer,
        minimal: 0,
        throttles: BTreeMap::new(),
        oldest_undispatched: Some(Duration::ZERO),
        oldest_full_scan: None,
        packs: true,
    }
}

fn context() -> Context {
    let mut context = Context::default();
    context.request_id = "00000000-0000-4000-9000-000000000001".to_owned();
    context.xray_trace_id = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0".to_owned());
    let config = lambda_runtime::Config { function_name: "packwatch".to_owned(), ..Default::default() };
    context.env_config = config.into();
    context
}

fn documents_of(measured: &Measured<'_>) -> Vec<Value> {
    let lines = String::from_utf8(documents(measured).unwrap()).unwrap();
    let documents: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    documents.iter().for_each(assert_is_emf);
    documents
}

/// The metrics of a document, and not its other numbers.
fn metrics(document: &Value) -> BTreeMap<&str, u64> {
    let metrics = document["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
    let names = metrics.iter().map(|metric| metric["Name"].as_str().unwrap());
    names.map(|name| (name, document[name].as_u64().unwrap())).collect()
}

#[test]
fn a_run_and_its_packs() {
    let context = context();
    let statuses = [
        ("CREATE_FAILED", 2),
        ("UPDATE_FAILED", 1),
        ("UPDATE_IN_PROGRESS", 4),
        ("CREATE_SUCCESSFUL", 90),
        ("NEW_STATUS", 3),
    ];
    let targets = vec![
        target("Security-Baseline", Outcome::Changed, &statuses),
        target("Quiet", Outcome::Unchanged, &[("CREATE_SUCCESSFUL", 50)]),
        target("Gone", Outcome::Deleted, &[]),
        target("Broken", Outcome::Incomplete, &statuses),
        target("Late", Outcome::Deferred, &statuses),
    ];
    let answer = Answer::new(targets, 1, None);
    let mut measured = measured(&context, Some(&answer));
    measured.failed = true;
    measured.minimal = 6;
    measured.throttles =
        BTreeMap::from([("eu-west-1".parse().unwrap(), 7), ("us-east-1".parse().unwrap(), 2)]);
    measured.oldest_undispatched = Some(Duration::from_millis(90_500));
    measured.oldest_full_scan = Some(Duration::from_secs(3600));
    let documents = documents_of(&measured);

    let (run, of_packs) = documents.split_last().unwrap();
    assert_eq!(run["_aws"]["CloudWatchMetrics"][0]["Namespace"], "packwatch");
    assert_eq!(run["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["FunctionName"]]));
    assert_eq!(run["_aws"]["Timestamp"], 1_794_996_000_250_u64);
    let expected = [
        ("Accounts", 350),
        ("Duration", 1234),
        ("Failed", 1),
        ("Notifications", 1),
        ("OldestUndispatched", 90),
        ("OldestFullScan", 3600),
        ("Pages", 10),
        ("TargetsDeferred", 1),
        ("TargetsDone", 3),
        ("TargetsFailed", 1),
        ("Throttles", 9),
        ("Transitions", 5),
    ];
    assert_eq!(metrics(run), BTreeMap::from(expected));
    assert_eq!((&run["Incomplete"], &run["Denied"], &run["Changed"]), (&json!(1), &json!(0), &json!(1)));
    assert_eq!(run["MessagesMinimal"], 6);
    assert_eq!(run["ThrottledRegions"], "eu-west-1: 7, us-east-1: 2");
    assert_eq!(run["requestId"], context.request_id);
    assert_eq!(run["xrayTraceId"], context.xray_trace_id.clone().unwrap());
    assert_eq!((&run["level"], &run["timestamp"]), (&json!("INFO"), &json!("2026-11-18T10:00:00.25Z")));

    // What was not finished has no accounts to tell of; a pack that is gone has none left.
    let packs: Vec<_> = of_packs.iter().map(|pack| (pack["Pack"].as_str().unwrap(), metrics(pack))).collect();
    let failed = |accounts| BTreeMap::from([("AccountsFailed", accounts)]);
    let expected = [("Gone", failed(0)), ("Quiet", failed(0)), ("Security-Baseline", failed(3))];
    assert_eq!(packs, expected);
    let pack = of_packs.last().unwrap();
    assert_eq!(
        pack["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
        json!([["FunctionName", "Region", "Pack"]])
    );
    let others = ["AccountsInProgress", "AccountsSuccessful", "AccountsUnrecognised"].map(|name| &pack[name]);
    assert_eq!(others, [4, 90, 3]);
    assert_eq!((&pack["Region"], &pack["Outcome"]), (&json!("eu-west-1"), &json!("Changed")));
    assert_eq!(pack["Scan"], "Quick");
}
