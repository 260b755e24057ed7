//! Pack names with `*` in them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::{Invalid, PackName};

/// Some organization conformance packs: a name, in which `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
// What was stored is read as it is: text that no pack can match matches none.
#[serde(transparent)]
pub struct PackGlob(String);

impl FromStr for PackGlob {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '*');
        if (1..=128).contains(&text.len()) && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            let rule = "letters, digits, hyphens, and * for any of them";
            Err(Invalid { what: "pack name or glob", value: text.to_owned(), rule })
        }
    }
}

impl PackGlob {
    /// Every pack.
    pub fn any() -> Self {
        Self("*".to_owned())
    }

    /// Whether the pack is one of these.
    pub fn matches(&self, pack: &PackName) -> bool {
        matches(&self.0, pack.as_str())
    }
}

/// Whether the text fits, in which `*` stands for any characters.
pub(crate) fn matches(glob: &str, text: &str) -> bool {
    let mut pieces = glob.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece).and_then(|at| rest.get(at + piece.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl fmt::Display for PackGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (glob, text, fits) in [
            ("Security", "Security", true),
            ("Security", "Security-2", false),
            ("Security*", "Security", true),
            ("*-test", "Security-test", true),
            ("*-test", "test", false),
            ("S*-*t", "S-t", true),
            ("S*-*t", "St", false),
            ("a*a", "a", false),
            ("*", "Anything", true),
        ] {
            assert_eq!(matches(glob, text), fits, "{glob} {text}");
        }
    }

    #[test]
    fn what_no_pack_can_be_called_is_refused() {
        for text in ["", "Sec urity", "Säcurity", "!Security", "a,b"] {
            assert!(text.parse::<PackGlob>().is_err(), "{text}");
        }
    }
}
