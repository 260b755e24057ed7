//! What was the case in AWS Config all the while: the reference of every judgement.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use packwatch::model::{AccountId, Target};
use packwatch::state::State;

use crate::protocol::direct::{ALERTS, EVENTS, REGION, target_in};
use crate::world::World;

/// What an account is, as far as order in time can be told from it: its status, and when AWS Config updated it.
pub(crate) type Fact = Option<(String, Option<jiff::Timestamp>)>;

/// What was the case in AWS Config from a time on.
pub(crate) struct Moment {
    since: f64,
    packs: BTreeSet<Target>,
    pub(crate) accounts: BTreeMap<(Target, AccountId), Fact>,
}

/// A world that remembers all that was ever the case.
pub(crate) struct Truth {
    pub(crate) world: World,
    pub(crate) past: RefCell<Vec<Moment>>,
    clock: Cell<f64>,
}

impl Truth {
    pub(crate) fn new(packs: &[(&str, usize)]) -> Self {
        let world = World::new();
        world.add_topic(ALERTS).add_topic(EVENTS).ageless_tokens();
        let truth = Self { world, past: RefCell::default(), clock: Cell::new(1_700_000_000.0) };
        truth.change(|world| {
            for (pack, accounts) in packs {
                world.add_pack(REGION, pack, *accounts);
            }
        });
        truth
    }

    /// Changes the world, some minutes later: the leases of who died since are over.
    pub(crate) fn change(&self, change: impl FnOnce(&World)) {
        self.change_after(SignedDuration::from_mins(3), change);
    }

    /// Changes the world, so much later.
    pub(crate) fn change_after(&self, later: SignedDuration, change: impl FnOnce(&World)) {
        self.clock.set(self.clock.get() + later.as_secs_f64());
        self.world.set_clock(self.clock.get());
        change(&self.world);
        let state = self.world.lock();
        let regions = state.regions.iter();
        let packs =
            regions.flat_map(|(region, in_it)| in_it.packs.keys().map(move |pack| target_in(region, pack)));
        let packs = packs.collect();
        drop(state);
        self.past.borrow_mut().push(Moment { since: self.clock.get(), packs, accounts: self.now() });
    }

    pub(crate) fn now(&self) -> BTreeMap<(Target, AccountId), Fact> {
        let state = self.world.lock();
        let regions = state.regions.iter();
        let packs = regions.flat_map(|(region, in_it)| {
            in_it.packs.iter().map(move |(pack, deployed)| (target_in(region, pack), deployed))
        });
        let rows = packs.flat_map(|(of, deployed)| deployed.rows.iter().map(move |row| (of.clone(), row)));
        let time = |s: f64| jiff::Timestamp::from_second(s as i64).unwrap();
        let fact = |(of, (id, row)): (Target, (&String, &crate::world::packs::Row))| {
            let account = id.parse().unwrap();
            ((of, account), Some((row.status.clone(), row.last_update.map(time))))
        };
        rows.map(fact).collect()
    }

    /// What an account was, one after the other.
    pub(crate) fn story(&self, of: &Target, account: AccountId) -> Vec<Fact> {
        let key = (of.clone(), account);
        self.past.borrow().iter().map(|then| then.accounts.get(&key).cloned().flatten()).collect()
    }

    /// Whether a pack was there, one after the other.
    pub(crate) fn presence(&self, of: &Target) -> Vec<bool> {
        self.past.borrow().iter().map(|then| then.packs.contains(of)).collect()
    }

    /// How many moments were over before a time.
    pub(crate) fn over_before(&self, time: i64) -> usize {
        let begun = self.past.borrow().iter().filter(|moment| moment.since <= time as f64).count();
        begun.saturating_sub(1)
    }
}

pub(crate) fn fact(state: Option<&State>) -> Fact {
    state.map(|state| (state.status.to_string(), state.last_update))
}
