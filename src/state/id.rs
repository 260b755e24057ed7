//! Ids: hashes of what they stand for, the same in every copy.

use sha2::{Digest, Sha256};

/// A hash of parts, none of which can be taken for a piece of another: 32 hexadecimal digits.
pub fn of(parts: &[&str]) -> String {
    let mut bytes = Vec::with_capacity(256);
    for part in parts {
        text(&mut bytes, part);
    }
    hex(Sha256::digest(&bytes).iter().take(16))
}

/// With its length before it, so that it is not taken for a piece of another.
pub(super) fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_be_bytes());
    bytes.extend(text.as_bytes());
}

pub(super) fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    let mut text = String::with_capacity(64);
    text.extend(bytes.flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_id_do_not_run_together() {
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["ab", "c"]).len(), 32);
    }
}
