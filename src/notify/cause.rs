//! Causes: what accounts of a section have in common. A cause is an error code, what is known of it, and, where nothing
//! is, what AWS Config says, apart from ids. Accounts of which it says nothing are a cause of their own.

use serde_json::json;

use super::document::for_readers;
use super::hints::{self, HINTS, Hint};
use super::shape::{shape, text};
use super::topic::Topic;
use crate::model::Phase;
use crate::state::{Health, State, id};

/// What distinguishes a cause from the others of its section: the code, the hint, and what AWS Config says, apart from
/// ids. Nothing of the last where what is known of the cause says more.
pub(super) type CauseKey<'a> = (Option<&'a str>, Option<&'static str>, Option<String>);

/// The cause of an account that is in this state.
pub(super) fn cause_key(topic: Topic, state: &State) -> CauseKey<'_> {
    let (code, hint) = (state.error_code.as_deref(), hint(topic, state));
    let is_known = hint.is_some_and(|hint| *hint != HINTS.any_failure);
    let said = |message| if is_known { String::new() } else { shape(message) };
    (code, hint.map(|hint| hint.name.as_str()), state.error_message.as_deref().map(said))
}

/// What is wrong with an account, as a hash: the same for all packs and accounts of which the same is wrong, in every run.
pub fn cause_id(state: &State) -> Option<String> {
    let key = || {
        let state = for_readers(state);
        id::of(&[&json!(cause_key(Topic::Failed, &state)).to_string()]).chars().take(12).collect()
    };
    match state.health() {
        Health::Failed | Health::Stuck => Some(key()),
        Health::Unrecognised => Some(state.status.to_string()),
        Health::InProgress | Health::Healthy | Health::Removed => None,
    }
}

/// What is known of a state, in a section about this.
pub(super) fn hint(topic: Topic, state: &State) -> Option<&'static Hint> {
    let code = state.error_code.as_deref();
    let failure = || Some(hints::failure(code, state.error_message.as_deref().map(text)));
    match (topic, state.status.phase()) {
        (Topic::Flapping, _) => Some(&HINTS.flapping),
        (Topic::Settled, _) => failure().filter(|_| code.is_some()),
        (topic, _) if !topic.has_causes() => None,
        (_, Phase::InProgress) => Some(&HINTS.stuck),
        (_, Phase::Unrecognised) => Some(&HINTS.unrecognised),
        (_, Phase::Failed) => failure(),
        (_, Phase::Successful) => None,
    }
}
