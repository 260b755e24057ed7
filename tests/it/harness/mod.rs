//! What the tests need around packwatch: a DynamoDB that fails on command, a Lambda runtime, and boto3.
//!
//! The outside world itself is in `world`; these are the machines that packwatch runs on and is compared with.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a harness that cannot do its work fails the test"
)]

pub mod boto;
pub mod commits;
pub mod dynamo;
pub mod dynamo_faults;
pub mod lambda;
pub mod parts;
pub mod runtime_api;

#[cfg(test)]
mod tests;

/// The AWS CLI of `requirements/test.txt`.
pub fn aws_cli() -> std::process::Command {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin");
    let mut command = std::process::Command::new(folder.join("python"));
    command.arg(folder.join("aws"));
    command
}

/// The environment of a process that talks to the world instead of AWS: fake credentials, a region, endpoints.
pub fn aws_env(region: &str, world_url: &str, dynamodb_url: &str) -> Vec<(String, String)> {
    let pairs = [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ENDPOINT_URL_CONFIG_SERVICE", world_url),
        ("AWS_ENDPOINT_URL_SNS", world_url),
        ("AWS_ENDPOINT_URL_ORGANIZATIONS", world_url),
        ("AWS_ENDPOINT_URL_STS", world_url),
        ("AWS_ENDPOINT_URL_LAMBDA", world_url),
        ("AWS_ENDPOINT_URL_SCHEDULER", world_url),
        ("AWS_ENDPOINT_URL_CLOUDWATCH", world_url),
        ("AWS_ENDPOINT_URL_KMS", world_url),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
