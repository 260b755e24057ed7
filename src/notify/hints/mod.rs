//! What a failure means and what to do about it. AWS Config's error codes are an open set, and its messages are other
//! services' texts: each row of the table names where AWS says so, and what no row is about gets [`ANY_FAILURE`].

mod phrase;
mod rows;
mod sources;

use std::time::Duration;

use jiff::Timestamp;

use self::rows::HINTS;
pub use self::rows::{ANY_FAILURE, FLAPPING, Hint, PACK_DELETED, STUCK, UNRECOGNISED};
pub use self::sources::Source;

/// How long AWS Config keeps trying to deploy to a new account that has no recorder, from when it was added.
pub const RETRIED: Duration = Duration::from_secs(7 * 3600);

/// What is known of a failure: the first row that its code or its message fits. Rows go from what says most to what
/// says least, so that a code which stands for many causes does not hide what the message says.
pub fn failure(code: Option<&str>, message: Option<&str>) -> &'static Hint {
    let message = message.unwrap_or_default();
    let named: Vec<&str> = message.split(|c: char| !c.is_alphanumeric()).chain(code).collect();
    let words = phrase::words(message);
    HINTS.iter().find(|hint| hint.fits(&named, &words)).unwrap_or(&ANY_FAILURE)
}

impl Hint {
    /// Returns whether an error is about this. AWS CloudFormation's summaries name a code in the message:
    /// "NoAvailableConfigurationRecorderException in 27 account(s)".
    fn fits(&self, named: &[&str], words: &[String]) -> bool {
        self.codes.iter().any(|code| named.contains(code))
            || self.messages.iter().any(|phrase| phrase::is_in(phrase, words))
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
    use super::sources::LIMITS;
    use super::*;

    fn row(code: Option<&str>, message: Option<&str>) -> &'static str {
        failure(code, message).name
    }

    #[test]
    fn real_texts_get_the_right_hint_or_none() {
        let lines = include_str!("texts.tsv").lines().filter(|line| !line.starts_with('#'));
        let texts: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
        for text in &texts {
            let [name, code, source, message] = text[..] else { panic!("{text:?}") };
            let name = if name == "-" { ANY_FAILURE.name } else { name };
            assert_eq!(failure(Some(code), Some(message)).name, name, "{message}");
            assert!(!source.is_empty(), "{message}");
        }
        let without = HINTS.iter().find(|hint| !texts.iter().any(|text| text[0] == hint.name));
        assert_eq!(without, None, "a row without a real text");
    }

    #[test]
    fn the_name_of_a_packs_stack_says_nothing() {
        let stack = "arn:aws:cloudformation:eu-west-1:111122223333:stack/awsconfigconforms-Security-Baseline-\
                     conformance-pack-n0q8yfwsp/d4301fe0-a9b1-11e9-994d-025f28dd83ba";
        for state in
            ["is in DELETE_FAILED state.", "was not stabilized.", "is in UPDATE_IN_PROGRESS state", ""]
        {
            assert_eq!(row(None, Some(&format!("Stack {stack} {state}"))), "ANY_FAILURE", "{state}");
        }
        let denied = format!("not authorized to perform: cloudformation:DeleteStack on resource: {stack}");
        assert_eq!(row(Some("AccessDenied"), Some(&denied)), "PERMISSION");
        let bucket = "not authorized to perform: s3:PutObject on arn:aws:s3:::awsconfigconforms-example";
        assert_eq!(row(Some("AccessDenied"), Some(bucket)), "BUCKET");
        let other = bucket.replace("awsconfigconforms-", "template-");
        assert_eq!(row(Some("AccessDenied"), Some(&other)), "PERMISSION");
    }

    #[test]
    fn a_code_wins_over_a_message_that_says_less() {
        let recorder = row(Some("NoAvailableConfigurationRecorderException"), Some("Access denied"));
        assert_eq!(recorder, "RECORDER");
        assert_eq!(row(Some("AccessDenied"), Some("There is no configuration recorder")), "RECORDER");
        assert_eq!(row(Some("X"), Some("The account is suspended")), "SUSPENDED");
        assert_eq!(row(Some("X"), None), "ANY_FAILURE");
        assert_eq!(row(None, None), "ANY_FAILURE");
        assert_eq!(row(Some("LimitExceededException"), None), "ANY_FAILURE", "a limit of what?");
    }

    #[test]
    fn no_hint_asks_for_a_higher_quota() {
        for hint in &HINTS {
            assert!(!hint.todo.contains("- "), "a command that is torn apart: {hint:?}");
            assert!(!hint.todo.contains("higher") && !hint.todo.contains("increase"), "{hint:?}");
        }
        let mut limits = HINTS.iter().filter(|hint| hint.source == LIMITS);
        assert!(limits.all(|hint| hint.todo.contains("does not raise")));
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
            for phrase in hint.messages {
                let words = phrase::words(&phrase.replace('…', "x")).join(" ");
                assert_eq!(words, phrase.replace('…', "x"), "lower case, bare words");
            }
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
