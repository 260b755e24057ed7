//! `packwatch statuses` beside boto3: the same items and the same tokens, whoever begins and whoever goes on.

use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::aws_env;
use crate::harness::boto::{self, PaginationConfig, Query};
use crate::world::World;
use crate::world::packs::account;
use crate::world::server::Served;

const REGION: &str = "eu-west-1";
const PACK: &str = "Security-Baseline";

struct Stage {
    world: World,
    served: Served,
}

/// What a reader gives: the items and the token that goes on.
type Given = (Vec<Value>, Option<String>);

impl Stage {
    async fn new(accounts: usize) -> Self {
        let world = World::new();
        world.set_clock(1_795_007_564.125).ageless_tokens().add_pack(REGION, PACK, accounts);
        let served = world.serve().await;
        Self { world, served }
    }

    fn packwatch(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_packwatch"));
        command.env_clear().envs(aws_env(REGION, &self.served.url, "http://127.0.0.1:9"));
        command.arg("statuses").args(["--organization-conformance-pack-name", PACK]).args(args);
        command.output().unwrap()
    }

    fn ours(&self, config: &PaginationConfig, filters: Option<&str>) -> Given {
        let mut args = Vec::new();
        let mut option = |name: &str, value: Option<String>| {
            args.extend(value.map(|value| [name.to_owned(), value]).into_iter().flatten());
        };
        option("--max-items", config.max_items.map(|n| n.to_string()));
        option("--page-size", config.page_size.map(|n| n.to_string()));
        option("--starting-token", config.starting_token.clone());
        option("--filters", filters.map(str::to_owned));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = self.packwatch(&args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let items = document["OrganizationConformancePackDetailedStatuses"].as_array().unwrap().clone();
        (items, document["NextToken"].as_str().map(str::to_owned))
    }

    fn boto3(&self, config: &PaginationConfig, filters: Option<Value>) -> Given {
        let answer = boto::paginate(&Query {
            endpoint: self.served.url.clone(),
            region: REGION.to_owned(),
            organization_conformance_pack_name: PACK.to_owned(),
            filters,
            pagination_config: config.clone(),
        });
        let answer = answer.unwrap();
        (answer.items, answer.next_token)
    }
}

#[tokio::test]
async fn the_same_items_and_tokens_as_boto3_and_tokens_cross_over() {
    let stage = Stage::new(60).await;
    let mut random = fastrand::Rng::with_seed(20_261_122);
    for story in 0..12 {
        // The same in every part of a read, as botocore needs it: its token counts items of a page.
        let page_size = random.bool().then(|| random.i64(1..=100));
        let mut token: Option<String> = None;
        let mut read = Vec::new();
        loop {
            let config = PaginationConfig {
                max_items: random.bool().then(|| random.i64(0..40)).filter(|n| *n > 0),
                page_size,
                starting_token: token.clone(),
            };
            let (ours, theirs) = (stage.ours(&config, None), stage.boto3(&config, None));
            assert_eq!(ours, theirs, "story {story}: {config:?}");
            // Either's token goes on in both.
            let (items, next) = if random.bool() { ours } else { theirs };
            read.extend(items);
            token = next;
            if token.is_none() {
                break;
            }
        }
        let ids: Vec<_> = read.iter().map(|item| item["AccountId"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids, (1..=60).map(account).collect::<Vec<_>>(), "story {story}");
    }
}

#[tokio::test]
async fn filters_and_nothing_at_all_are_as_in_boto3() {
    let stage = Stage::new(5).await;
    stage.world.fail(REGION, PACK, &account(2), "CREATE_FAILED", "Code", "it \"broke\" – 😀");
    let everything = PaginationConfig::default();
    let filters = serde_json::json!({"AccountId": account(2), "Status": "CREATE_FAILED"});
    let shorthand = format!("AccountId={},Status=CREATE_FAILED", account(2));
    let found = stage.ours(&everything, Some(&shorthand));
    assert_eq!(found, stage.boto3(&everything, Some(filters)));
    assert_eq!(found.0[0]["ErrorMessage"], "it \"broke\" – 😀");
    let none = PaginationConfig { max_items: Some(0), ..everything };
    assert_eq!(stage.ours(&none, None), stage.boto3(&none, None));
}

#[tokio::test]
async fn csv_and_table_say_where_to_go_on() {
    let stage = Stage::new(5).await;
    let output = stage.packwatch(&["--output", "csv", "--max-items", "2"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "AccountId,ConformancePackName,Status,ErrorCode,ErrorMessage,LastUpdateTime");
    assert!(lines[1].starts_with(&account(1)) && lines[1].ends_with("2026-11-18T13:12:44.125000+00:00"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--starting-token eyJ"), "{output:?}");
    let table = stage.packwatch(&["--output", "table"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains(&account(5)));
}

#[tokio::test]
async fn what_is_refused_is_refused_before_the_call() {
    let stage = Stage::new(5).await;
    let other_operation = "eyJNYXJrZXIiOiAieCJ9";
    for (args, wanted) in [
        (["--page-size", "0"], "1..=100"),
        (["--page-size", "101"], "1..=100"),
        (["--starting-token", other_operation], "`Marker`"),
        (["--filters", "Account=1"], "AccountId=…"),
        (["--filters", "Status=BROKEN"], "CREATE_SUCCESSFUL"),
        (["--filters", "AccountId=12"], "12 digits"),
    ] {
        let output = stage.packwatch(&args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(error.contains(wanted), "{error}");
    }
    assert_eq!(stage.world.requests().len(), 0);
}

#[tokio::test]
async fn what_aws_config_refuses_says_what_to_do() {
    let stage = Stage::new(150).await;
    let cut = PaginationConfig { max_items: Some(100), ..PaginationConfig::default() };
    let (_, token) = stage.ours(&cut, None);
    let stranger =
        stage.packwatch(&["--starting-token", &token.unwrap(), "--filters", "Status=CREATE_FAILED"]);
    let error = String::from_utf8_lossy(&stranger.stderr).into_owned();
    assert!(error.contains("good for the pack, the region and the filters"), "{error}");
    stage.world.repeat_token();
    let endless = stage.packwatch(&[]);
    let error = String::from_utf8_lossy(&endless.stderr).into_owned();
    assert!(error.contains("returned before"), "{error}");
    stage.world.deny(REGION);
    let denied = stage.packwatch(&[]);
    let error = String::from_utf8_lossy(&denied.stderr).into_owned();
    assert_eq!(denied.status.code(), Some(1));
    assert!(error.contains("delegated administrator"), "{error}");
}

#[tokio::test]
async fn without_credentials_it_says_how_to_get_them() {
    let stage = Stage::new(1).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_packwatch"));
    command.env_clear().env("AWS_ENDPOINT_URL", &stage.served.url).env("AWS_EC2_METADATA_DISABLED", "true");
    let nowhere = tempfile::tempdir().unwrap();
    command.env("HOME", nowhere.path());
    command.args(["statuses", "--region", REGION, "--organization-conformance-pack-name", PACK]);
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("aws sso login"), "{error}");
}
