//! packwatch 0.1 at the same table, as far as it matters to the heads: it refuses what is newer than its schema, claims
//! without removing what it does not know, and knows no place within an epoch.

use packwatch::ports::StoreError;
use packwatch::state::heads::{Advance, Claim, FIRST_SCHEMA, Finish, Head, Heads, Mark};

/// What it reads of the heads.
pub(crate) fn read(heads: Heads) -> Heads {
    let (known, newer): (Vec<_>, Vec<_>) =
        heads.known.into_iter().partition(|(_, head)| head.schema == FIRST_SCHEMA);
    let newer = newer.into_iter().map(|(target, _)| (target, "schema 2".to_owned()));
    let known = known.into_iter().map(|(target, head)| (target, seen(head)));
    Heads { known: known.collect(), unreadable: newer.collect(), silences: heads.silences }
}

fn seen(head: Head) -> Head {
    let (people, machines, listens, life, floor) = (None, None, None, None, None);
    let (unwell, unwell_epoch, whole_at, whole_until) = (None, None, None, None);
    Head { people, machines, listens, life, floor, unwell, unwell_epoch, whole_at, whole_until, ..head }
}

/// Its claim: the head as it is stored then, and as it reads it.
pub(crate) fn claim(head: Option<&Head>, claim: &Claim) -> Result<(Head, Head), StoreError> {
    let head = head.filter(|head| head.epoch == claim.seen && head.schema == FIRST_SCHEMA);
    let head = head.cloned().ok_or(StoreError::Superseded)?;
    let claimed = Head { epoch: claim.epoch(), fingerprint: None, ..head };
    Ok((claimed.clone(), seen(claimed)))
}

/// Its commit, as far as it is about a mark.
pub(crate) fn advance(head: &mut Head, advance: &Advance) -> Result<(), StoreError> {
    if head.epoch != advance.epoch {
        return Err(StoreError::Superseded);
    }
    let mark = match advance.mark {
        Mark::People => &mut head.announced,
        Mark::Machines => &mut head.events_announced,
    };
    *mark = (*mark).max(advance.to.whole_epochs());
    Ok(())
}

/// The rest of its commit.
pub(crate) fn finish(head: &mut Head, finish: &Finish) -> Result<(), StoreError> {
    if head.epoch != finish.epoch {
        return Err(StoreError::Superseded);
    }
    head.fingerprint.clone_from(&finish.fingerprint);
    head.committed_at = Some(finish.at);
    Ok(())
}
