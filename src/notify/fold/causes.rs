//! The causes that a fold met: of each a number and a count, of the large ones an example. There may be as many as
//! changes, with as many texts, and no more of these are kept than a digest shows.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::notify::cause::CauseKey;
use crate::notify::document::{Cause, StateNotice};
use crate::notify::shape::{shape, text};
use crate::notify::topic::Topic;

/// Causes of which an example is kept.
pub(in crate::notify) const MOST_EXAMPLES: usize = 512;

/// Texts whose cause is remembered, so that equal ones are analysed once.
const MOST_TEXTS: usize = 1024;

/// Which cause an account has, and which message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::notify) struct CauseId {
    pub(in crate::notify) cause: u64,
    /// 0: none.
    pub(in crate::notify) message: u64,
}

#[derive(Debug, Default)]
pub(in crate::notify) struct Causes {
    texts: HashMap<u64, CauseId>,
    counts: HashMap<u64, u32>,
    /// A state of each large cause, to show for all of it; its numbers are not counted here.
    pub(in crate::notify) examples: HashMap<u64, Cause>,
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl Causes {
    /// The cause of an account that is in this state.
    pub(in crate::notify) fn of(&mut self, topic: Topic, state: Option<&StateNotice>) -> CauseId {
        let Some(state) = state.filter(|_| topic.has_causes()) else { return CauseId::default() };
        let of_text = hash(&(topic, &state.status, &state.error_code, &state.error_message));
        let id = match self.texts.get(&of_text) {
            Some(id) => *id,
            None => {
                let id = id(topic, state);
                if self.texts.len() < MOST_TEXTS {
                    self.texts.insert(of_text, id);
                }
                id
            }
        };
        let count = self.counts.entry(id.cause).or_default();
        *count += 1;
        let count = *count;
        self.exemplify(id.cause, count, state);
        id
    }

    /// Keeps the example of a cause that is new, or has become larger than one that has an example. The latter is sought
    /// whenever the count has doubled: seldom, and for a large one often enough.
    fn exemplify(&mut self, cause: u64, count: u32, state: &StateNotice) {
        let message = state.error_message.as_deref().map(text);
        if let Some(example) = self.examples.get_mut(&cause) {
            example.varies |= example.state.error_message.as_deref() != message;
            return;
        }
        if self.examples.len() >= MOST_EXAMPLES {
            if count == 1 || !count.is_power_of_two() {
                return;
            }
            let size = |cause: &u64| self.counts.get(cause).copied().unwrap_or_default();
            let Some(smallest) = self.examples.keys().copied().min_by_key(|cause| (size(cause), *cause))
            else {
                return;
            };
            if size(&smallest) >= count {
                return;
            }
            self.examples.remove(&smallest);
        }
        let error_message = message.map(str::to_owned);
        let state = StateNotice { error_message, last_update_time: None, ..state.clone() };
        self.examples.insert(cause, Cause { state, varies: count > 1, ..Cause::default() });
    }
}

fn id(topic: Topic, state: &StateNotice) -> CauseId {
    let message = state.error_message.as_deref().map_or(0, |message| hash(&shape(message)).max(1));
    CauseId { cause: hash(&(topic, CauseKey::of(topic, state))), message }
}
