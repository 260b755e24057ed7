//! The Lambda function.

// The future of a whole run, with the SDK's calls in it, is nested deeper than the compiler looks by default.
#![recursion_limit = "256"]

use std::process::ExitCode;

/// One thread: a run waits for AWS, it does not compute; a current-thread runtime starts faster.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    packwatch::lambda::logs::init();
    match packwatch::lambda::serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
