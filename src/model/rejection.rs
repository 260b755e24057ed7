//! Why AWS takes no call at all, whatever the caller may do: credentials, a region, a clock.

use super::ids::Region;

/// Why AWS takes no call at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// The credentials are missing, wrong or expired.
    Credentials,
    /// Nobody has these credentials here: they are wrong, or the region is not enabled in the account.
    CredentialsOrRegion,
    /// The region is not enabled in the account.
    Region,
    /// The signature is too old or too new.
    Clock,
}

impl Rejection {
    /// What an error of a service says, if it is about that.
    pub fn of(code: &str, message: &str) -> Option<Self> {
        match code {
            "RequestExpired" | "RequestInTheFuture" | "RequestTimeTooSkewed" => Some(Self::Clock),
            "InvalidSignatureException" | "SignatureDoesNotMatch"
                if message.contains("Signature expired") || message.contains("Signature not yet current") =>
            {
                Some(Self::Clock)
            }
            "OptInRequired" | "SubscriptionRequiredException" => Some(Self::Region),
            "InvalidClientTokenId" | "UnrecognizedClientException" => Some(Self::CredentialsOrRegion),
            "ExpiredToken"
            | "ExpiredTokenException"
            | "IncompleteSignature"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "SignatureDoesNotMatch" => Some(Self::Credentials),
            _ => None,
        }
    }
}

/// The regions of before March 2019, which are enabled in every account. The list is closed: each one since then must be
/// enabled ("Enable or disable AWS Regions in your account", AWS Account Management Reference Guide).
const ALWAYS_ENABLED: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether a region must be enabled in an account before it can be used. In the other partitions none must.
pub fn must_be_enabled(region: &Region) -> bool {
    let region = region.as_str();
    let elsewhere = ["cn-", "eusc-", "us-gov-", "us-iso", "eu-iso"];
    !ALWAYS_ENABLED.contains(&region) && !elsewhere.iter().any(|partition| region.starts_with(partition))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_newer_regions_of_the_commercial_partition_must_be_enabled() {
        let must = |region: &str| must_be_enabled(&region.parse().unwrap());
        assert!(
            ["me-south-1", "af-south-1", "ap-east-1", "eu-central-2", "mx-central-1"].into_iter().all(must)
        );
        assert!(
            !["eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1"]
                .into_iter()
                .any(must)
        );
    }

    #[test]
    fn a_signature_is_about_a_clock_or_about_a_key() {
        let of = |message| Rejection::of("InvalidSignatureException", message);
        assert_eq!(of("Signature expired: 20261128T210000Z is now earlier than …"), Some(Rejection::Clock));
        assert_eq!(of("The request signature we calculated does not match"), Some(Rejection::Credentials));
        assert_eq!(Rejection::of("AccessDeniedException", "Signature expired"), None);
    }
}
