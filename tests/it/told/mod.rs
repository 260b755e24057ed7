//! Two weeks of an organization: who is told of what, when, in which message, and with which numbers.
//!
//! - `world` is the truth: packs, accounts, AWS Config, SNS, and a poll each five minutes; `story` makes things happen
//!   in it, in the packs of `places`.
//! - `oracle` says what each poll records, `people` when people hear of it, `item` whether, and `content` in which digest
//!   with which severity: all by `docs/messages.md` and the settings in `rules`, and without the code. `said` and `numbers`
//!   read the messages as they are published. That machines get what is recorded is for `protocol` to show.
//! - `weeks` draws the two weeks at random; `cases` has those whose number of messages is promised.
//!
//! To add something that happens: an episode in `story`. To add a rule: a sentence in `oracle` or `people`; then break the
//! rule in the program and see the oracle notice.

mod cases;
mod content;
mod item;
mod numbers;
mod oracle;
mod people;
mod places;
mod rules;
mod said;
mod story;
mod weeks;
mod world;

/// What people get by default.
const NOTIFY: &str = "failed,recovered,joined,left,stuck,reminder,baseline,pack-deleted";

/// Whether the end of a silence tells another failure of a known incident in full, if the silence began while it waited.
/// The program does not keep that yet: it is to become true, and then to go.
const IN_FULL_WHATEVER_WAS_KNOWN: bool = false;
