//! What a command says when AWS cannot be reached or does not take the credentials: what failed, and no more.

use std::process::Output;
use std::time::{Duration, Instant};

use crate::commands::cli::{Desk, stderr};
use crate::harness::aws_env;
use crate::world::faults::NextFault;
use crate::world::{ServiceError, World};

/// A port at which nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

fn packwatch(args: &[&str], url: &str) -> Output {
    Desk::new().command(args).envs(aws_env("eu-west-1", url, url)).output().unwrap()
}

#[test]
fn a_connection_that_fails_names_the_endpoint_and_the_reason_within_five_seconds() {
    let topic = "arn:aws:sns:eu-west-1:111122223333:alerts";
    let commands: [&[&str]; 5] = [
        &["statuses", "--pack", "Security"],
        &["run", "--dry-run"],
        &["run", "--table", "packwatch", "--topic", topic],
        &["board", "--table", "packwatch"],
        &["history", "--table", "packwatch"],
    ];
    std::thread::scope(|scope| {
        for args in commands {
            scope.spawn(move || {
                let started = Instant::now();
                let output = packwatch(args, NOBODY);
                let (error, elapsed) = (stderr(&output), started.elapsed());
                assert_eq!(output.status.code(), Some(1), "{args:?}: {error}");
                let reason = "http://127.0.0.1:9 cannot be reached: Connection refused";
                assert!(error.contains(reason), "{args:?}: {error}");
                assert!(
                    !error.contains("0 deployments"),
                    "nothing was read, and nothing is summed up: {error}"
                );
                assert!(elapsed < Duration::from_secs(5), "{args:?} took {elapsed:?}");
            });
        }
    });
}

#[test]
fn a_name_that_nobody_knows_is_said() {
    let output = packwatch(&["statuses", "--pack", "Security"], "http://config.invalid");
    assert!(
        stderr(&output).contains("http://config.invalid cannot be reached: failed to lookup"),
        "{output:?}"
    );
}

/// Who has been answered once waits for AWS Config to come back, as long as the retries last.
#[tokio::test]
async fn one_lost_connection_is_tried_again() {
    let world = World::new();
    world.add_pack("eu-west-1", "Security", 2).next_faults("eu-west-1", NextFault::Drop, 2);
    let served = world.serve().await;
    let output = packwatch(&["statuses", "--pack", "Security"], &served.url);
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn credentials_that_are_refused_are_not_a_matter_of_who_sees_packs() {
    let world = World::new();
    world.add_pack("eu-west-1", "Security", 2);
    let served = world.serve().await;
    for code in ["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"] {
        let error = ServiceError::new(400, code, "The security token included in the request is expired");
        world.refuse("eu-west-1", error);
        let output = packwatch(&["statuses", "--pack", "Security"], &served.url);
        let error = stderr(&output);
        assert!(error.contains(code) && error.contains("aws sso login"), "{error}");
        assert!(!error.contains("delegated administrator"), "{error}");
    }
}
