//! The Lambda function.

/// One thread: a run waits for AWS, it does not compute; a current-thread runtime starts faster.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    packwatch::logs::init();
    packwatch::aws::lambda::serve().await
}
