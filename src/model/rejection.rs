//! Why AWS takes no call at all, whatever the caller may do: credentials, a region, a clock.

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
