//! How many accounts a run compares at once, apart from how many packs it reads at once. The rows, what was read, and
//! the changes until they are recorded are the most that a run of a large organization holds.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Accounts: one large pack, or some small ones.
const ROOM: u32 = 10_000;

/// The room for what is compared.
#[derive(Debug)]
pub struct Room(Semaphore);

/// A part of it, until this is dropped.
pub type Held<'a> = SemaphorePermit<'a>;

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(ROOM as usize))
    }
}

impl Room {
    /// Waits for room for so many accounts; a larger pack waits for all there is. `None`: never.
    pub async fn take(&self, accounts: u64) -> Option<Held<'_>> {
        let accounts = u32::try_from(accounts).unwrap_or(ROOM).min(ROOM);
        self.0.acquire_many(accounts).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn small_packs_are_compared_side_by_side_and_a_large_one_alone() {
        let room = Room::default();
        let small = [room.take(4_000).await.unwrap(), room.take(6_000).await.unwrap()];
        assert!(room.take(1).now_or_never().is_none());
        drop(small);
        let large = room.take(50_000).await.unwrap();
        assert!(room.take(1).now_or_never().is_none());
        drop(large);
        assert!(room.take(1).now_or_never().is_some());
    }
}
