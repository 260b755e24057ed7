//! A laptop that records in the function's table.

use serde_json::json;

use crate::function::stage::{EVENTS, REGION, Stage, outcomes};
use crate::harness::aws_env;
use crate::world::packs::account;

/// A person's run over the function's table records by the function's settings, and leaves sending to the function.
#[tokio::test]
async fn a_laptop_records_in_the_table_as_the_function_does_and_sends_nothing() {
    let excluded = account(3);
    let settings = [("PACKWATCH_EXCLUDE_ACCOUNTS", &*excluded), ("PACKWATCH_FULL_SCAN_EVERY", "15m")];
    let stage = Stage::with(&settings).await;
    stage.world.add_pack(REGION, "P", 3);
    stage.run().await;
    stage.forget();
    let packwatch = |flags: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_packwatch"));
        command
            .args(["run", "--table", "packwatch", "--regions", REGION, "--account-names", "off"])
            .args(flags);
        let urls = aws_env(REGION, &stage.served.url, &stage.dynamo.url);
        command.env_clear().envs(urls).output().unwrap()
    };
    stage.world.fail(REGION, "P", &account(1), "UPDATE_FAILED", "C", "m");
    stage.world.leave(REGION, "P", &account(3));
    let stored =
        stage.dynamo.dump("packwatch").into_iter().find(|item| item["sk"]["S"] == "settings").unwrap();
    assert_eq!(stored["settings"]["M"]["PACKWATCH_FULL_SCAN_EVERY"]["S"], "15m", "for the board");
    let refused = packwatch(&["--notify", "failed"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--own-settings"), "{refused:?}");
    let ran = packwatch(&[]);
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("the function's next run does"), "{ran:?}");
    assert_eq!(stage.world.messages().len(), 0);
    assert_eq!(outcomes(&stage.run().await), ["Unchanged"]);
    assert_eq!((stage.digests().len(), stage.world.messages_to(EVENTS).len()), (1, 1), "sent, once");
    assert_eq!(stage.digests()[0]["Counts"], json!({"Failed": 1}), "who is excluded there has not left");
}
