//! The main job, for real: the built function as a process under a runtime API, with AWS Config, DynamoDB and SNS over
//! HTTP. Events go in at one end, messages come out at the other.
//!
//! - `run`: from a schedule to a message. `events`: what is handed in. `laptop`: who else records in its table.
//! - `reading`, `announcing`: what happens when AWS Config, a topic, the table or the clock is against it.
//! - `kinds`: as what a change is reported.
//! - `topics`: topics that are slow, hang or refuse.
//! - `quick_looks`: what a scheduled run reads of a large pack.
//! - `attack`: stories against the promise; those that fall are ignored, and say why.
//! - `cost`: the requests that docs/cost.md puts prices on.
//! - `account_names`, `telemetry`: the names in messages, the log and the metrics.
//!
//! To add one: make a [`stage::Stage`], change its world, `tick()`, and look at `digests()` and at the world's messages. Name the
//! test in docs/failures.md where it shows what happens when something fails.

mod account_names;
mod attack;
mod cost;
mod dispatching;
mod events;
mod kinds;
mod laptop;
mod quick_scans;
mod reading;
mod run;
pub(crate) mod stage;
mod telemetry;
mod topics;
