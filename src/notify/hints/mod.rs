//! What a failure means and what to do about it. AWS Config's error codes are an open set, and its messages are other
//! services' texts: each row of `hints.json` names where AWS says so, and what no row is about gets [`Hints::any_failure`].
//!
//! `CONTRIBUTING.md` says how to add a row, and `texts.tsv` has what AWS really says, for the tests.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::glob;

/// The rows of `hints.json`. That it can be read is tested, so nothing is made of an error.
pub static HINTS: LazyLock<Hints> =
    LazyLock::new(|| serde_json::from_str(include_str!("hints.json")).unwrap_or_default());

/// All that is known.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hints {
    /// Of failures: from what says most to what says least.
    failures: Vec<Hint>,
    /// For a failure that no row fits.
    pub any_failure: Hint,
    /// For a deployment that does not end.
    pub stuck: Hint,
    /// For an account that changes too often.
    pub flapping: Hint,
    /// For a status that AWS did not document when this was written.
    pub unrecognised: Hint,
    /// For a pack that is gone.
    pub pack_deleted: Hint,
}

/// What is known of an error.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hint {
    /// Tells it from the others, in `texts.tsv` too.
    pub name: String,
    /// The error codes that it is about.
    codes: Vec<String>,
    /// Phrases of error messages, any of which tells that it is about this: in lower case; `*` stands for anything within
    /// one word.
    messages: Vec<String>,
    /// What it means.
    pub means: String,
    /// What to do.
    pub todo: String,
    /// The title of the page of AWS's documentation that says so.
    pub title: String,
    /// The page's address.
    pub url: String,
}

/// What is known of a failure: the first row that its code or its message fits. A code which stands for many causes does
/// not hide what the message says. AWS CloudFormation's summaries name a code in the message:
/// "NoAvailableConfigurationRecorderException in 27 account(s)".
pub fn failure(code: Option<&str>, message: Option<&str>) -> &'static Hint {
    let message = message.unwrap_or_default();
    let named: Vec<&str> = message.split(|c: char| !c.is_alphanumeric()).chain(code).collect();
    let words = words(message);
    let fits = |hint: &&Hint| {
        hint.codes.iter().any(|code| named.contains(&code.as_str()))
            || hint.messages.iter().any(|phrase| is_in(phrase, &words))
    };
    HINTS.failures.iter().find(fits).unwrap_or(&HINTS.any_failure)
}

/// The words of a text in lower case, without the punctuation around them.
fn words(text: &str) -> Vec<String> {
    let bare = |word: &str| word.trim_matches(|c: char| c.is_ascii_punctuation()).to_lowercase();
    text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect()
}

/// Returns whether the words of a phrase follow each other in the text of these words: a name which has one of them in
/// it says nothing.
fn is_in(phrase: &str, words: &[String]) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    let fits = |part: &[String]| part.iter().zip(&phrase).all(|(word, like)| glob::matches(like, word));
    words.windows(phrase.len()).any(fits)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_phrase_is_whole_words_that_follow_each_other() {
        let has = |text, phrase| is_in(phrase, &words(text));
        assert!(has("Now: Rate exceeded.", "rate exceeded") && has("(\"rate  exceeded\")", "rate exceeded"));
        assert!(!has("The crate exceeded it", "rate exceeded") && !has("rate was exceeded", "rate exceeded"));
        assert!(has("The rule x-1, is bad", "rule * is bad") && !has("rule x y is bad", "rule * is bad"));
        assert!(has("on arn:aws:s3:::my-bucket/k", "arn:*:s3:::my-*"));
        assert!(!has("on arn:aws:x:::stack/my-s3", "arn:*:s3:::my-*") && !has("", "a"));
    }

    #[test]
    fn real_texts_get_the_right_hint_or_none() {
        let lines = include_str!("texts.tsv").lines().filter(|line| !line.starts_with('#'));
        let texts: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
        for text in &texts {
            let [name, code, source, message] = text[..] else { panic!("{text:?}") };
            let name = if name == "-" { "ANY_FAILURE" } else { name };
            assert_eq!(failure(Some(code), Some(message)).name, name, "{message}");
            assert!(!source.is_empty(), "{message}");
        }
        assert_eq!(*failure(None, None), HINTS.any_failure);
        let is_real = |hint: &&Hint| texts.iter().any(|text| text[0] == hint.name && text[2] != "made up");
        let without = HINTS.failures.iter().find(|hint| !is_real(hint));
        assert_eq!(without, None, "a row without a real text");
    }

    #[test]
    fn every_row_is_whole_and_none_asks_for_a_higher_quota() {
        let codes = || HINTS.failures.iter().flat_map(|hint| &hint.codes);
        assert_eq!(codes().collect::<BTreeSet<_>>().len(), codes().count(), "no code stands twice");
        let Hints { failures, any_failure, stuck, flapping, unrecognised, pack_deleted } = &*HINTS;
        for hint in failures.iter().chain([any_failure, stuck, flapping, unrecognised, pack_deleted]) {
            let Hint { name, messages, means, todo, title, url, .. } = hint;
            assert!(![name, means, todo, title].iter().any(|text| text.is_empty()), "{hint:?}");
            assert!(url.starts_with("https://docs.aws.amazon.com/") && url.ends_with(".html"), "{url}");
            assert!(!todo.contains("- "), "a command that is torn apart: {todo}");
            assert!(!todo.contains("higher") && !todo.contains("increase"), "{todo}");
            assert!(title != "Service Limits for AWS Config" || todo.contains("does not raise"), "{todo}");
            for phrase in messages.iter().map(|phrase| phrase.replace('*', "x")) {
                assert_eq!(words(&phrase).join(" "), phrase, "lower case, bare words");
            }
        }
    }
}
