//! What a failure means and what to do about it. AWS Config's error codes are an open set: each row of
//! the table names where AWS says so, and what no row knows gets the last one.

mod rows;

use std::time::Duration;

use jiff::Timestamp;

use self::rows::HINTS;
pub use self::rows::{ANY_FAILURE, FLAPPING, Hint, PACK_DELETED, STUCK, Source, UNRECOGNISED};

/// How long AWS Config keeps trying to deploy to a new account that has no recorder, from when it was added.
pub const RETRIED: Duration = Duration::from_secs(7 * 3600);

/// Codes under which AWS reports many causes. What the message says counts for more.
const SAYS_LITTLE: [&str; 6] = [
    "AccessDenied",
    "AccessDeniedException",
    "InsufficientPermissions",
    "InsufficientPermissionsException",
    "OrganizationAccessDeniedException",
    "LimitExceededException",
];

/// What is known of a failure: by its code, else by its message; for codes that say little, the other way round.
pub fn failure(code: Option<&str>, message: Option<&str>) -> &'static Hint {
    let message = message.unwrap_or_default().to_lowercase();
    let by_code = || HINTS.iter().find(|hint| code.is_some_and(|code| hint.codes.contains(&code)));
    let by_message = || HINTS.iter().find(|hint| hint.fits(&message));
    let known = match code {
        Some(code) if SAYS_LITTLE.contains(&code) => by_message().or_else(by_code),
        _ => by_code().or_else(by_message),
    };
    known.unwrap_or(&ANY_FAILURE)
}

impl Hint {
    /// Whether a message, in lower case, is about this. AWS CloudFormation's summaries name a code in it:
    /// "NoAvailableConfigurationRecorderException in 27 account(s)".
    fn fits(&self, message: &str) -> bool {
        self.messages.iter().any(|part| message.contains(part))
            || self.codes.iter().any(|code| message.contains(&code.to_lowercase()))
    }

    /// Until when, at the latest, AWS Config keeps trying by itself, for a creation that has failed since
    /// then. The account was added at that time or before.
    pub fn retried_until(&self, status: &str, since: Option<Timestamp>) -> Option<Timestamp> {
        let since = since.filter(|_| self.retried && status.starts_with("CREATE_"))?;
        since.checked_add(RETRIED).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::rows::{LIMITS, SERVICE_LINKED_RULES};
    use super::*;

    #[test]
    fn a_code_wins_over_a_message_and_something_is_said_of_everything() {
        let recorder = failure(Some("NoAvailableConfigurationRecorderException"), Some("access denied"));
        assert!(recorder.means.contains("recorder") && recorder.retried);
        assert_eq!(failure(None, Some("Config Recorder is not present")), recorder);
        assert!(failure(Some("X"), Some("The account is SUSPENDED")).means.contains("suspended"));
        assert_eq!(failure(Some("X"), None), &ANY_FAILURE);
    }

    #[test]
    fn a_message_wins_over_a_code_that_says_little() {
        let of = |message| failure(Some("AccessDenied"), Some(message));
        assert!(of("There is no configuration recorder in 111122223333").means.contains("recorder"));
        assert_eq!(of("explicit deny"), failure(Some("InsufficientPermissions"), None));
        assert!(of("explicit deny").means.contains("permission"));
        assert!(of("CreateServiceLinkedRole: access denied").means.contains("role"));
    }

    #[test]
    fn a_rule_that_cannot_be_deleted_is_not_taken_for_a_bucket() {
        let messages = [
            "User: arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForConfigConforms/\
             AwsConfigConformsWorkflow is not authorized to perform: config:DeleteConfigRule on resource: \
             arn:aws:config:eu-west-1:111122223333:config-rule/config-rule-abcdef",
            "An AWS service owns ServiceLinkedConfigRule. You do not have permissions to take action on this \
             rule.",
        ];
        for message in messages {
            for code in [None, Some("AccessDenied"), Some("InternalError")] {
                assert_eq!(failure(code, Some(message)).source, &SERVICE_LINKED_RULES, "{message}");
            }
        }
        let bucket = "User: arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForConfigConforms/\
                      AwsConfigConformsWorkflow is not authorized to perform: s3:PutObject on \
                      arn:aws:s3:::awsconfigconforms-example";
        assert!(failure(Some("AccessDenied"), Some(bucket)).means.contains("bucket"));
        let other = bucket.replace("awsconfigconforms-", "template-");
        assert!(
            failure(Some("AccessDenied"), Some(&other)).means.contains("permission"),
            "no role is missing"
        );
    }

    #[test]
    fn a_code_is_understood_in_the_summary_of_cloudformation() {
        let summary = "NoAvailableConfigurationRecorderException in 27 account(s)";
        assert!(failure(None, Some(summary)).retried);
        assert!(failure(Some("CREATE_FAILED"), Some(summary)).retried);
        let management = failure(Some("UnableToAssumeServiceLinkedRoleException"), None);
        assert!(management.means.contains("never been turned on"));
        assert_eq!(
            failure(None, Some("UnableToAssumeServiceLinkedRoleException in 1 account(s)")),
            management
        );
    }

    #[test]
    fn no_hint_asks_for_a_higher_quota() {
        for hint in &HINTS {
            assert!(!hint.todo.contains("higher") && !hint.todo.contains("increase"), "{hint:?}");
        }
        let limits = HINTS.iter().filter(|hint| hint.source == &LIMITS);
        assert!(
            limits.clone().count() == 2 && limits.clone().all(|hint| hint.todo.contains("does not raise"))
        );
    }

    #[test]
    fn every_row_has_a_source_and_no_code_stands_twice() {
        let mut codes: Vec<&str> = HINTS.iter().flat_map(|hint| hint.codes).copied().collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for hint in HINTS.iter().chain([&ANY_FAILURE, &STUCK, &FLAPPING, &UNRECOGNISED]) {
            assert!(hint.source.url.ends_with(".html") && !hint.source.title.is_empty());
            assert!(hint.messages.iter().all(|part| *part == part.to_lowercase()), "{hint:?}");
        }
    }

    #[test]
    fn only_a_creation_without_a_recorder_is_tried_again() {
        let since: Timestamp = "2026-11-18T09:12:00Z".parse().unwrap();
        let recorder = failure(Some("NoAvailableConfigurationRecorder"), None);
        let until = "2026-11-18T16:12:00Z".parse().ok();
        assert_eq!(recorder.retried_until("CREATE_FAILED", Some(since)), until);
        assert_eq!(recorder.retried_until("UPDATE_FAILED", Some(since)), None);
        assert_eq!(ANY_FAILURE.retried_until("CREATE_FAILED", Some(since)), None);
    }
}
