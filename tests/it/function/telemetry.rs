//! What the built function writes to its log: lines as `docs/logging.md` says, metrics as the template wants them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::docs::text;
use crate::function::stage::{EVENTS, PACK, REGION, Stage, scheduled};
use crate::world::packs::account;

/// A text that AWS Config sends and packwatch tells people, and that no log line may hold.
const SECRET: &str = "xyzzy said the template of account";

const PACK_METRICS: (&str, &str) = ("PACKWATCH_PACK_METRICS", "on");

impl Stage {
    /// Invokes the function and gives the lines that it wrote, each of which is held to the documentation.
    async fn lines(&self, event: Value) -> Vec<Value> {
        let before = self.lambda.logs().len();
        // The last line is written before the answer is given; the pipe may be a little behind.
        let last = if self.invoke(event).await.is_ok() { "run measured" } else { "error_type" };
        for _ in 0..500 {
            let lines = self.lambda.logs();
            if lines[before..].iter().any(|line| line.contains(last)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let lines = self.lambda.logs();
        lines[before..].iter().map(|line| checked(line)).collect()
    }

    async fn lines_of_run(&self) -> Vec<Value> {
        self.lines(scheduled()).await
    }
}

/// A line, if it is what the documentation says.
fn checked(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    let documented = documented();
    let fields = value.as_object().unwrap().keys().filter(|field| *field != "_aws");
    let unknown: Vec<_> = fields.filter(|field| !documented.contains(field.as_str())).collect();
    assert!(unknown.is_empty(), "docs/logging.md has no {unknown:?}: {line}");
    let ids = if value.get("_aws").is_some() { &value } else { &value["span"] };
    assert!(ids["requestId"].as_str().is_some_and(|id| id.starts_with("00000000-")), "whose is {line}");
    assert!(ids["xrayTraceId"].as_str().is_some_and(|id| id.starts_with("Root=1-")), "whose is {line}");
    assert!(value["timestamp"].is_string() && value["level"].is_string(), "{line}");
    assert!(line.matches(r#""target":"#).count() <= 1, "two of one name: {line}");
    assert!(!line.contains(SECRET), "a body: {line}");
    if value.get("_aws").is_some() {
        assert_is_emf(&value);
    }
    value
}

/// The schema of the embedded metric format, and what its specification says in words only.
fn assert_is_emf(document: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../emf.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
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

/// Every word between back quotes in the first column of a table of `docs/logging.md`.
fn documented() -> BTreeSet<String> {
    let document = text("docs/logging.md");
    let first =
        document.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next().map(str::to_owned));
    first.flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The metrics that the lines hold: dimensions → metric → value of the last line.
fn metrics(lines: &[Value]) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut metrics: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.get("_aws").is_some()) {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "packwatch");
        let dimensions: Vec<&str> =
            directive["Dimensions"][0].as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect();
        for metric in directive["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            let value = line[name].as_u64().unwrap();
            metrics.entry(dimensions.join(",")).or_default().insert(name.to_owned(), value);
        }
    }
    metrics
}

fn of_run(lines: &[Value], name: &str) -> Option<u64> {
    metrics(lines)["FunctionName"].get(name).copied()
}

fn of_pack(lines: &[Value]) -> u64 {
    metrics(lines)["FunctionName,Region,Pack"]["AccountsFailed"]
}

fn level(lines: &[Value], level: &str) -> usize {
    lines.iter().filter(|line| line["level"] == level && line.get("_aws").is_none()).count()
}

#[tokio::test]
async fn every_line_is_documented_and_says_whose_it_is() {
    let stage = Stage::with(&[PACK_METRICS]).await;
    let world = &stage.world;
    world.add_pack(REGION, PACK, 30);
    world.fail(REGION, PACK, &account(1), "CREATE_FAILED", "SomeCode", SECRET);

    let lines = stage.lines_of_run().await;
    assert_eq!((of_run(&lines, "Failed"), of_run(&lines, "TargetsDone")), (Some(0), Some(1)));
    assert_eq!((of_run(&lines, "Accounts"), of_run(&lines, "Notifications")), (Some(30), Some(1)));
    assert_eq!(of_pack(&lines), 1, "from what was compared");

    // Two more changes, and then a quiet run, which knows the accounts from the head.
    world.fail(REGION, PACK, &account(2), "UPDATE_FAILED", "SomeCode", SECRET);
    world.set_status(REGION, PACK, &account(3), "UPDATE_IN_PROGRESS");
    let changed = stage.lines_of_run().await;
    stage.dynamo.reset_requests();
    let quiet = stage.lines_of_run().await;
    assert_eq!((of_pack(&changed), of_pack(&quiet)), (2, 2));
    assert_eq!((of_run(&changed, "Transitions"), of_run(&quiet, "Transitions")), (Some(2), Some(0)));
    assert_eq!(of_run(&quiet, "OldestUndispatched"), Some(0));
    let fields = |message: &str, names: [&str; 4]| {
        let line = changed.iter().find(|line| line["message"] == message).unwrap();
        names.map(|name| line[name].clone())
    };
    let of_pack_line = ["Outcome", "Scan", "AccountsInProgress", "AccountsSuccessful"];
    assert_eq!(json!(fields("pack measured", of_pack_line)), json!(["Changed", "Full", 1, 27]));
    let of_run_line = ["Changed", "Unchanged", "FullScans", "QuickScans"];
    assert_eq!(json!(fields("run measured", of_run_line)), json!([1, 0, 1, 0]));
    let requests: Vec<_> = stage.dynamo.counts().into_iter().collect();
    assert_eq!(requests, [("Query".to_owned(), 1)], "measuring a quiet run costs nothing");

    // A pack that is gone has no accounts any more.
    world.delete_pack(REGION, PACK);
    assert_eq!(of_pack(&stage.lines_of_run().await), 0);

    // A warning about a pack names it as every line does.
    world.add_pack(REGION, "Large", 2_000);
    stage.lines_of_run().await;
    world.filter_violates(1);
    let lines = stage.lines_of_run().await;
    let warning = lines.iter().find(|line| line["level"] == "WARN").expect("a filter that does not hold");
    assert_eq!([&warning["region"], &warning["pack"]], [REGION, "Large"]);

    // An event that nobody understands: one error, and metrics all the same.
    let lines = stage.lines(json!({"Hello": SECRET.len()})).await;
    assert_eq!((of_run(&lines, "Failed"), of_run(&lines, "OldestUndispatched")), (Some(1), None));
    assert_eq!((level(&lines, "ERROR"), level(&lines, "WARN")), (1, 0));
}

#[tokio::test]
async fn by_default_there_are_no_metrics_but_those_of_the_alarms() {
    let stage = Stage::with(&[]).await;
    stage.world.add_pack(REGION, PACK, 3);
    let lines = stage.lines_of_run().await;
    let metrics = metrics(&lines);
    assert_eq!(metrics.len(), 1, "no metrics of packs: {lines:?}");
    let names: Vec<_> = metrics["FunctionName"].keys().map(String::as_str).collect();
    assert_eq!(names, ["OldestUndispatched", "TargetsDeferred"]);
    let run = lines.iter().find(|line| line["message"] == "run measured").unwrap();
    assert_eq!((&run["TargetsDone"], &run["Accounts"], &run["Failed"]), (&json!(1), &json!(3), &json!(0)));
}

#[tokio::test]
async fn a_failure_is_logged_once_for_each_target_and_once_for_the_invocation() {
    let stage = Stage::with(&[PACK_METRICS]).await;
    let world = &stage.world;
    world.add_pack(REGION, PACK, 3);
    stage.lines_of_run().await;

    // What is recorded and not dispatched lags from now on.
    world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "SomeCode", SECRET);
    world.refuse_topic(EVENTS);
    let refused = stage.lines_of_run().await;
    assert_eq!((of_run(&refused, "Failed"), of_run(&refused, "TargetsFailed")), (Some(1), Some(1)));
    assert_eq!((level(&refused, "WARN"), level(&refused, "ERROR")), (1, 1), "{refused:?}");

    // Nobody may even read the pack: how old the debt is is still known.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    world.deny(REGION);
    let denied = stage.lines_of_run().await;
    let age = of_run(&denied, "OldestUndispatched").unwrap();
    assert!((1..60).contains(&age), "{age} s");
    assert_eq!(
        (level(&denied, "WARN"), level(&denied, "ERROR")),
        (2, 1),
        "the region, and the topic: {denied:?}"
    );

    // Mended, the debt is paid; the throttled calls are counted once.
    world.allow(REGION).throttle_next(REGION, 2).heal_sns();
    let mended = stage.lines_of_run().await;
    assert_eq!((of_run(&mended, "OldestUndispatched"), of_run(&mended, "Throttles")), (Some(0), Some(2)));
    let run = mended.iter().find(|line| line["message"] == "run measured").unwrap();
    assert_eq!(run["ThrottledRegions"], "eu-west-1: 2");
    assert_eq!(of_run(&stage.lines_of_run().await, "Throttles"), Some(0));
}

#[tokio::test]
async fn no_log_level_silences_the_metrics_or_hides_whose_a_line_is() {
    for kept in ["WARN", "ERROR", "FATAL"] {
        let stage = Stage::with(&[PACK_METRICS, ("AWS_LAMBDA_LOG_LEVEL", kept)]).await;
        stage.world.add_pack(REGION, PACK, 3);
        let lines = stage.lines_of_run().await;
        assert_eq!(
            lines.iter().map(|line| line["level"].as_str().unwrap()).collect::<Vec<_>>(),
            [kept, kept]
        );
        stage.world.deny(REGION);
        let lines = stage.lines_of_run().await;
        assert_eq!(level(&lines, "ERROR"), 1, "{kept}: {lines:?}");
    }
}

/// The dashboard's body as CloudWatch gets it, with 7 for whatever is filled in.
fn dashboard() -> Value {
    let template = text("template.yaml");
    let body = template.split("DashboardBody: !Sub\n        - |\n").nth(1).unwrap();
    let body = body.split("\n        - Period:").next().unwrap();
    let mut parts = body.split("${");
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        filled = filled + "7" + part.split_once('}').unwrap().1;
    }
    serde_json::from_str(&filled).unwrap_or_else(|error| panic!("{error}: {filled}"))
}

