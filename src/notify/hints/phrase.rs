//! Phrases that say what an error message is about: whole words that follow each other, so that a name which has one
//! of them in it says nothing.

/// Stands for any characters within one word.
const ANY: char = '…';

/// The words of a text in lower case, without the punctuation around them.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(|word| bare(word).to_lowercase()).filter(|word| !word.is_empty()).collect()
}

/// Returns whether the phrase, in lower case, is somewhere in the text of these words.
pub(super) fn is_in(phrase: &str, words: &[String]) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    words.windows(phrase.len()).any(|part| part.iter().zip(&phrase).all(|(word, like)| fits(word, like)))
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| c.is_ascii_punctuation())
}

fn fits(word: &str, like: &str) -> bool {
    let Some((start, rest)) = like.split_once(ANY) else {
        return word == like;
    };
    let Some(word) = word.strip_prefix(start) else {
        return false;
    };
    rest.is_empty() || word.char_indices().any(|(at, _)| word.get(at..).is_some_and(|end| fits(end, rest)))
}

#[cfg(test)]
mod tests {
    use super::{is_in, words};

    #[test]
    fn a_phrase_is_whole_words_that_follow_each_other() {
        let has = |text, phrase| is_in(phrase, &words(text));
        assert!(has("Now: Rate exceeded.", "rate exceeded") && has("(\"rate  exceeded\")", "rate exceeded"));
        assert!(!has("The crate exceeded it", "rate exceeded") && !has("rate was exceeded", "rate exceeded"));
        assert!(has("The rule x-1, is bad", "rule … is bad") && !has("rule x y is bad", "rule … is bad"));
        assert!(has("on arn:aws:s3:::my-bucket/k", "arn:…:s3:::my-…"));
        assert!(!has("on arn:aws:x:::stack/my-s3", "arn:…:s3:::my-…") && !has("my-x", "…-y"));
        assert!(!has("", "a") && !has("é", "e") && has("é", "…é"));
    }
}
