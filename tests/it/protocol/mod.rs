//! The protocol, searched: the real run over models of the store, AWS Config and SNS, with everything that can go wrong
//! between two effects.
//!
//! - `gate` is what every effect passes; `gated` puts it before each port, `direct` and `memory` are what is behind it.
//! - `crashes` enumerates each effect with each fault over the history in `scenario`.
//! - `interleavings` goes through every schedule of overlapping runs (`schedules` is one of them, under way);
//!   `quick_scans` does that with a large pack, of which a scheduled run sees only what is active.
//! - `model` makes random histories, with schedules that share the work; `soak` kills the real function; `pager` is what
//!   docs/messages.md says of pagers, over histories of its own.
//! - `windows` counts what a killed run repeats; `backlog` has more to tell than a run has time for; `restores` goes back
//!   to an earlier table.
//! - `oracle` is the table of kinds, written a second time; `accounts` holds the comparison against it.
//! - `truth` remembers what was the case, `journal` what SNS accepted and what of that went wrong and so excuses a copy;
//!   `digests` folds the log a second time.
//! - `promise` is the judge of all of them; `mutants` and `mutant_store` are broken protocols, and `broken` has the space in
//!   which each of them dies.
//!
//! To add a fault: an outcome in `gate`. To add something that happens in the world: a step in `scenario`, an `Op` in
//! `model`. To add a rule: a sentence in `promise`, and a mutant that breaks it.

mod accounts;
mod backlog;
mod broken;
mod crashes;
mod digests;
pub(crate) mod direct;
mod gate;
mod gated;
mod interleavings;
mod journal;
pub(crate) mod memory;
mod model;
mod mutant_store;
mod mutants;
pub(crate) mod oracle;
mod pager;
mod promise;
mod quick_scans;
mod restores;
mod scenario;
mod schedules;
mod soak;
pub(crate) mod spaces;
mod truth;
mod windows;
