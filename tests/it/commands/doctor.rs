//! `packwatch doctor` against a deployment that is healthy, and against broken ones: each fault is named in one line.

use std::process::{Command, Output};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::aws_env;
use crate::harness::dynamo::{Dynamo, Fault};
use crate::world::server::Served;
use crate::world::{MANAGEMENT_ACCOUNT, ServiceError, World};

const REGION: &str = "eu-west-1";
const FUNCTION: &str = "packwatch";
const ALERTS: &str = "arn:aws:sns:eu-west-1:999999999999:packwatch-alerts";
const EVENTS: &str = "arn:aws:sns:eu-west-1:999999999999:packwatch-events";
const VARIABLES: [(&str, &str); 4] = [
    ("PACKWATCH_TABLE", "packwatch"),
    ("PACKWATCH_ALERTS_TOPIC_ARN", ALERTS),
    ("PACKWATCH_EVENTS_TOPIC_ARN", EVENTS),
    ("PACKWATCH_REGIONS", "eu-west-1,us-east-1"),
];

/// A deployment in which nothing is wrong, as template.yaml makes it.
struct Site {
    world: World,
    served: Served,
    dynamo: Dynamo,
}

impl Site {
    async fn new() -> Self {
        Self::of(MANAGEMENT_ACCOUNT).await
    }

    async fn of(account: &str) -> Self {
        let world = World::new();
        world.call_from(account).add_pack(REGION, "Security", 3).add_pack("us-east-1", "Security", 3);
        world.add_topic(ALERTS).add_topic(EVENTS);
        world.subscribe(ALERTS, "email", "governance@example.com", true);
        let arn = format!("arn:aws:lambda:{REGION}:{account}:function:{FUNCTION}");
        world.deploy(REGION, FUNCTION, &VARIABLES).schedule("packwatch-Schedule", &arn);
        world.schedule("somebody-elses", &format!("{arn}-too"));
        let served = world.serve().await;
        let site = Self { world, served, dynamo: Dynamo::with_table("packwatch") };
        site.ran(40);
        site
    }

    /// What the scheduled function leaves in the table, so many minutes ago.
    fn ran(&self, minutes: i64) {
        let at = Timestamp::now() - SignedDuration::from_mins(minutes);
        let settings = json!({"M": {"ran_at": {"S": at.to_string()}}});
        let (pk, sk, schema) = (json!({"S": "heads"}), json!({"S": "settings"}), json!({"N": "1"}));
        self.put(&json!({"pk": pk, "sk": sk, "schema": schema, "settings": settings}));
    }

    fn put(&self, item: &Value) {
        let item = json!({"TableName": "packwatch", "Item": item});
        self.dynamo.database().put_item(serde_json::from_value(item).unwrap()).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_packwatch"));
        let folder = std::env::temp_dir();
        command.env_clear().env("HOME", folder).args(args);
        command.envs(aws_env(REGION, &self.served.url, &self.dynamo.url));
        command
    }

    fn run(&self) -> Option<i32> {
        let args = ["run", "--table", "packwatch", "--topic", ALERTS, "--events-topic", EVENTS];
        self.command(&args).output().unwrap().status.code()
    }

    fn doctor(&self) -> Report {
        self.doctor_with(&["--function", FUNCTION])
    }

    fn doctor_with(&self, args: &[&str]) -> Report {
        Report::of(self.command(&[&["doctor"], args].concat()).output().unwrap())
    }
}

/// What the doctor printed.
#[derive(Debug)]
struct Report {
    code: Option<i32>,
    lines: Vec<String>,
    stderr: String,
}

impl Report {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let lines = text(output.stdout).lines().map(str::to_owned).collect();
        Self { code: output.status.code(), lines, stderr: text(output.stderr) }
    }

    /// The lines that are not ok.
    fn complaints(&self) -> Vec<&str> {
        self.lines.iter().map(String::as_str).filter(|line| !line.starts_with("ok ")).collect()
    }

    /// That the one complaint begins like this and holds all of these.
    #[track_caller]
    fn complains_once(&self, code: i32, begin: &str, parts: &[&str]) {
        let complaints = self.complaints();
        assert_eq!((complaints.len(), self.code), (1, Some(code)), "{self:#?}");
        self.complains(begin, parts);
    }

    /// That one complaint begins like this and holds all of these.
    #[track_caller]
    fn complains(&self, begin: &str, parts: &[&str]) {
        let fits = |line: &&str| line.starts_with(begin) && parts.iter().all(|part| line.contains(part));
        assert_eq!(self.complaints().into_iter().filter(fits).count(), 1, "{begin} {parts:?} in {self:#?}");
    }
}

