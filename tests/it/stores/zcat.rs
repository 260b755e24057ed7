//! Anybody reads the table with the AWS CLI and zcat, as the documentation shows.

use std::process::Command;

use packwatch::state::log::PackEvent;

use crate::harness::commits::commit;
use crate::harness::dynamo::Dynamo;
use crate::harness::{aws_cli, aws_env};
use crate::stores::contract::{change, closing, dynamo_store, target};

const SCRIPT: &str = r#"
set -euo pipefail
aws() { command "$PYTHON" "$AWS" "$@"; }
aws dynamodb query --table-name packwatch \
  --key-condition-expression 'pk = :p AND begins_with(sk, :s)' \
  --expression-attribute-values "{\":p\": {\"S\": \"eu-west-1#P\"}, \":s\": {\"S\": \"$KIND\"}}" \
  --query 'Items[].data.B' --output text | tr '\t' '\n' | while read -r d; do echo "$d" | base64 -d | zcat; done
"#;

/// The lines of everything that is of this kind.
fn shown(dynamo: &Dynamo, kind: &str) -> Vec<String> {
    let cli = aws_cli();
    let mut shell = Command::new("bash");
    shell.args(["-c", SCRIPT]).env("PYTHON", cli.get_program()).env("AWS", cli.get_args().next().unwrap());
    let output =
        shell.env("KIND", kind).envs(aws_env("eu-west-1", &dynamo.url, &dynamo.url)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_aws_cli_and_zcat_show_the_snapshot_and_the_log() {
    let dynamo = Dynamo::with_table("packwatch");
    let store = dynamo_store(&dynamo).await;
    let changes = (0..500).map(|n| change(n, 1)).collect();
    commit(&store, &target("P"), changes, closing(PackEvent::Baseline, 1)).await.unwrap();
    let mut rows = shown(&dynamo, "snapshot#");
    rows.sort();
    assert_eq!(rows.len(), 500);
    assert!(rows[7].starts_with(r#"["000000000007",{"State":{"Status":"CREATE_FAILED","ErrorCode":"Code","#));
    let log = shown(&dynamo, "log#");
    assert_eq!(log.len(), 501, "in three parts");
    assert!(
        log[499].starts_with(r#"{"AccountId":"000000000499","Sequence":1,"Kind":"Failed","#),
        "{}",
        log[499]
    );
    assert!(log[500].starts_with(r#"{"Kind":"Baseline","Sequence":1,"Accounts":3,"#), "{}", log[500]);
}
