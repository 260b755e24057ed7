//! The keys of the stored items: `pk` and `sk`, the same in DynamoDB and in SQLite.

use super::head::Topic;
use super::log::Position;
use crate::model::Target;

/// The partition of every head, cursor and silence: one Query reads them.
pub const HEADS: &str = "heads";

/// The partition of the digests.
pub const MESSAGES: &str = "messages";

/// The sort key of the scheduled function's settings.
pub const SETTINGS: &str = "settings";

/// What the sort key of a snapshot's chunk starts with.
pub const CHUNKS: &str = "snapshot#";

/// What the sort key of a part of the log starts with.
const LOG: &str = "log#";

/// The sort key of a target's head.
pub fn head(target: &Target) -> String {
    format!("head#{}", target.partition())
}

/// The sort key of a topic's cursors.
pub fn cursors(topic: Topic) -> String {
    format!("cursors#{}", topic.as_str())
}

/// The sort key of a silence.
pub fn silence(id: &str) -> String {
    format!("silence#{id}")
}

/// The sort key of a digest.
pub fn message(id: &str) -> String {
    format!("message#{id}")
}

/// The sort key of a chunk of the snapshot.
pub fn chunk(number: u32) -> String {
    format!("{CHUNKS}{number:04}")
}

/// The number of a chunk's sort key.
pub fn chunk_of(sk: &str) -> Option<u32> {
    sk.strip_prefix(CHUNKS)?.parse().ok()
}

/// The sort key of a part of the log.
pub fn part(position: Position) -> String {
    format!("{LOG}{position}")
}

/// The position of a part's sort key.
pub fn part_of(sk: &str) -> Option<Position> {
    sk.strip_prefix(LOG)?.parse().ok()
}

/// The range, both ends included, of what is beyond `after` and not beyond `until`.
pub fn parts(after: Position, until: Position) -> (String, String) {
    // Behind the part at `after` and before any other one.
    (format!("{}!", part(after)), part(until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_is_beyond_its_begin_and_not_beyond_its_end() {
        let at = |epoch, part| Position { epoch, part };
        let (from, to) = parts(at(9, 1), at(10, 2));
        let within = |position| (&from..=&to).contains(&&part(position));
        assert!(!within(at(9, 1)) && within(at(9, 2)));
        assert!(within(at(10, 1)) && within(at(10, 2)) && !within(at(10, 3)));
        assert!(!(from..=to).contains(&chunk(3)));
    }

    #[test]
    fn keys_give_back_what_they_were_made_of() {
        assert_eq!(chunk_of(&chunk(63)), Some(63));
        let position = Position { epoch: 7, part: 2 };
        assert_eq!(part_of(&part(position)), Some(position));
    }
}
