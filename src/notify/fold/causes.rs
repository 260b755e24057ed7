//! The causes that a fold met: of each a number and a count, of the large ones an example. There may be as many as
//! changes, with as many texts, and no more of these are kept than a digest shows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::notify::cause::cause_key;
use crate::notify::shape::{shape, text};
use crate::notify::topic::Topic;
use crate::state::State;

/// Causes of which an example is kept, at least.
const MOST_EXAMPLES: usize = 512;

/// Texts whose cause is remembered, so that equal ones are analysed once.
const MOST_TEXTS: usize = 1024;

/// Which cause an account has, and which message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CauseId {
    pub(super) cause: u64,
    /// 0: none.
    pub(super) message: u64,
}

/// What to show for all of a cause.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub(super) state: State,
    /// Others differ from it, if only in ids.
    pub(super) varies: bool,
}

#[derive(Debug, Default)]
pub(super) struct Causes {
    texts: HashMap<u64, CauseId>,
    counts: HashMap<u64, u32>,
    pub(super) examples: HashMap<u64, Example>,
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl Causes {
    /// The cause of an account that is in this state.
    pub(super) fn of(&mut self, topic: Topic, state: Option<&State>) -> CauseId {
        let Some(state) = state.filter(|_| topic.has_causes()) else { return CauseId::default() };
        if self.texts.len() >= MOST_TEXTS {
            self.texts.clear();
        }
        let of_text = hash(&(topic, &state.status, &state.error_code, &state.error_message));
        let id = *self.texts.entry(of_text).or_insert_with(|| id(topic, state));
        *self.counts.entry(id.cause).or_default() += 1;
        self.exemplify(id.cause, state);
        id
    }

    /// Keeps the example of a cause. Too many are kept for a while, so that the largest are sought only now and then; one
    /// that went too soon comes back with the next account.
    fn exemplify(&mut self, cause: u64, state: &State) {
        let message = state.error_message.as_deref().map(text);
        let size = |cause: u64| self.counts.get(&cause).copied().unwrap_or_default();
        match self.examples.entry(cause) {
            Entry::Occupied(entry) => {
                let example = entry.into_mut();
                example.varies |= example.state.error_message.as_deref() != message;
            }
            Entry::Vacant(entry) => {
                let error_message = message.map(str::to_owned);
                let state = State { error_message, last_update: None, ..state.clone() };
                entry.insert(Example { state, varies: size(cause) > 1 });
            }
        }
        if self.examples.len() > 2 * MOST_EXAMPLES {
            let mut smallest: Vec<u64> = self.examples.keys().copied().collect();
            smallest.sort_unstable_by_key(|cause| (size(*cause), *cause));
            smallest.iter().take(MOST_EXAMPLES).for_each(|cause| drop(self.examples.remove(cause)));
        }
    }
}

fn id(topic: Topic, state: &State) -> CauseId {
    let message = state.error_message.as_deref().map_or(0, |message| hash(&shape(message)).max(1));
    CauseId { cause: hash(&(topic, cause_key(topic, state))), message }
}
