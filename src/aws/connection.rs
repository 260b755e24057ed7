//! What every AWS client shares: credentials, one HTTP connector, retries and time-outs. Profiles are by the AWS CLI's
//! rules, where they are not the SDK's: one that is asked for by name must exist, and `--profile` comes before keys in
//! the environment.

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileSet, load};
use aws_config::provider_config::ProviderConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::os_shim_internal::{Env, Fs};

use super::reach::Reaching;
use crate::model::Region;
use crate::model::text::did_you_mean;

/// Tries of one call. Standard mode: adaptive mode waited 20 s after one throttle (measured), and a pack
/// that is throttled a little longer is better waited for than read again.
const ATTEMPTS: u32 = 8;

/// Tries of a call for which a person waits.
const ATTEMPTS_OF_USER: u32 = 4;

const FIRST_BACKOFF: Duration = Duration::from_millis(500);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Without these a server that accepts and never answers hangs a run for ever.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(25);

/// The shared part of every client.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(super) sdk: SdkConfig,
}

impl Connection {
    /// As the environment says: the Lambda's.
    pub async fn of_environment() -> Self {
        Self::load(aws_config::defaults(BehaviorVersion::v2026_01_12())).await
    }

    /// As the environment, the AWS config files and the flags say, by the AWS CLI's rules.
    pub async fn of_user(region: Option<&Region>, profile: Option<&str>) -> Result<Self, String> {
        let of_profile = profile_region(profile).await?;
        let http_client = http_client();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
        if let Some(region) = region {
            loader = loader.region(SdkRegion::new(region.to_string()));
        }
        if let Some(profile) = profile {
            let region = region.map(ToString::to_string).or(of_profile).map(SdkRegion::new);
            let config = ProviderConfig::without_region().with_http_client(http_client.clone());
            let config = config.with_region(region);
            loader = loader.profile_name(profile).credentials_provider(profile_credentials(profile, &config));
        }
        Ok(Self::load_over(loader, http_client, ATTEMPTS_OF_USER).await)
    }

    /// As a loader of the caller's says, with the connector, time-outs and retries of this module.
    pub async fn load(loader: aws_config::ConfigLoader) -> Self {
        Self::load_over(loader, http_client(), ATTEMPTS).await
    }

    async fn load_over(
        loader: aws_config::ConfigLoader,
        http_client: SharedHttpClient,
        attempts: u32,
    ) -> Self {
        let timeouts = TimeoutConfig::builder()
            .read_timeout(READ_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build();
        // An attempt ends with its time-out, whether its stream stalls or not.
        let stalled = StalledStreamProtectionConfig::disabled();
        let loader = loader.timeout_config(timeouts).stalled_stream_protection(stalled);
        let sdk = loader.http_client(http_client).load().await;
        // What the user sets (AWS_MAX_ATTEMPTS, AWS_RETRY_MODE, the config file) stands.
        if sdk.retry_config().is_none_or(|retries| *retries == RetryConfig::standard()) {
            let retries = RetryConfig::standard()
                .with_max_attempts(attempts)
                .with_initial_backoff(FIRST_BACKOFF)
                .with_max_backoff(LONGEST_BACKOFF);
            return Self { sdk: sdk.into_builder().retry_config(retries).build() };
        }
        Self { sdk }
    }
}

/// One connector for all clients: each would otherwise parse the root certificates and keep its own
/// connections. rustls on ring, since aws-lc spends 24 ms on entropy at the first handshake. A custom
/// client reads no proxy variables by itself.
fn http_client() -> SharedHttpClient {
    let shared: OnceLock<SharedHttpConnector> = OnceLock::new();
    http_client_fn(move |settings, components| {
        let connect = || {
            let mut builder = Connector::builder()
                .connector_settings(settings.clone())
                .proxy_config(ProxyConfig::from_env())
                .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring));
            builder.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(Reaching(SharedHttpConnector::new(builder.build())))
        };
        shared.get_or_init(connect).clone()
    })
}

/// The region of the profile that `--profile` or `AWS_PROFILE` names, which must be there, or of the default one.
pub async fn profile_region(flag: Option<&str>) -> Result<Option<String>, String> {
    let named = flag.map(str::to_owned).or_else(|| variable("AWS_PROFILE"));
    let selected = named.clone().map(Into::into);
    let profiles = load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), selected).await;
    let profiles = profiles.map_err(|error| format!("the AWS config files cannot be read: {error}"))?;
    match named {
        Some(name) if profiles.get_profile(&name).is_none() => Err(missing_profile(&name, &profiles)),
        _ => Ok(profiles.get("region").map(str::to_owned)),
    }
}

fn missing_profile(name: &str, profiles: &ProfileSet) -> String {
    let file = |path: &str, default: &str| variable(path).unwrap_or_else(|| default.to_owned());
    let config = file("AWS_CONFIG_FILE", "~/.aws/config");
    let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
    let meant = did_you_mean(name, profiles.profiles());
    format!("there is no profile {name:?} in {config} or {credentials}{meant}")
}

/// The profile's credentials, and of what the machine has by itself; never those of the environment.
fn profile_credentials(profile: &str, config: &ProviderConfig) -> CredentialsProviderChain {
    let of_profile = ProfileFileCredentialsProvider::builder().configure(config).profile_name(profile);
    let of_container = EcsCredentialsProvider::builder().configure(config);
    let of_instance = ImdsCredentialsProvider::builder().configure(config);
    CredentialsProviderChain::first_try("Profile", of_profile.build())
        .or_else("EcsContainer", of_container.build())
        .or_else("Ec2InstanceMetadata", of_instance.build())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
