//! The two programs that are measured.

use crate::harness::aws_env;
use std::path::{Path, PathBuf};

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ALERTS: &str = "arn:aws:sns:eu-west-1:999999999999:alerts";
pub(crate) const EVENTS: &str = "arn:aws:sns:eu-west-1:999999999999:events";

/// How many packs each reads at once: packwatch's default.
pub(crate) const CONCURRENCY: usize = 8;

/// A Lambda function, as Lambda would start it.
pub(crate) struct Contestant {
    pub name: &'static str,
    pub program: PathBuf,
    pub args: &'static [&'static str],
    /// Where it is started.
    pub folder: PathBuf,
    /// What its variables start with.
    prefix: &'static str,
}

/// packwatch, as `make build` built it, and the peer in `benches/peer`.
pub(crate) fn both() -> [Contestant; 2] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |variable: &str, default: &str| {
        let path = std::env::var_os(variable).map_or_else(|| root.join(default), PathBuf::from);
        assert!(path.exists(), "{} is not there: run `make bench`, which makes it", path.display());
        path
    };
    [
        Contestant {
            name: "packwatch",
            program: file("BENCH_BOOTSTRAP", "target/lambda/packwatch/bootstrap"),
            args: &[],
            folder: root.to_owned(),
            prefix: "PACKWATCH",
        },
        Contestant {
            name: "boto3",
            program: file("BENCH_PYTHON", ".venv-bench/bin/python"),
            args: &["-m", "awslambdaric", "handler.handler"],
            folder: root.join("benches/peer"),
            prefix: "PEER",
        },
    ]
}

impl Contestant {
    /// The environment in which it uses this table, and reads so many packs at once.
    pub(crate) fn env(
        &self,
        world_url: &str,
        dynamodb_url: &str,
        table: &str,
        at_once: usize,
    ) -> Vec<(String, String)> {
        let mut env = aws_env(REGION, world_url, dynamodb_url);
        let at_once = at_once.to_string();
        let own = [
            ("TABLE", table),
            ("ALERTS_TOPIC_ARN", ALERTS),
            ("EVENTS_TOPIC_ARN", EVENTS),
            ("CONCURRENCY", &at_once),
            // The peer tells everything at once, too.
            ("NOTIFY", "all"),
            ("GROUP_INTERVAL", "0"),
        ];
        env.extend(own.map(|(name, value)| (format!("{}_{name}", self.prefix), value.to_owned())));
        env
    }
}
