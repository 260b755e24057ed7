//! Commits as a run makes them, for tests of a store alone.

use jiff::Timestamp;
use packwatch::model::Target;
use packwatch::ports::{SnapshotStore, StoreError};
use packwatch::state::commit::{Change, Closing, Commit, Draft, Snapshot};
use packwatch::state::head::Head;

/// The commit of some changes, on what is known of the target.
pub fn commit_of(
    before: Option<&Head>,
    snapshot: &Snapshot,
    changes: Vec<Change>,
    closing: Closing,
) -> Commit {
    let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let new = Head { history_id: "history".to_owned(), ..Head::default() };
    let draft = Draft {
        before: before.unwrap_or(&new),
        snapshot,
        changes,
        closing,
        run: "run",
        at,
        expires_at: "2027-02-18T10:00:00Z".parse().unwrap(),
    };
    draft.commit().0
}

/// Commits some changes on what a store has, and returns the head.
pub async fn commit(
    store: &impl SnapshotStore,
    target: &Target,
    changes: Vec<Change>,
    closing: Closing,
) -> Result<Head, StoreError> {
    let before = store.load().await?.known.remove(target);
    let snapshot = store.snapshot(target).await?;
    let commit = commit_of(before.as_ref(), &snapshot, changes, closing);
    store.commit(target, &commit).await?;
    Ok(commit.head)
}