#[tokio::test]
async fn a_deployment_that_is_healthy_is_all_ok() {
    let site = Site::new().await;
    assert_eq!(site.run(), Some(2));
    let report = site.doctor();
    assert_eq!((report.complaints(), report.code), (Vec::new(), Some(0)), "{report:#?}");
    let wanted = [
        "ok          account: arn:aws:iam::999999999999:user/reader",
        "ok          function packwatch: deployed, 512 MB, 300 s; logs in /aws/lambda/packwatch",
        "ok          region eu-west-1: 1 pack visible, 1 watched",
        "ok          region us-east-1: 1 pack visible, 1 watched",
        "ok          table packwatch: 1 pack recorded; TTL and point-in-time recovery are on",
        "ok          topic packwatch-alerts: 1 confirmed subscription (email)",
        "ok          topic packwatch-events: no confirmed subscriptions (optional)",
        "ok          schedule packwatch-Schedule: enabled",
        "ok          last run: 40 min ago or less",
        "ok          undispatched: nothing",
    ];
    for line in wanted {
        assert!(report.lines.iter().any(|found| found == line), "{line} is missing in {report:#?}");
    }
    assert!(!report.lines.concat().contains('\u{1b}'), "no colours where it is not a terminal");
    assert_eq!(report.lines.len(), wanted.len());
    // By ARN, from a shell whose region is another one.
    let arn = format!("arn:aws:lambda:{REGION}:{MANAGEMENT_ACCOUNT}:function:{FUNCTION}");
    let elsewhere = site.command(&["doctor", "--function", &arn]).env("AWS_REGION", "us-east-1").output();
    assert_eq!(Report::of(elsewhere.unwrap()).lines.len(), report.lines.len());
}

#[tokio::test]
async fn what_is_wrong_with_the_account_is_named() {
    let member = Site::of("111111111111").await;
    member.world.deny(REGION).deny("us-east-1");
    let report = member.doctor();
    let parts = ["OrganizationAccessDeniedException", "register-delegated-administrator"];
    report.complains("FAILED      region eu-west-1: ", &parts);
    assert_eq!((report.complaints().len(), report.code), (2, Some(1)), "{report:#?}");

    let site = Site::new().await;
    site.world.call_from("222222222222");
    site.doctor().complains(
        "FAILED      function packwatch: it does not exist",
        &["Check its name, --profile and --region"],
    );
}

#[tokio::test]
async fn credentials_come_first() {
    let site = Site::new().await;
    site.world.lock().access.expired = true;
    let report = site.doctor();
    report.complains("FAILED      account: GetCallerIdentity: ExpiredToken", &["aws sso login"]);
    report.complains("not checked everything else: needs valid credentials", &[]);
    let mut command = site.command(&["doctor", "--function", FUNCTION]);
    let without =
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").output().unwrap();
    let report = Report::of(without);
    report.complains("FAILED      account: GetCallerIdentity: no AWS credentials", &["AWS_PROFILE"]);
    assert_eq!((report.lines.len(), report.code), (2, Some(1)), "{report:#?}");
}

#[tokio::test]
async fn a_region_that_does_not_answer_is_named() {
    let site = Site::new().await;
    let refuse = |code: &str, why: &str| {
        site.world.refuse("us-east-1", ServiceError::new(400, code, why));
        site.doctor()
    };
    let denied =
        refuse("AccessDeniedException", "not authorized, with an explicit deny in a service control policy");
    let parts = ["explicit deny", "Allow it in that policy, or remove us-east-1 from PACKWATCH_REGIONS"];
    denied.complains_once(1, "FAILED      region us-east-1: ", &parts);
    let disabled =
        refuse("UnrecognizedClientException", "The security token included in the request is invalid.");
    disabled.complains_once(1, "FAILED      region us-east-1: ", &["not enabled", "enable-region"]);
    site.world.allow("us-east-1").delete_pack("us-east-1", "Security");
    site.doctor().complains_once(0, "warning     region us-east-1: 0 packs visible", &[]);
    site.world.edit_function(FUNCTION, |function| {
        drop(function.variables.insert("PACKWATCH_PACKS".to_owned(), "Other-*".to_owned()));
        drop(function.variables.insert("PACKWATCH_REGIONS".to_owned(), String::new()));
    });
    let parts = ["1 pack visible, 0 watched", "PACKWATCH_PACKS"];
    site.doctor().complains_once(1, "FAILED      region eu-west-1: ", &parts);
}

