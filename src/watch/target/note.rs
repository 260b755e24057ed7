//! What is noted in the head without a claim.

use jiff::Timestamp;

use super::looking::Look;
use crate::ports::{Outside, SnapshotStore};
use crate::state::fingerprint;
use crate::state::heads::{Counts, Note};
use crate::watch::context::Context;
use crate::watch::look::LookFacts;
use crate::watch::observe::Read;

impl<O: Outside> Look<'_, O> {
    /// Notes that a whole look found everything as it is recorded. A head that quick looks have nothing to compare with
    /// gets that, too.
    pub(super) async fn note_what_was_seen(&mut self, read: &Read) {
        let Some(head) = self.live() else { return };
        if head.unwell.is_none() && self.may_be_quick(&head.accounts) {
            let unwell = fingerprint::unwell(&read.observation.states);
            self.note(&Note::Unwell { epoch: head.epoch, unwell }).await;
        }
        let accounts = head.accounts.clone();
        self.note_whole_look(read.observed_at, &accounts).await;
    }

    /// Notes when a whole look began, where that matters.
    pub(super) async fn note_whole_look(&mut self, at: Timestamp, accounts: &Counts) {
        self.whole_at = Some(at);
        if self.may_be_quick(accounts) {
            let now = self.context.outside.now().as_second();
            self.note(&Note::WholeAt { at: at.as_second(), now }).await;
        }
    }

    /// Whether a target with these accounts ever gets a quick look, or did with those that it had.
    pub(super) fn may_be_quick(&self, accounts: &Counts) -> bool {
        let Context { request, settings, .. } = self.context;
        let after = LookFacts { accounts: accounts.clone(), ..LookFacts::default() };
        let is_large = after.is_large() || LookFacts::of(self.planned.head.as_ref()).is_large();
        is_large && settings.whole_every.is_some() && !request.dry_run
    }

    /// What is not noted is found again by the next look.
    pub(super) async fn note(&self, note: &Note) {
        if let Err(error) = self.context.outside.store().remember(self.target(), note).await {
            tracing::warn!(target = %self.target(), %error, "not noted in the head");
        }
    }
}