/// Dimensions and name of each metric that the dashboard and the alarms take from packwatch.
fn wanted() -> BTreeSet<(String, String)> {
    let mut wanted = BTreeSet::new();
    for widget in dashboard()["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().unwrap_or(&Vec::new()) {
            match (metric[0].as_str(), metric[0]["expression"].as_str()) {
                (Some("packwatch"), _) => {
                    let part = |n: usize| metric[n].as_str().unwrap().to_owned();
                    wanted.insert((part(2), part(1)));
                }
                (None, Some(search)) if search.starts_with("SEARCH('{packwatch,") => {
                    let (_, schema) = search.split_once(',').unwrap();
                    let (_, name) = search.split_once("MetricName=\"").unwrap();
                    let part = |text: &str, end| text.split(end).next().unwrap().to_owned();
                    wanted.insert((part(schema, '}'), part(name, '"')));
                }
                _ => {}
            }
        }
    }
    let template = text("template.yaml");
    for alarm in template.split("Namespace: packwatch\n").skip(1) {
        let of = |key: &str| alarm.split_once(key).unwrap().1.lines().next().unwrap().to_owned();
        wanted.insert((of("- Name: "), of("MetricName: ")));
    }
    wanted
}

#[tokio::test]
async fn the_dashboard_and_the_alarms_show_what_the_function_writes() {
    let stage = Stage::with(&[PACK_METRICS]).await;
    // Only a large pack has a full scan that may be late, once it has a baseline.
    stage.world.add_pack(REGION, PACK, 1201);
    stage.lines_of_run().await;
    let lines = stage.lines_of_run().await;
    let scanned = lines.iter().find(|line| line["message"] == "target scanned").unwrap();
    let dashboard = dashboard().to_string();
    for field in ["failed", "in_progress", "accounts"] {
        assert!(scanned[field].is_u64() && dashboard.contains(&format!("latest({field})")), "{scanned}");
    }
    let written: BTreeSet<_> = metrics(&lines)
        .into_iter()
        .flat_map(|(dimensions, metrics)| metrics.into_keys().map(move |name| (dimensions.clone(), name)))
        .collect();
    assert!(wanted().is_subset(&written), "wanted: {:?}, written: {written:?}", wanted());
    // By default, all of them: what nobody looks at is not worth its price.
    let plain = Stage::with(&[]).await;
    plain.world.add_pack(REGION, PACK, 3);
    let by_default = metrics(&plain.lines_of_run().await);
    let wanted: BTreeSet<String> = wanted().into_iter().map(|(_, name)| name).collect();
    assert!(by_default.values().flat_map(|of| of.keys()).all(|name| wanted.contains(name)), "{wanted:?}");
}

#[test]
fn the_widgets_of_the_dashboard_do_not_overlap() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    for widget in dashboard["widgets"].as_array().unwrap() {
        let n = |key: &str| widget[key].as_u64().unwrap();
        for x in n("x")..n("x") + n("width") {
            for y in n("y")..n("y") + n("height") {
                assert!(x < 24 && taken.insert((x, y)), "{}", widget["properties"]["title"]);
            }
        }
    }
}
