//! Causes: what accounts of a section have in common. A cause is an error code, what is known of it, and, where nothing
//! is, what AWS Config says, apart from ids. Accounts of which it says nothing are a cause of their own.

use super::document::{Cause, StateNotice};
use super::hints::{self, Hint};
use super::render::shape::shape;
use super::topic::Topic;
use crate::model::{Phase, Status};
use crate::state::{Health, State, id};

/// Bytes of a message that count: what distinguishes causes comes early.
pub(super) const LONGEST_TEXT: usize = 600;

/// What distinguishes a cause from the others of its section.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CauseKey<'a> {
    code: Option<&'a str>,
    hint: Option<&'static str>,
    said: Said,
}

/// What AWS Config says of a cause.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Said {
    Nothing,
    /// Something, where what is known of the cause says more.
    Something,
    /// This, apart from ids.
    This(String),
}

/// The message, as far as it counts.
pub(super) fn text(message: &str) -> &str {
    message.get(..message.floor_char_boundary(LONGEST_TEXT)).unwrap_or(message)
}

impl<'a> CauseKey<'a> {
    /// The cause of an account that is in this state.
    pub fn of_state(topic: Topic, state: &'a StateNotice) -> Self {
        Self::new(topic, &state.status, state.error_code.as_deref(), state.error_message.as_deref())
    }

    /// The key of a cause of a digest.
    pub fn of_cause(topic: Topic, cause: &'a Cause) -> Self {
        let status = cause.status.as_deref().unwrap_or_default();
        Self::new(topic, status, cause.error_code.as_deref(), cause.error_message.as_deref())
    }

    /// The message that distinguishes it, without ids.
    pub(super) fn message(&self) -> Option<&str> {
        if let Said::This(message) = &self.said { Some(message) } else { None }
    }

    /// A hash of it that is the same in every run.
    fn id(&self) -> String {
        let said = match &self.said {
            Said::Nothing => "",
            Said::Something => "something",
            Said::This(message) => message,
        };
        id::of(&[self.code.unwrap_or_default(), self.hint.unwrap_or_default(), said])
            .chars()
            .take(12)
            .collect()
    }

    fn new(topic: Topic, status: &str, code: Option<&'a str>, message: Option<&'a str>) -> Self {
        let message = message.map(text);
        let hint = hint(topic, status, code, message);
        let is_known = hint.is_some_and(|hint| hint != &hints::ANY_FAILURE);
        let said = match message {
            None => Said::Nothing,
            Some(_) if is_known => Said::Something,
            Some(message) => Said::This(shape(message)),
        };
        Self { code, hint: hint.map(|hint| hint.name), said }
    }
}

/// What is wrong with an account, as a hash: the same for all packs and accounts of which the same is wrong, in every run.
pub fn cause_id(state: &State) -> Option<String> {
    let key = || CauseKey::of_state(Topic::Failed, &StateNotice::now(state)).id();
    match state.health() {
        Health::Failed | Health::Stuck => Some(key()),
        Health::Unrecognised => Some(state.status.to_string()),
        Health::InProgress | Health::Healthy | Health::Removed => None,
    }
}

/// What is known of an account's state, in a section about this.
fn hint(topic: Topic, status: &str, code: Option<&str>, message: Option<&str>) -> Option<&'static Hint> {
    let failure = || Some(hints::failure(code, message));
    match (topic, Status::new(status).phase()) {
        (Topic::Flapping, _) => Some(&hints::FLAPPING),
        (Topic::Settled, _) => failure().filter(|_| code.is_some()),
        (topic, _) if !topic.has_causes() => None,
        (_, Phase::InProgress) => Some(&hints::STUCK),
        (_, Phase::Unrecognised) => Some(&hints::UNRECOGNISED),
        (_, Phase::Failed) => failure(),
        (_, Phase::Successful) => None,
    }
}

/// What is known of a cause of a digest.
pub(super) fn hint_of(topic: Topic, cause: &Cause) -> Option<&'static Hint> {
    let status = cause.status.as_deref().unwrap_or_default();
    hint(topic, status, cause.error_code.as_deref(), cause.error_message.as_deref())
}

/// What a message says, apart from ids: one that differs in these alone is no other.
pub(super) fn alike(message: &str) -> String {
    shape(text(message))
}
