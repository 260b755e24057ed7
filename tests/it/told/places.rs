//! The packs of the two weeks.

use jiff::SignedDuration;
use packwatch::model::Target;

use crate::messages::samples::target;

/// Packs of a few accounts, then one of 60 and one of 140, then those of another region.
pub(crate) const SMALL: usize = 46;
pub(crate) const BAD: usize = 46;
pub(crate) const LARGE: usize = 47;
/// Its accounts flap, and nothing else happens there.
pub(crate) const FLAPPING: usize = 48;
pub(crate) const PACKS: usize = 52;

pub(crate) fn pack(n: usize) -> Target {
    match n {
        BAD => target("eu-west-1", "Security-Baseline"),
        LARGE => target("eu-west-1", "Operational-Best-Practices"),
        50.. => target("us-east-1", &format!("Pack-{n:02}")),
        _ => target("eu-west-1", &format!("Pack-{n:02}")),
    }
}

/// How many accounts a pack begins with.
pub(crate) fn size(n: usize) -> u64 {
    match n {
        BAD => 60,
        LARGE => 140,
        _ => 5,
    }
}

pub(crate) fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}