#[tokio::test]
async fn what_the_table_lacks_is_named() {
    let site = Site::new().await;
    let off = json!({
        "TableName": "packwatch",
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": false},
    });
    site.dynamo.database().update_time_to_live(serde_json::from_value(off).unwrap()).unwrap();
    let parts = ["TTL is off", "update-time-to-live --table-name packwatch"];
    site.doctor().complains_once(1, "FAILED      table packwatch: ", &parts);

    let site = Site::new().await;
    site.dynamo.recovery(false);
    let parts = ["point-in-time recovery is off", "update-continuous-backups"];
    site.doctor().complains_once(0, "warning     table packwatch: ", &parts);

    let use_table = |name: &str| {
        site.world.edit_function(FUNCTION, |function| {
            drop(function.variables.insert("PACKWATCH_TABLE".to_owned(), name.to_owned()));
        });
        site.doctor()
    };
    use_table("packwotch").complains_once(1, "FAILED      table packwotch: it does not exist", &[]);
    let other = json!({
        "TableName": "other",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    site.dynamo.database().create_table(serde_json::from_value(other).unwrap()).unwrap();
    let parts = ["Query condition missed key schema element"];
    use_table("other").complains("FAILED      table other: Query: ValidationException: ", &parts);
}

#[tokio::test]
async fn items_of_a_newer_packwatch_and_changes_that_wait_are_named() {
    let site = Site::new().await;
    assert_eq!(site.run(), Some(2));
    site.world.fail(REGION, "Security", &crate::world::packs::account(2), "UPDATE_FAILED", "C", "m");
    site.world.refuse_next(20);
    assert_eq!(site.run(), Some(1));
    site.world.heal_sns();
    let report = site.doctor();
    assert_eq!(report.complaints(), Vec::<&str>::new(), "it may be sent by the next run");
    let line = "ok          undispatched: the oldest change has been due for ";
    assert!(report.lines.iter().any(|found| found.starts_with(line)), "{report:#?}");
    let parts = site.dynamo.dump("packwatch").into_iter();
    for mut part in parts.filter(|item| item["sk"]["S"].as_str().unwrap().starts_with("log#")) {
        let earlier = Timestamp::now() - SignedDuration::from_mins(160);
        part["observed_at"] = json!({"S": earlier.to_string()});
        site.put(&part);
    }
    let parts = ["the oldest change has been due for 2 h 40 min", "the function's log"];
    site.doctor().complains("FAILED      undispatched: ", &parts);

    site.put(&json!({"pk": {"S": "heads"}, "sk": {"S": "head#eu-west-1#Newer"}, "schema": {"N": "99"}}));
    site.doctor().complains("FAILED      table packwatch: ", &["schema 99, written by a newer packwatch"]);
}

#[tokio::test]
async fn topics_that_reach_nobody_are_named() {
    let site = Site::new().await;
    site.world.subscribe(ALERTS, "email", "late@example.com", false).subscribe(
        EVENTS,
        "sqs",
        "arn:queue",
        true,
    );
    let parts = ["late@example.com (email) is not confirmed"];
    site.doctor().complains_once(0, "warning     topic packwatch-alerts: ", &parts);
    let edit = |edit: &dyn Fn(&mut crate::world::messages::Sns)| {
        edit(&mut site.world.lock().sns);
        site.doctor()
    };
    let nobody = (
        "FAILED      topic packwatch-alerts: no confirmed subscriptions, so nobody is notified",
        ["aws sns subscribe"],
    );
    let alone = edit(&|sns| drop(sns.subscriptions.get_mut(ALERTS).unwrap().remove(0)));
    alone.complains("warning     topic packwatch-alerts: ", &parts);
    alone.complains(nobody.0, &nobody.1);
    edit(&|sns| sns.subscriptions.clear()).complains_once(1, nobody.0, &nobody.1);
    // On the second page.
    for n in 0..101 {
        site.world.subscribe(ALERTS, "email", &format!("{n}@example.com"), n < 100);
    }
    site.doctor().complains_once(0, "warning     topic packwatch-alerts: ", &["100@example.com"]);
    edit(&|sns| assert!(sns.topics.remove(EVENTS)))
        .complains("FAILED      topic packwatch-events: it does not exist", &[]);
}

#[tokio::test]
async fn a_function_that_does_not_run_is_named() {
    let site = Site::new().await;
    site.world.disable_schedule("packwatch-Schedule");
    let parts = ["it is disabled, so nothing starts the function", "ScheduleMinutes=5"];
    site.doctor().complains_once(1, "FAILED      schedule packwatch-Schedule: ", &parts);
    site.world.lock().schedules.remove("packwatch-Schedule");
    let begin = "warning     schedule: no schedule of EventBridge Scheduler";
    site.doctor().complains_once(0, begin, &["see the last run"]);

    let stale = Site::new().await;
    stale.ran(190);
    let parts = ["Check the function's log"];
    stale.doctor().complains_once(1, "FAILED      last run: packwatch last ran at about ", &parts);
    let never = Site { dynamo: Dynamo::with_table("packwatch"), ..Site::new().await };
    never.doctor().complains_once(
        1,
        "FAILED      last run: no scheduled run has come as far as the table",
        &[],
    );

    let broken = Site::new().await;
    broken.world.edit_function(FUNCTION, |function| "Failed".clone_into(&mut function.state));
    let parts = ["its state is Failed: The image was deleted."];
    broken.doctor().complains_once(1, "FAILED      function packwatch: ", &parts);
    broken.world.edit_function(FUNCTION, |function| {
        "Active".clone_into(&mut function.state);
        drop(function.variables.insert("PACKWATCH_ALERTS_TOPIC_ARN".to_owned(), format!("{ALERTS}.fifo")));
        drop(function.variables.insert("PACKWATCH_CONCURRENCY".to_owned(), "0".to_owned()));
    });
    broken.doctor().complains_once(1, "FAILED      settings: 2 settings", &["FIFO", "PACKWATCH_CONCURRENCY"]);
}

/// Lambda answers, and says in the answer that the caller may not use the key.
#[tokio::test]
async fn variables_that_are_not_decrypted_for_the_caller_are_the_callers_trouble() {
    let site = Site::new().await;
    let undecrypted = |code: &str, message: &str| {
        let error = Some((code.to_owned(), message.to_owned()));
        site.world.edit_function(FUNCTION, |function| function.undecrypted = error);
        site.doctor()
    };
    let report = undecrypted(
        "AccessDeniedException",
        "Lambda was unable to decrypt your environment variables because the KMS access was denied.",
    );
    let parts = ["your permission kms:Decrypt", "the table, the topics and the settings are not known"];
    let begin = "not checked function packwatch: its variables are not decrypted: AccessDeniedException: ";
    report.complains_once(0, begin, &parts);
    assert!(!report.lines.concat().contains("table packwatch"), "{report:#?}");

    let report = undecrypted("KMSDisabledException", "the KMS key used is disabled.");
    report.complains_once(1, "FAILED      function packwatch: ", &["the KMS key used is disabled."]);
}

#[tokio::test]
async fn what_the_caller_may_not_ask_is_not_checked_and_what_hangs_is_one_line() {
    let site = Site::new().await;
    site.world.deny_action("sns:ListSubscriptionsByTopic").deny_action("scheduler:ListSchedules");
    site.dynamo.fault("DescribeTimeToLive", Fault::Deny, 1);
    let report = site.doctor();
    report.complains("not checked topic packwatch-alerts: needs sns:ListSubscriptionsByTopic", &[]);
    report.complains("not checked schedule: needs scheduler:ListSchedules", &[]);
    report.complains("not checked table packwatch: needs dynamodb:DescribeTimeToLive", &[]);
    assert_eq!(report.code, Some(0), "{report:#?}");
    site.world.deny_action("lambda:GetFunctionConfiguration");
    let report = site.doctor();
    report.complains("not checked function packwatch: needs lambda:GetFunctionConfiguration", &[]);
    assert_eq!(report.code, Some(0), "{report:#?}");

    let slow = Site::new().await;
    slow.world.hang_action("sns:ListSubscriptionsByTopic").hang_action("scheduler:ListSchedules");
    let report = slow.doctor_with(&["--function", FUNCTION, "--timeout", "500ms"]);
    for check in ["topic packwatch-alerts", "topic packwatch-events", "schedule"] {
        report.complains(&format!("FAILED      {check}: no answer within 0.5 s"), &[]);
    }
    assert_eq!((report.complaints().len(), report.code), (3, Some(1)), "{report:#?}");
}

#[tokio::test]
async fn programs_get_a_document_a_line() {
    let site = Site::new().await;
    let report = site.doctor_with(&["--function", FUNCTION, "--output", "json"]);
    let documents: Vec<Value> = report.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |check: &str| documents.iter().find(|document| document["Check"] == check).unwrap();
    assert_eq!(of("account")["Level"], "Ok");
    assert_eq!(of("table packwatch")["Level"], "Ok");
    let mut command = site.command(&["doctor", "--function", FUNCTION]);
    let lost = command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION").output().unwrap();
    assert!(Report::of(lost).stderr.contains("name the region with --region"));
    let help = site.doctor_with(&["--help"]).lines.join("\n");
    assert!(help.contains("Examples:") && help.contains("Exit codes: 0 nothing failed"), "{help}");
}
