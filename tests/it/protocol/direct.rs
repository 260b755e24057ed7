//! The world without HTTP: the ports over the same model of AWS Config and SNS, with the services' own rules. A
//! search that runs the pipeline ten thousand times has no time for sockets.

use packwatch::model::{DetailedStatus, PackName, Region, Target};
use packwatch::notify::message::{Alert, Attribute, Event};
use packwatch::ports::{
    Filters, Machines, Page, PageRequest, PublishError, Publisher, SourceError, StatusSource,
};
use packwatch::settings::{Reader, Settings};
use serde_json::{Value, json};

use crate::world::sns_form::{Draft, DraftAttribute};
use crate::world::{ServiceError, World, config, sns_rules};

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ALERTS: &str = "arn:aws:sns:eu-west-1:999999999999:alerts";
pub(crate) const EVENTS: &str = "arn:aws:sns:eu-west-1:999999999999:events";

/// The settings that an environment with these variables gives.
/// People hear of everything, and of each run's at once, unless a test says otherwise.
const DEFAULTS: [(&str, &str); 3] =
    [("AWS_REGION", REGION), ("PACKWATCH_NOTIFY", "all"), ("PACKWATCH_GROUP_INTERVAL", "0")];

pub(crate) fn settings(variables: &[(&str, &str)]) -> Settings {
    let lookup = |name: &str| {
        let own = variables.iter().find(|(variable, _)| *variable == name);
        own.map(|(_, value)| (*value).to_owned()).or_else(|| {
            DEFAULTS.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        })
    };
    Reader::new(&lookup).settings()
}

pub(crate) fn target(pack: &str) -> Target {
    target_in(REGION, pack)
}

pub(crate) fn target_in(region: &str, pack: &str) -> Target {
    Target { region: region.parse().unwrap(), pack: pack.parse().unwrap() }
}

/// AWS Config and SNS of a world, as ports.
#[derive(Clone)]
pub(crate) struct Direct(pub(crate) World);

impl Direct {
    fn ask(&self, region: &Region, operation: &str, body: &Value) -> Result<Value, SourceError> {
        let mut state = self.0.lock();
        let answer = config::respond(&mut state, region.as_str(), operation, body.to_string().as_bytes());
        answer.map(|body| serde_json::from_slice(&body).unwrap()).map_err(explain)
    }

    /// What SNS does with a message: its rules first.
    fn publish(&self, topic: &str, drafts: Vec<Draft>) -> Result<(), PublishError> {
        let mut state = self.0.lock();
        let batched = drafts.iter().any(|draft| draft.batch_entry_id.is_some());
        let checked = match drafts.as_slice() {
            [draft] if !batched => sns_rules::check(draft, topic),
            drafts => sns_rules::check_batch(drafts, topic),
        };
        checked.map_err(|error| PublishError::Refused(format!("{}: {}", error.code, error.message)))?;
        for draft in drafts {
            state.sns.accepted += 1;
            let id = state.sns.accepted.to_string();
            state.sns.messages.push(draft.accept(topic, id));
        }
        Ok(())
    }
}

fn explain(error: ServiceError) -> SourceError {
    match error.code.as_str() {
        "NoSuchOrganizationConformancePackException" => SourceError::Gone(error.message),
        "OrganizationAccessDeniedException" => SourceError::Denied(error.message),
        "InvalidNextTokenException" => SourceError::TokenRefused(error.message),
        _ => SourceError::Unavailable(error.message),
    }
}

impl StatusSource for Direct {
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError> {
        let body = json!({"Limit": page.limit, "NextToken": page.token});
        let answer = self.ask(region, "DescribeOrganizationConformancePacks", &body)?;
        let packs = answer["OrganizationConformancePacks"].as_array().unwrap();
        let name = |pack: &Value| pack["OrganizationConformancePackName"].as_str().unwrap().parse().unwrap();
        Ok(Page { items: packs.iter().map(name).collect(), next_token: text(&answer["NextToken"]) })
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let body = json!({
            "OrganizationConformancePackName": target.pack,
            "Filters": {"AccountId": filters.account, "Status": filters.status},
            "Limit": page.limit,
            "NextToken": page.token,
        });
        let answer = self.ask(&target.region, "GetOrganizationConformancePackDetailedStatus", &body)?;
        let rows = answer["OrganizationConformancePackDetailedStatuses"].as_array().unwrap();
        Ok(Page { items: rows.iter().map(row).collect(), next_token: text(&answer["NextToken"]) })
    }
}

fn row(row: &Value) -> DetailedStatus {
    let time = |seconds: f64| jiff::Timestamp::from_millisecond((seconds * 1000.0).round() as i64).unwrap();
    DetailedStatus {
        account: row["AccountId"].as_str().unwrap().parse().unwrap(),
        conformance_pack_name: text(&row["ConformancePackName"]).unwrap_or_default(),
        status: row["Status"].as_str().unwrap().parse().unwrap(),
        error_code: text(&row["ErrorCode"]),
        error_message: text(&row["ErrorMessage"]),
        last_update: row["LastUpdateTime"].as_f64().map(time),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

impl Publisher for Direct {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        let draft = Draft {
            subject: Some(alert.subject.clone()),
            message: alert.message.clone(),
            message_structure: Some("json".to_owned()),
            attributes: attributes(&alert.attributes),
            ..Draft::default()
        };
        self.publish(ALERTS, vec![draft])
    }

    fn machines(&self) -> Machines {
        Machines::Listen
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        let draft = |(index, event): (usize, &Event)| Draft {
            batch_entry_id: Some(index.to_string()),
            message: event.message.clone(),
            attributes: attributes(&event.attributes),
            ..Draft::default()
        };
        self.publish(EVENTS, events.iter().enumerate().map(draft).collect()).map(|()| Vec::new())
    }
}

fn attributes(attributes: &[Attribute]) -> Vec<(String, DraftAttribute)> {
    let draft = |a: &Attribute| DraftAttribute {
        data_type: Some(a.data_type.to_owned()),
        string_value: Some(a.value.clone()),
        binary_value: None,
    };
    attributes.iter().map(|a| (a.name.to_owned(), draft(a))).collect()
}

impl Direct {
    /// The world's clock: what its changes are stamped with is also what a run takes for now.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(self.0.lock().now() as i64).unwrap()
    }
}
