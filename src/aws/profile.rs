//! Profiles and credentials by the AWS CLI's rules, where they are not the SDK's: a profile that is asked for by name
//! must exist, and `--profile` comes before keys in the environment.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileSet, load};
use aws_config::provider_config::ProviderConfig;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};

use crate::model::text::nearest;

/// Why a profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// It is in none of the files.
    #[error("there is no profile {name:?} in {config} or {credentials}{hint}")]
    Missing {
        /// As asked for.
        name: String,
        /// The shared config file.
        config: String,
        /// The shared credentials file.
        credentials: String,
        /// What may have been meant.
        hint: String,
    },
    /// The files cannot be understood.
    #[error("the AWS config files cannot be read: {0}")]
    Unreadable(String),
}

/// The profiles of the files, with the one selected that `--profile` or `AWS_PROFILE` names.
async fn profiles(flag: Option<&str>) -> Result<ProfileSet, ProfileError> {
    let named = flag.map(str::to_owned).or_else(|| variable("AWS_PROFILE"));
    let selected = named.clone().map(Into::into);
    let profiles = load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), selected).await;
    let profiles = profiles.map_err(|error| ProfileError::Unreadable(error.to_string()))?;
    match named {
        Some(name) if profiles.get_profile(&name).is_none() => Err(missing(name, &profiles)),
        _ => Ok(profiles),
    }
}

fn missing(name: String, profiles: &ProfileSet) -> ProfileError {
    let file = |path: &str, default: &str| variable(path).unwrap_or_else(|| default.to_owned());
    let nearest = nearest(&name, profiles.profiles());
    ProfileError::Missing {
        config: file("AWS_CONFIG_FILE", "~/.aws/config"),
        credentials: file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        hint: nearest.map_or_else(String::new, |nearest| format!(". Did you mean {nearest:?}?")),
        name,
    }
}

/// Whether the profile that `--profile` or `AWS_PROFILE` names is there.
pub(super) async fn check(flag: Option<&str>) -> Result<(), ProfileError> {
    profiles(flag).await.map(drop)
}

/// The region of the profile that `--profile` or `AWS_PROFILE` names, or of the default one.
pub async fn region(flag: Option<&str>) -> Result<Option<String>, ProfileError> {
    Ok(profiles(flag).await?.get("region").map(str::to_owned))
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
