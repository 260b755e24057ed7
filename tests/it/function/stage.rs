//! The built function under a runtime API, with AWS Config, DynamoDB and SNS over HTTP.

use std::time::Duration;

use serde_json::Value;

use crate::harness::aws_env;
use crate::harness::dynamo::Dynamo;
use crate::harness::lambda::Lambda;
use crate::world::World;
use crate::world::server::Served;

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const PACK: &str = "Security-Baseline";
pub(crate) const ALERTS: &str = "arn:aws:sns:eu-west-1:999999999999:alerts";
pub(crate) const EVENTS: &str = "arn:aws:sns:eu-west-1:999999999999:events";
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// The whole outside, and the function in it. It tells everything, and in each run, unless a test says otherwise.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) dynamo: Dynamo,
    pub(crate) lambda: Lambda,
    pub(crate) served: Served,
}

/// The schedule's event.
pub(crate) fn scheduled() -> Value {
    serde_json::from_str(include_str!("../../../events/scheduled.json")).unwrap()
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let world = World::new();
        world.add_topic(ALERTS).add_topic(EVENTS);
        let served = world.serve().await;
        let dynamo = Dynamo::with_table("packwatch");
        let mut lambda =
            Lambda::new(env!("CARGO_BIN_EXE_bootstrap"), REGION, aws_env(REGION, &served.url, &dynamo.url))
                .env("PACKWATCH_TABLE", "packwatch")
                .env("PACKWATCH_ALERTS_TOPIC_ARN", ALERTS)
                .env("PACKWATCH_EVENTS_TOPIC_ARN", EVENTS)
                .env("PACKWATCH_NOTIFY", "all")
                .env("PACKWATCH_GROUP_INTERVAL", "0");
        for (name, value) in settings {
            lambda = lambda.env(name, value);
        }
        Self { world, dynamo, lambda, served }
    }

    pub(crate) async fn invoke(&self, event: Value) -> Result<Value, Value> {
        self.lambda.invoke(event, TIMEOUT).await
    }

    pub(crate) async fn run(&self) -> Value {
        let answer = self.invoke(scheduled()).await;
        answer.unwrap_or_else(|error| panic!("{error}\n{}", self.lambda.logs().join("\n")))
    }

    /// The digests since the last look, as the documents under `default`.
    pub(crate) fn digests(&self) -> Vec<Value> {
        let messages = self.world.messages_to(ALERTS);
        messages.iter().map(|message| message.json_for("default")).collect()
    }

    pub(crate) fn forget(&self) {
        self.world.take_messages();
        self.world.reset_requests();
        self.dynamo.reset_requests();
    }
}

/// The outcome of each target of an answer.
pub(crate) fn outcomes(answer: &Value) -> Vec<&str> {
    answer["Targets"].as_array().unwrap().iter().map(|target| target["Outcome"].as_str().unwrap()).collect()
}
