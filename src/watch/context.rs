//! What every step of a run needs to know.

use tokio::sync::Semaphore;

use crate::settings::Settings;
use crate::watch::budget::Budget;
use crate::watch::request::Request;

/// How many accounts are compared at once, apart from how many packs are read at once: one large pack, or some small ones.
pub const ROOM: u32 = 10_000;

/// One run: what it was asked for, and what it works with.
#[derive(Debug)]
pub struct Context<'a, O> {
    /// Everything outside.
    pub outside: &'a O,
    /// What to watch and what to tell.
    pub settings: &'a Settings,
    /// What was asked for.
    pub request: &'a Request,
    /// The time there is.
    pub budget: &'a Budget,
    /// The room for what is compared: [`ROOM`].
    pub room: Semaphore,
    /// The run's id, random.
    pub id: String,
}
