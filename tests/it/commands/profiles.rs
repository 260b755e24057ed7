//! Credentials, profiles and regions: beside the AWS CLI (version 1, which PyPI has), by the access key and the region
//! that reach the service. What version 2 alone does is held to its documentation.

use std::process::{Command, Output};

use crate::commands::cli::{Desk, stderr};
use crate::harness::aws_cli;
use crate::world::World;
use crate::world::server::Served;

const PACK: &str = "Security-Baseline";

const CONFIG: &str = "\
[default]
region = eu-west-1

[profile prod]
region = eu-central-1
aws_access_key_id = AKIAPROD
aws_secret_access_key = prod

[profile nameless]
region = eu-north-1

[profile process]
region = eu-south-1
credential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"AKIAPROCESS\", \"SecretAccessKey\": \"process\"}'
";

const CREDENTIALS: &str = "\
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = default

[shared]
aws_access_key_id = AKIASHARED
aws_secret_access_key = shared
";

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "env")];

struct Stage {
    world: World,
    served: Served,
    desk: Desk,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new();
        for region in ["eu-west-1", "eu-central-1", "eu-north-1", "eu-south-1", "us-east-1", "us-west-2"] {
            world.add_pack(region, PACK, 2);
        }
        let served = world.serve().await;
        let desk = Desk::new();
        std::fs::create_dir(desk.path(".aws")).unwrap();
        desk.write(".aws/config", CONFIG);
        desk.write(".aws/credentials", CREDENTIALS);
        Self { world, served, desk }
    }

    /// How it ended, and what the request was signed with.
    fn asked(&self, mut command: Command, variables: &[(&str, &str)]) -> (Output, Option<(String, String)>) {
        self.world.reset_requests();
        command.env("AWS_ENDPOINT_URL", &self.served.url).env("AWS_EC2_METADATA_DISABLED", "true");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        (output, self.world.signatures().pop())
    }

    fn packwatch(&self, variables: &[(&str, &str)], flags: &[&str]) -> (Output, Option<(String, String)>) {
        let args = ["statuses", "--pack", PACK];
        self.asked(self.desk.command(&[&args, flags].concat()), variables)
    }

    fn aws(&self, variables: &[(&str, &str)], flags: &[&str]) -> (Output, Option<(String, String)>) {
        let mut command = aws_cli();
        command.env_clear().env("HOME", self.desk.path("")).env("PATH", "/usr/bin:/bin");
        command.args(["configservice", "get-organization-conformance-pack-detailed-status"]);
        command.args(["--organization-conformance-pack-name", PACK]).args(flags);
        self.asked(command, variables)
    }
}

