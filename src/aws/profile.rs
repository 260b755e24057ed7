//! Profiles and credentials by the AWS CLI's rules, where they are not the SDK's: a profile that is asked for by name
//! must exist, and `--profile` comes before keys in the environment.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileSet, load};
use aws_config::provider_config::ProviderConfig;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};

use crate::model::text::did_you_mean;

/// The region of the profile that `--profile` or `AWS_PROFILE` names, which must be there, or of the default one.
pub async fn region(flag: Option<&str>) -> Result<Option<String>, String> {
    let named = flag.map(str::to_owned).or_else(|| variable("AWS_PROFILE"));
    let selected = named.clone().map(Into::into);
    let profiles = load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), selected).await;
    let profiles = profiles.map_err(|error| format!("the AWS config files cannot be read: {error}"))?;
    match named {
        Some(name) if profiles.get_profile(&name).is_none() => Err(missing(&name, &profiles)),
        _ => Ok(profiles.get("region").map(str::to_owned)),
    }
}

fn missing(name: &str, profiles: &ProfileSet) -> String {
    let file = |path: &str, default: &str| variable(path).unwrap_or_else(|| default.to_owned());
    let config = file("AWS_CONFIG_FILE", "~/.aws/config");
    let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
    let meant = did_you_mean(name, profiles.profiles());
    format!("there is no profile {name:?} in {config} or {credentials}{meant}")
}

/// The profile's credentials, and of what the machine has by itself; never those of the environment.
pub(super) fn credentials(profile: &str, config: &ProviderConfig) -> CredentialsProviderChain {
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
