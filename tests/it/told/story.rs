//! What happens in an organization, at random: episodes, each of which begins at some time of the two weeks.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::Timestamp;
use packwatch::model::{AccountId, Kind};
use packwatch::state::silence::Silence;

use super::places::{BAD, FLAPPING, LARGE, PACKS, SMALL, pack, seconds, size};
use super::world::{Act, CAUSES, QUOTA};
use crate::messages::samples::{account, target};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
pub(crate) const LENGTH: i64 = 14 * DAY;

/// A story while it is written.
pub(crate) struct Story {
    rng: Rng,
    begin: Timestamp,
    acts: Vec<(Timestamp, Act)>,
    /// How many episodes of each name.
    episodes: BTreeMap<&'static str, usize>,
}

/// An episode: how it begins at a second of the two weeks.
type Episode = (&'static str, u32, fn(&mut Story, i64));

/// Each with how often it happens in two weeks.
const EPISODES: [Episode; 19] = [
    ("rollouts", 5, Story::rollout),
    ("bad updates", 4, Story::bad_update),
    ("quotas", 3, Story::quota),
    ("joins", 3, Story::join),
    ("leaves", 2, Story::leave),
    ("packs", 4, Story::pack),
    ("stuck", 6, Story::stuck),
    ("unknown", 4, Story::unknown),
    ("retries", 14, Story::retries),
    ("single failures", 16, Story::failure),
    ("silences", 10, Story::silence),
    ("flapping", 3, Story::flapping),
    ("SNS outages", 2, Story::no_sns),
    ("Lambda outages", 2, Story::no_polls),
    ("settings", 6, Story::setting),
    ("removals", 3, Story::removal),
    ("waves", 3, Story::wave),
    ("late silences", 6, Story::late_silence),
    ("mixed news", 3, Story::mixed),
];

impl Story {
    pub(crate) fn draw(
        seed: u64,
        begin: Timestamp,
    ) -> (Vec<(Timestamp, Act)>, BTreeMap<&'static str, usize>) {
        let mut story =
            Self { rng: Rng::with_seed(seed), begin, acts: Vec::new(), episodes: BTreeMap::new() };
        for (name, times, tell) in EPISODES {
            for _ in 0..times {
                // Odd seconds: nothing happens in the moment of a poll.
                let at = story.rng.i64(HOUR..LENGTH - 2 * DAY);
                tell(&mut story, at);
                *story.episodes.entry(name).or_default() += 1;
            }
        }
        (story.acts, story.episodes)
    }

    fn act(&mut self, at: i64, act: Act) {
        let at = self.begin + seconds(at);
        // Nothing happens in the very second of a poll.
        let off = i64::from(at.as_second() % 300 == 0);
        self.acts.push((at + seconds(off), act));
    }

    fn set(&mut self, at: i64, n: usize, id: AccountId, status: &str, cause: Option<usize>) {
        self.act(at, Act::Set(pack(n), id, status.to_owned(), cause));
    }

    fn up_to(&mut self, minutes: i64) -> i64 {
        self.rng.i64(1..=minutes * MINUTE)
    }

    fn cause(&mut self) -> Option<usize> {
        Some(self.rng.usize(0..CAUSES.len()))
    }

    fn any(&mut self) -> (usize, AccountId) {
        let n = self.rng.usize(0..PACKS);
        let n = if n == FLAPPING { 0 } else { n };
        (n, account(self.rng.u64(1..=size(n))))
    }

    /// Of one pack, over an hour or two.
    fn rollout(&mut self, at: i64) {
        let n = if self.rng.bool() { LARGE } else { self.any().0 };
        let length = self.rng.i64(20..150);
        for id in 1..=size(n) {
            let begins = at + self.up_to(length);
            self.set(begins, n, account(id), "UPDATE_IN_PROGRESS", None);
            let ends = begins + self.up_to(50);
            self.set(ends, n, account(id), "UPDATE_SUCCESSFUL", None);
        }
    }

    /// Fails in most accounts, is repaired hours later, or not everywhere.
    fn bad_update(&mut self, at: i64) {
        let n = if self.rng.bool() { BAD } else { LARGE };
        let (length, cause, repaired) = (self.rng.i64(10..90), self.cause(), self.rng.i64(40..900) * MINUTE);
        for id in 1..=size(n) {
            if self.rng.u8(0..8) == 0 {
                continue;
            }
            let fails = at + self.up_to(length);
            if self.rng.bool() {
                self.set(fails - 4 * MINUTE, n, account(id), "UPDATE_IN_PROGRESS", None);
            }
            let own = if self.rng.u8(0..20) == 0 { self.cause() } else { cause };
            self.set(fails, n, account(id), "UPDATE_FAILED", own);
            let ends = at + repaired + self.up_to(60);
            match self.rng.u8(0..30) {
                0 => {}
                1 => self.act(ends, Act::Leave(pack(n), account(id))),
                2 => self.set(ends, n, account(id), "UPDATE_FAILED", cause),
                3..16 => {
                    self.set(ends - 6 * MINUTE, n, account(id), "UPDATE_IN_PROGRESS", None);
                    self.set(ends, n, account(id), "UPDATE_SUCCESSFUL", None);
                }
                _ => self.set(ends, n, account(id), "UPDATE_SUCCESSFUL", None),
            }
        }
    }

    /// One account at the end of its quota.
    fn quota(&mut self, at: i64) {
        let id = account(self.rng.u64(1..=5));
        let repaired = at + self.rng.i64(30..2000) * MINUTE;
        for n in 0..30 {
            let fails = at + self.up_to(10);
            self.set(fails, n, id, "CREATE_FAILED", Some(QUOTA));
            let ends = repaired + self.up_to(20);
            self.set(ends, n, id, "CREATE_SUCCESSFUL", None);
        }
    }

    fn join(&mut self, at: i64) {
        let id = account(300 + self.rng.u64(0..50));
        for n in (0..PACKS).filter(|n| *n != FLAPPING) {
            let joins = at + self.up_to(20);
            self.act(joins, Act::Put(pack(n), id, "CREATE_IN_PROGRESS".to_owned(), None));
            let ends = joins + self.up_to(25);
            if self.rng.u8(0..30) == 0 {
                let cause = self.cause();
                self.set(ends, n, id, "CREATE_FAILED", cause);
            } else {
                self.set(ends, n, id, "CREATE_SUCCESSFUL", None);
            }
        }
        if self.rng.bool() {
            let leaves = at + self.rng.i64(20..3000) * MINUTE;
            self.act(leaves, Act::LeaveAll(id));
        }
    }

    fn leave(&mut self, at: i64) {
        let id = account(self.rng.u64(1..=140));
        if self.rng.bool() {
            self.failing(at - 50 * MINUTE, id);
        }
        self.act(at, Act::LeaveAll(id));
    }

    fn failing(&mut self, at: i64, id: AccountId) {
        for _ in 0..3 {
            let (n, _) = self.any();
            let cause = self.cause();
            self.set(at, n, id, "UPDATE_FAILED", cause);
        }
    }

    /// A pack comes and goes: at once, or account by account.
    fn pack(&mut self, at: i64) {
        let target = target("eu-west-1", &format!("New-{at}"));
        let ids: Vec<AccountId> = (1..self.rng.u64(3..12)).map(account).collect();
        self.act(at, Act::CreatePack(target.clone(), ids.clone()));
        let lasts = self.rng.i64(30..4000) * MINUTE;
        for id in &ids {
            let cause = (self.rng.u8(0..4) == 0).then(|| self.rng.usize(0..CAUSES.len()));
            let status = if cause.is_some() { "CREATE_FAILED" } else { "CREATE_SUCCESSFUL" };
            let done = at + self.up_to(20);
            self.act(done, Act::Set(target.clone(), *id, status.to_owned(), cause));
        }
        let gone = at + lasts + 30 * MINUTE;
        if self.rng.bool() {
            for id in &ids {
                self.act(at + lasts, Act::Set(target.clone(), *id, "DELETE_IN_PROGRESS".to_owned(), None));
                let done = at + lasts + self.up_to(25);
                match self.rng.u8(0..10) {
                    0 => self.act(done, Act::Set(target.clone(), *id, "DELETE_FAILED".to_owned(), Some(3))),
                    1..4 => {
                        self.act(done, Act::Set(target.clone(), *id, "DELETE_SUCCESSFUL".to_owned(), None))
                    }
                    4..7 => self.act(done, Act::Leave(target.clone(), *id)),
                    _ => {}
                }
            }
        }
        if self.rng.u8(0..5) > 0 {
            self.act(gone, Act::DeletePack(target.clone()));
            if self.rng.u8(0..3) == 0 {
                let again = gone + self.rng.i64(3..300) * MINUTE;
                self.act(again, Act::CreatePack(target, ids));
            }
        }
    }

    fn stuck(&mut self, at: i64) {
        let n = self.any().0;
        for id in 1..=self.rng.u64(1..=size(n).min(8)) {
            let begins = at + self.up_to(9);
            self.set(begins, n, account(id), "UPDATE_IN_PROGRESS", None);
            let ends = begins + self.rng.i64(100..2500) * MINUTE;
            let cause = if self.rng.bool() { self.cause() } else { None };
            let status = if cause.is_some() { "UPDATE_FAILED" } else { "UPDATE_SUCCESSFUL" };
            self.set(ends, n, account(id), status, cause);
            if cause.is_some() {
                let mended = ends + self.rng.i64(5..900) * MINUTE;
                self.set(mended, n, account(id), "UPDATE_SUCCESSFUL", None);
            }
        }
    }

    fn unknown(&mut self, at: i64) {
        let n = self.any().0;
        for id in 1..=self.rng.u64(1..=4) {
            let begins = at + self.up_to(20);
            let status = if self.rng.bool() { "UPDATE_PAUSED" } else { "CREATE_PENDING" };
            self.set(begins, n, account(id), status, None);
            let ends = begins + self.rng.i64(4..2000) * MINUTE;
            self.set(ends, n, account(id), "UPDATE_SUCCESSFUL", None);
        }
    }

    /// Of one account: fails, and is tried again and again.
    fn retries(&mut self, at: i64) {
        let (n, id) = self.any();
        let (mut at, cause) = (at, self.cause());
        self.set(at, n, id, "CREATE_FAILED", cause);
        for _ in 0..self.rng.u8(1..7) {
            at += self.up_to(300);
            if self.rng.bool() {
                self.set(at, n, id, "UPDATE_IN_PROGRESS", None);
                at += self.up_to(40);
            }
            let again = if self.rng.u8(0..4) == 0 { self.cause() } else { cause };
            let status = if self.rng.bool() { "CREATE_FAILED" } else { "UPDATE_FAILED" };
            self.set(at, n, id, status, again);
        }
        at += self.up_to(600);
        match self.rng.u8(0..4) {
            0 => self.act(at, Act::Leave(pack(n), id)),
            _ => self.set(at, n, id, "UPDATE_SUCCESSFUL", None),
        }
    }

    fn failure(&mut self, at: i64) {
        let ((n, id), cause) = (self.any(), self.cause());
        self.set(at, n, id, "UPDATE_FAILED", cause);
        let ends = at + self.rng.i64(4..4000) * MINUTE;
        self.set(ends, n, id, "UPDATE_SUCCESSFUL", None);
    }

    /// Around a few failures: some before it, some in it, some when it is over.
    fn silence(&mut self, at: i64) {
        let (n, id) = self.any();
        let name = format!("silence-{at}");
        let length = self.rng.i64(30..1500) * MINUTE;
        let by_pack = self.rng.bool();
        let kinds: &[Kind] = match self.rng.u8(0..4) {
            0 => &[Kind::Failed],
            1 => &[Kind::Joined, Kind::Left],
            _ => &[],
        };
        let silence = Silence {
            id: name.clone(),
            accounts: if by_pack { Vec::new() } else { vec![id] },
            packs: if by_pack { vec![pack(n).pack.as_str().parse().unwrap()] } else { Vec::new() },
            kinds: kinds.iter().copied().collect(),
            until: self.begin + seconds(at + length),
            ..Silence::default()
        };
        self.act(at, Act::Silence(silence));
        if self.rng.bool() {
            let removed = at + self.rng.i64(1..length);
            self.act(removed, Act::Unsilence(name));
        }
        for _ in 0..self.rng.u8(1..5) {
            let fails = at + self.rng.i64(-40 * MINUTE..length);
            let other = account(self.rng.u64(1..=size(n)));
            let (id, cause) = (if self.rng.bool() { id } else { other }, self.cause());
            self.set(fails, n, id, "UPDATE_FAILED", cause);
            let ends = fails + self.rng.i64(4..600) * MINUTE;
            self.set(ends, n, id, "UPDATE_SUCCESSFUL", None);
        }
    }

    fn flapping(&mut self, at: i64) {
        let id = account(self.rng.u64(1..=5));
        let cause = self.cause();
        let turns = self.rng.i64(5..14);
        for turn in 0..turns {
            let (status, cause) =
                if turn % 2 == 0 { ("UPDATE_FAILED", cause) } else { ("UPDATE_SUCCESSFUL", None) };
            self.set(at + 5 * MINUTE * turn, FLAPPING, id, status, cause);
        }
        let mended = at + 5 * MINUTE * turns + self.rng.i64(100..1000) * MINUTE;
        self.set(mended, FLAPPING, id, "UPDATE_SUCCESSFUL", None);
    }

    fn no_sns(&mut self, at: i64) {
        let until = self.begin + seconds(at + self.rng.i64(20..240) * MINUTE);
        self.act(at, Act::SnsDown(until));
    }

    fn no_polls(&mut self, at: i64) {
        let until = self.begin + seconds(at + self.rng.i64(20..300) * MINUTE);
        self.act(at, Act::NoPolls(until));
    }

    fn setting(&mut self, at: i64) {
        let (name, values): (_, &[&str]) = match self.rng.u8(0..3) {
            0 => (
                "PACKWATCH_NOTIFY",
                &[
                    super::NOTIFY,
                    "failed,recovered",
                    "failed,recovered,stuck,reminder,pack-deleted",
                    "stuck,recovered,joined,left,baseline",
                    "all",
                ],
            ),
            1 => ("PACKWATCH_GROUP_INTERVAL", &["0", "15m", "30m", "60m"]),
            _ => ("PACKWATCH_TIME_ZONE", &["Europe/Berlin", "Asia/Kolkata", "America/New_York", "UTC"]),
        };
        let value = values[self.rng.usize(0..values.len())].to_owned();
        self.act(at, Act::Setting(name, value));
        if name == "PACKWATCH_NOTIFY" {
            let back = at + self.rng.i64(60..1500) * MINUTE;
            self.act(back, Act::Setting(name, super::NOTIFY.to_owned()));
        }
    }

    /// A pack is taken from an account, and given again.
    fn removal(&mut self, at: i64) {
        let (n, id) = self.any();
        self.set(at, n, id, "DELETE_IN_PROGRESS", None);
        let done = at + self.up_to(30);
        self.set(done, n, id, "DELETE_SUCCESSFUL", None);
        let again = done + self.rng.i64(1..2000) * MINUTE;
        self.act(again, Act::Put(pack(n), id, "CREATE_SUCCESSFUL".to_owned(), None));
    }

    /// Failures of several causes in many packs.
    fn wave(&mut self, at: i64) {
        for _ in 0..self.rng.u8(5..40) {
            let ((n, id), cause) = (self.any(), self.cause());
            let fails = at + self.up_to(90);
            self.set(fails, n, id, "UPDATE_FAILED", cause);
            let ends = fails + self.rng.i64(3..500) * MINUTE;
            self.set(ends, n, id, "UPDATE_SUCCESSFUL", None);
        }
    }

    /// Begins while more of a known cause waits; what it keeps from people recovers in it, or does not.
    fn late_silence(&mut self, at: i64) {
        let ((n, _), cause) = (self.any(), self.cause());
        self.set(at, n, account(1), "UPDATE_FAILED", cause);
        self.set(at + 6 * MINUTE, n, account(2), "UPDATE_FAILED", cause);
        let begins = at + self.rng.i64(12..25) * MINUTE;
        let silence = Silence {
            id: format!("late-{at}"),
            accounts: vec![account(2)],
            until: self.begin + seconds(begins + self.rng.i64(60..300) * MINUTE),
            ..Silence::default()
        };
        self.act(begins, Act::Silence(silence));
        for id in 1..=2 {
            let ends = at + self.rng.i64(30..500) * MINUTE;
            self.set(ends, n, account(id), "UPDATE_SUCCESSFUL", None);
        }
    }

    /// More of a known cause, and something that nobody knows and that has not failed.
    fn mixed(&mut self, at: i64) {
        let (n, cause) = (self.rng.usize(0..SMALL), self.cause());
        let ends = at + self.rng.i64(60..500) * MINUTE;
        self.set(at, n, account(1), "UPDATE_FAILED", cause);
        self.set(at + 6 * MINUTE, n, account(2), "UPDATE_FAILED", cause);
        self.set(at + 11 * MINUTE, n, account(3), "UPDATE_UNHEARD_OF", None);
        for id in 1..=3 {
            self.set(ends, n, account(id), "UPDATE_SUCCESSFUL", None);
        }
    }
}