/// Environment and flags, and the access key and the region that they stand for; `None`: an error.
type Case =
    (&'static [(&'static str, &'static str)], &'static [&'static str], Option<(&'static str, &'static str)>);

const KEY: (&str, &str) = KEYS[0];
const SECRET: (&str, &str) = KEYS[1];
const REGION: (&str, &str) = ("AWS_DEFAULT_REGION", "us-east-1");

const CASES: [Case; 14] = [
    (&[], &[], Some(("AKIADEFAULT", "eu-west-1"))),
    (&[KEY, SECRET], &[], Some(("AKIAENV", "eu-west-1"))),
    (&[KEY, SECRET, REGION], &[], Some(("AKIAENV", "us-east-1"))),
    (&[KEY, SECRET], &["--profile", "prod"], Some(("AKIAPROD", "eu-central-1"))),
    (&[KEY, SECRET, REGION], &["--profile", "prod"], Some(("AKIAPROD", "us-east-1"))),
    (
        &[KEY, SECRET, REGION],
        &["--profile", "prod", "--region", "us-west-2"],
        Some(("AKIAPROD", "us-west-2")),
    ),
    (&[KEY, SECRET, ("AWS_PROFILE", "prod")], &[], Some(("AKIAENV", "eu-central-1"))),
    (&[("AWS_PROFILE", "prod")], &[], Some(("AKIAPROD", "eu-central-1"))),
    (&[("AWS_PROFILE", "prod"), REGION], &["--profile", "shared"], Some(("AKIASHARED", "us-east-1"))),
    (&[KEY, SECRET], &["--profile", "process"], Some(("AKIAPROCESS", "eu-south-1"))),
    // The profile's credentials, and not whatever else there is.
    (&[KEY, SECRET], &["--profile", "nameless"], None),
    (&[KEY, SECRET, REGION], &["--profile", "missing"], None),
    (&[KEY, SECRET, REGION, ("AWS_PROFILE", "missing")], &[], None),
    (&[KEY, SECRET], &["--profile", "shared"], None),
];

#[tokio::test]
async fn the_key_and_the_region_are_those_of_the_aws_cli() {
    let stage = Stage::new().await;
    for (variables, flags, wanted) in CASES {
        let wanted = wanted.map(|(key, region)| (key.to_owned(), region.to_owned()));
        let (theirs, signature) = stage.aws(variables, flags);
        assert_eq!(signature, wanted, "the AWS CLI with {variables:?} {flags:?}: {theirs:?}");
        assert_eq!(theirs.status.success(), wanted.is_some(), "{theirs:?}");
        let (ours, signature) = stage.packwatch(variables, flags);
        assert_eq!(signature, wanted, "packwatch with {variables:?} {flags:?}: {ours:?}");
        assert_eq!(ours.status.code(), Some(i32::from(wanted.is_none())), "{ours:?}");
    }
}

/// "Environment variables", AWS CLI User Guide for version 2: AWS_REGION comes before AWS_DEFAULT_REGION.
#[tokio::test]
async fn version_2_reads_aws_region_first() {
    let stage = Stage::new().await;
    let both = [KEY, SECRET, REGION, ("AWS_REGION", "us-west-2")];
    let signature = |flags: &[&str]| stage.packwatch(&both, flags).1;
    assert_eq!(signature(&[]), Some(("AKIAENV".to_owned(), "us-west-2".to_owned())));
    assert_eq!(signature(&["--profile", "prod"]), Some(("AKIAPROD".to_owned(), "us-west-2".to_owned())));
}

#[tokio::test]
async fn a_missing_profile_is_named_with_the_files_and_the_nearest_one() {
    let stage = Stage::new().await;
    let (output, signature) = stage.packwatch(&KEYS, &["--profile", "prd"]);
    assert_eq!((output.status.code(), signature), (Some(1), None));
    let error = stderr(&output);
    for wanted in ["\"prd\"", ".aws/config", ".aws/credentials", "\"prod\""] {
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
    let elsewhere = stage.desk.write("other", "");
    let (output, _) = stage.packwatch(&[("AWS_CONFIG_FILE", &elsewhere), ("AWS_PROFILE", "prod")], &[]);
    assert!(stderr(&output).contains(&elsewhere), "{output:?}");
}

/// Every command that asks AWS takes its region from the profile.
#[tokio::test]
async fn a_run_is_in_the_region_of_its_profile() {
    let stage = Stage::new().await;
    let store = stage.desk.store().display().to_string();
    let run = ["run", "--profile", "prod", "--store", &store, "--account-names", "off"];
    let (output, signature) = stage.asked(stage.desk.command(&run), &KEYS);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(signature, Some(("AKIAPROD".to_owned(), "eu-central-1".to_owned())));
    let doctor = stage.desk.command(&["doctor", "--function", "f", "--profile", "prod"]);
    let (output, signature) = stage.asked(doctor, &KEYS);
    assert_eq!(signature.map(|(key, _)| key).as_deref(), Some("AKIAPROD"), "{output:?}");
    // Recorded statuses need no profile, but where they are from may stand in one.
    let recorded = r#"{"OrganizationConformancePackDetailedStatuses": []}"#;
    let file = stage.desk.write("Cost.json", recorded);
    let local = ["run", "--statuses", &file, "--store", &store, "--dry-run", "--output", "json"];
    let (output, signature) = stage.asked(stage.desk.command(&local), &[("AWS_PROFILE", "prod")]);
    assert_eq!((output.status.code(), signature), (Some(2), None), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("eu-central-1"), "{output:?}");
}
