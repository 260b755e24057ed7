//! Signed calls to AWS Lambda and EventBridge Scheduler, which answer with JSON.
//!
//! One call of each is all that is needed, and their SDK crates take long to compile (`docs/design.md` has the numbers).
//! This is the SDK's own machinery below its generated clients: its connector, its time-outs, its signatures, its endpoint
//! settings.

use std::fmt::Display;
use std::time::SystemTime;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_config::config::ProvideCredentials;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::service_config::ServiceConfigKey;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Inspector;
use crate::doctor::facts::{Answer, Unanswered};

/// A service.
pub(super) struct Service {
    /// As the endpoint variables name it: `AWS_ENDPOINT_URL_{ID}`.
    pub(super) id: &'static str,
    /// As its hosts and its signatures name it.
    pub(super) name: &'static str,
}

type Call = Operation<HttpRequest, Value, ErrorMetadata>;

impl Inspector {
    /// Gets a path of a service in the connection's region; `action` is the IAM action that the call needs.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        service: &Service,
        action: &'static str,
        path: &str,
    ) -> Answer<T> {
        let silent = |why: &dyn Display| Unanswered::Silent(format!("{action}: {why}"));
        let signed = signed(self.sdk(), service, path).await;
        let (operation, request) = signed.map_err(|error| silent(&error))?;
        let answer = self.ask(action, operation.invoke(request)).await?;
        serde_json::from_value(answer).map_err(|error| silent(&error))
    }
}

/// Text as a part of a path or of a query.
pub(super) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn signed(sdk: &SdkConfig, service: &Service, path: &str) -> Result<(Call, HttpRequest), BoxError> {
    let region = sdk.region().ok_or("no region is set")?.as_ref();
    let endpoint = endpoint(sdk, service, region).await?;
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(path)?;

    let credentials =
        sdk.credentials_provider().ok_or("there are no credentials")?.provide_credentials().await?;
    let identity = Identity::from(credentials);
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service.name)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?;
    let url = format!("{endpoint}{path}");
    let body = SignableBody::Bytes(&[]);
    let signable = SignableRequest::new(request.method(), &url, request.headers().iter(), body)?;
    let (signature, _) = sign(signable, &params.into())?.into_parts();
    for (name, value) in signature.headers() {
        request.headers_mut().try_insert(name.to_owned(), value.to_owned())?;
    }

    let operation = Operation::builder()
        .service_name(service.name)
        .operation_name(service.name)
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(&endpoint)
        .http_client(sdk.http_client().ok_or("no HTTP client is set")?)
        .no_auth()
        .no_retry()
        .timeout_config(sdk.timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled))
        .serializer(Ok)
        .deserializer(answer)
        .build();
    Ok((operation, request))
}

fn answer(response: &HttpResponse) -> Result<Value, OrchestratorError<ErrorMetadata>> {
    let body = response.body().bytes().unwrap_or_default();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if response.status().is_success() {
        return Ok(body);
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    // Such as "ResourceNotFoundException:http://…".
    let code = response.headers().get("x-amzn-errortype").unwrap_or("UnknownError");
    let code = code.split(':').next().unwrap_or_default();
    let message = text("message").or_else(|| text("Message")).unwrap_or("no message");
    Err(OrchestratorError::operation(ErrorMetadata::builder().code(code).message(message).build()))
}

/// As the SDK's clients find it: the service's own setting, the setting for all, or AWS's host.
async fn endpoint(sdk: &SdkConfig, service: &Service, region: &str) -> Result<String, BoxError> {
    let key =
        ServiceConfigKey::builder().service_id(service.id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
    let own = sdk.service_config().and_then(|config| config.load_config(key.build().ok()?));
    if let Some(address) = own.or_else(|| sdk.endpoint_url().map(str::to_owned)) {
        return Ok(address.trim_end_matches('/').to_owned());
    }
    // The SDK has a table of the partitions, and hands out what it makes of it: AWS STS has a host in every region.
    let sts = DefaultResolver::new().resolve_endpoint(&Params::builder().region(region).build()?).await?;
    Ok(sts.url().replacen("://sts.", &format!("://{}.", service.name), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hosts_are_named_by_the_partition_of_the_region() {
        let (sdk, service) = (SdkConfig::builder().build(), Service { id: "Lambda", name: "lambda" });
        for (region, domain) in [
            ("us-east-1", "amazonaws.com"),
            ("us-gov-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("eusc-de-east-1", "amazonaws.eu"),
            ("us-iso-east-1", "c2s.ic.gov"),
        ] {
            let wanted = format!("https://lambda.{region}.{domain}");
            assert_eq!(endpoint(&sdk, &service, region).await.unwrap(), wanted);
        }
    }
}
