//! The oracle, first half: what the rules make of each account, poll by poll, from the truth alone. It is written from
//! `docs/messages.md` and knows nothing of the code; `people` has what of it people are told.
//!
//! Where the rules leave open which of two things happens, both are allowed, and the oracle goes on with what did.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use packwatch::model::{AccountId, Kind, Target};
use packwatch::notify::message::Alert;
use packwatch::state::Transition;
use packwatch::state::log::{Notice, PackEvent, Record};
use packwatch::state::silence::Silence;

use super::item::{Cause, Item, What};
use super::people::People;
use super::rules::{Rules, is_silenced};
use super::world::{Row, Rows};
use crate::protocol::oracle::{Is, TABLE, at_first, is_unhealthy};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const HALF_A_PERIOD: SignedDuration = SignedDuration::from_hours(12);
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(2);
const FLAP_LIMIT: usize = 6;

/// What a poll brought.
pub(crate) struct Delivered {
    pub(crate) now: Timestamp,
    /// Whether SNS took messages.
    pub(crate) is_up: bool,
    /// What the history has of this run.
    pub(crate) recorded: Vec<(Target, Record)>,
    pub(crate) digests: Vec<Alert>,
}

/// How much was judged.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) acts: usize,
    pub(crate) records: usize,
    pub(crate) digests: usize,
    pub(crate) entries: usize,
    pub(crate) numbers: usize,
    pub(crate) polls: usize,
    /// What was left open.
    pub(crate) open: usize,
}

/// What a scan saw of an account, with what the time makes of it.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    row: Row,
    is: Is,
    silenced: bool,
}

/// What is known of an account in a pack.
#[derive(Debug, Clone, Default)]
struct Account {
    seen: Option<Seen>,
    incident: Option<Incident>,
    /// The nine o'clock that its incident last saw.
    morning: Option<Timestamp>,
    /// When it went from healthy to unhealthy, or back.
    turns: Vec<Timestamp>,
    flaps: bool,
    cause: Option<Cause>,
}

#[derive(Debug, Clone)]
struct Incident {
    id: String,
    since: Timestamp,
}

#[derive(Debug, Default)]
struct Pack {
    accounts: BTreeMap<AccountId, Account>,
}

pub(crate) struct Oracle {
    pub(crate) tally: Tally,
    pub(crate) silences: BTreeMap<String, Silence>,
    pub(crate) people: People,
    rules: Rules,
    packs: BTreeMap<Target, Pack>,
}

/// Fails with what is wrong, and when.
macro_rules! ensure {
    ($is:expr, $now:expr, $($why:tt)*) => { assert!($is, "{}: {}", $now, format!($($why)*)) };
}
pub(super) use ensure;

impl Oracle {
    pub(crate) fn new(settings: &BTreeMap<&'static str, String>) -> Self {
        Self {
            tally: Tally::default(),
            silences: BTreeMap::new(),
            people: People::default(),
            rules: Rules::new(settings),
            packs: BTreeMap::new(),
        }
    }

    pub(crate) fn set(&mut self, settings: &BTreeMap<&'static str, String>) {
        self.rules = Rules::new(settings);
    }

    /// Whether somebody still has to hear something.
    pub(crate) fn is_waiting(&self) -> bool {
        self.people.is_waiting()
    }

    /// The incidents that go on.
    pub(crate) fn open_incidents(&self) -> BTreeSet<String> {
        let accounts = self.packs.values().flat_map(|pack| pack.accounts.values());
        accounts.filter_map(|account| Some(account.incident.as_ref()?.id.clone())).collect()
    }

    /// Judges one run.
    pub(crate) fn judge(&mut self, rows: &Rows, delivered: Delivered) {
        let Delivered { now, is_up, recorded, digests } = delivered;
        self.tally.polls += 1;
        self.tally.records += recorded.len();
        let mut by_target: BTreeMap<Target, Vec<Record>> = BTreeMap::new();
        for (target, record) in recorded {
            by_target.entry(target).or_default().push(record);
        }
        let targets: BTreeSet<Target> = rows.keys().chain(self.packs.keys()).cloned().collect();
        for target in targets {
            let records = by_target.remove(&target).unwrap_or_default();
            self.scan(now, &target, rows.get(&target), records);
        }
        ensure!(by_target.is_empty(), now, "of no pack: {by_target:?}");
        let silences = &self.silences;
        self.people.judge(&self.rules, silences, now, is_up, &digests, &mut self.tally);
    }

    /// What was recorded of a target, against what is the case.
    fn scan(
        &mut self,
        now: Timestamp,
        target: &Target,
        rows: Option<&BTreeMap<AccountId, Row>>,
        records: Vec<Record>,
    ) {
        let mut notices = Vec::new();
        let mut changes: BTreeMap<AccountId, Transition> = BTreeMap::new();
        for record in records {
            match record {
                Record::Account(of) => {
                    let double = changes.insert(of.account, of);
                    ensure!(double.is_none(), now, "{target}: two records of one account: {double:?}");
                }
                Record::Pack(notice) => notices.push(notice),
            }
        }
        let baseline = !self.packs.contains_key(target);
        let mut pack = self.packs.remove(target).unwrap_or_default();
        let had = pack.accounts.values().filter(|account| account.seen.is_some()).count();
        let is_removal = |row: &&Row| row.status.starts_with("DELETE_") && row.status != "DELETE_SUCCESSFUL";
        let is_there = |row: &&Row| row.status != "DELETE_SUCCESSFUL";
        let all: Vec<&Row> = rows.into_iter().flat_map(BTreeMap::values).filter(is_there).collect();
        let is_being_deleted = all.iter().all(is_removal);
        let ids: BTreeSet<AccountId> =
            pack.accounts.keys().chain(rows.into_iter().flat_map(BTreeMap::keys)).copied().collect();
        for id in ids {
            let seen = rows.and_then(|rows| rows.get(&id)).and_then(|row| self.seen(now, target, id, row));
            let account = pack.accounts.entry(id).or_default();
            // A pack that is gone ends incidents, and that is all that it does to its accounts.
            let record = changes.remove(&id);
            if rows.is_none() && account.incident.is_none() && record.is_none() {
                continue;
            }
            let unasked = is_being_deleted && !baseline && rows.is_some();
            self.account(now, (target, id), account, seen, baseline, unasked, record);
        }
        ensure!(changes.is_empty(), now, "{target}: of no account: {changes:?}");
        let expected = match (baseline, rows) {
            (true, Some(rows)) => Some((PackEvent::Baseline, rows.values().filter(is_there).count())),
            (false, None) => Some((PackEvent::PackDeleted, had)),
            _ => None,
        };
        let got: Vec<(PackEvent, usize)> = notices.iter().map(|n| (n.event, n.accounts as usize)).collect();
        ensure!(got == Vec::from_iter(expected), now, "{target}: {got:?}, expected {expected:?}");
        for Notice { event, accounts, .. } in notices {
            let (what, notify_then) = (What::Pack(event, accounts), self.rules.notify.clone());
            self.people.add(target, Item { at: now, what, notify_then, ..Item::default() });
        }
        if rows.is_some() {
            self.packs.insert(target.clone(), pack);
        }
    }

    fn seen(&self, now: Timestamp, target: &Target, id: AccountId, row: &Row) -> Option<Seen> {
        let (is, kind) = match row.status.as_str() {
            "DELETE_SUCCESSFUL" => return None,
            "CREATE_SUCCESSFUL" | "UPDATE_SUCCESSFUL" => (Is::Well, None),
            "CREATE_FAILED" | "UPDATE_FAILED" | "DELETE_FAILED" => (Is::Failed, Some(Kind::Failed)),
            status if status.ends_with("_IN_PROGRESS") => {
                let is_stuck = now.duration_since(row.at) > STUCK_AFTER;
                if is_stuck { (Is::Stuck, Some(Kind::Stuck)) } else { (Is::Moving, None) }
            }
            _ => (Is::Unknown, Some(Kind::Unrecognised)),
        };
        let silenced = kind.is_some_and(|kind| is_silenced(&self.silences, target, Some(id), kind, now));
        Some(Seen { row: row.clone(), is, silenced })
    }

    /// What was recorded of an account, against what the table of kinds says.
    #[expect(clippy::too_many_arguments, reason = "all that the rules go by")]
    fn account(
        &mut self,
        now: Timestamp,
        of: (&Target, AccountId),
        account: &mut Account,
        seen: Option<Seen>,
        baseline: bool,
        unasked: bool,
        record: Option<Transition>,
    ) {
        let morning = self.rules.morning(now);
        let is = seen.as_ref().map_or(Is::Gone, |seen| seen.is);
        let (allowed, silence_ended) = self.kinds(now, of, account, seen.as_ref(), baseline, morning);
        let kind = record.as_ref().map(|record| record.kind);
        ensure!(
            allowed.contains(&kind),
            now,
            "{of:?}: {kind:?} was recorded, expected {allowed:?} of {account:?} → {seen:?}"
        );
        if allowed.len() > 1 {
            self.tally.open += 1;
        }
        let was = account.incident.clone();
        let goes_on = was.is_some() && !matches!(is, Is::Well | Is::Gone);
        if let Some(record) = record {
            let begins = was.is_none() && is_unhealthy(is);
            let of_incident = record.incident_id.clone().zip(record.failing_since);
            match &was {
                Some(incident) => {
                    let expected = Some((incident.id.clone(), incident.since));
                    ensure!(of_incident == expected, now, "{record:?} is not of {incident:?}");
                }
                None if begins => {
                    let row_at = seen.as_ref().map(|seen| seen.row.at);
                    ensure!(
                        record.failing_since == row_at && record.incident_id.is_some(),
                        now,
                        "{record:?} begins an incident"
                    );
                }
                None => ensure!(
                    of_incident.is_none() || account.flaps || record.kind == Kind::Settled,
                    now,
                    "{record:?}"
                ),
            }
            let turns = begins || (was.is_some() && is == Is::Well);
            if turns {
                account.turns.retain(|at| now.duration_since(*at) < HOUR);
                account.turns.push(now);
            }
            let begins_to_flap = turns && account.turns.len() > FLAP_LIMIT && !account.flaps;
            ensure!(begins_to_flap == record.flapping.is_some(), now, "{record:?} of {:?}", account.turns);
            let is_damped = account.flaps && !matches!(record.kind, Kind::Settled | Kind::Stuck | Kind::Left);
            ensure!(is_damped == record.damped, now, "{record:?}: damped {is_damped}");
            account.flaps = (account.flaps || begins_to_flap) && record.kind != Kind::Settled;
            let cause = seen.as_ref().and_then(|seen| Cause::of(&seen.row, seen.is));
            let people = &self.people;
            let incident = if begins { record.incident_id.clone() } else { was.map(|of| of.id) };
            let item = Item {
                at: now,
                account: Some(of.1),
                what: What::Account(record.kind),
                incident: incident.clone().or(record.incident_id.clone()),
                status: seen.as_ref().map(|seen| (seen.row.status.clone(), seen.row.code())),
                is_unhealthy: is_unhealthy(is),
                ends: !goes_on && !is_unhealthy(is) && (incident.is_some() || record.kind == Kind::Settled),
                cause: cause.clone().or_else(|| account.cause.clone().filter(|_| goes_on)),
                flapping: begins_to_flap,
                damped: is_damped,
                baseline,
                silence_ended,
                // A second time in one incident, it is not news.
                repeats: seen.as_ref().is_some_and(|seen| {
                    matches!(record.kind, Kind::Stuck | Kind::Unrecognised)
                        && people.knows(incident.as_deref(), &seen.row, is)
                }),
                was_stuck: account.seen.as_ref().is_some_and(|seen| seen.is == Is::Stuck),
                was_removal: account.seen.as_ref().is_some_and(|seen| seen.row.status.starts_with("DELETE")),
                unasked,
                silenced_then: is_silenced(&self.silences, of.0, Some(of.1), record.kind, now)
                    || seen.as_ref().is_some_and(|seen| seen.silenced),
                notify_then: self.rules.notify.clone(),
            };
            self.people.add(of.0, item);
            if cause.is_some() {
                account.cause = cause;
            }
            if begins {
                account.incident =
                    record.incident_id.zip(record.failing_since).map(|(id, since)| Incident { id, since });
                account.morning = None;
            }
        }
        if !goes_on && !is_unhealthy(is) {
            account.incident = None;
        }
        account.morning = account.morning.max(Some(morning));
        account.seen = seen;
        if account.seen.is_none() {
            *account = Account::default();
        }
    }

    /// What may be recorded, and whether a silence ended.
    fn kinds(
        &self,
        now: Timestamp,
        of: (&Target, AccountId),
        account: &Account,
        seen: Option<&Seen>,
        baseline: bool,
        morning: Timestamp,
    ) -> (Vec<Option<Kind>>, bool) {
        let is = seen.map_or(Is::Gone, |seen| seen.is);
        let was = if account.incident.is_some() { 2 } else { usize::from(account.seen.is_some()) };
        let cell = TABLE[was][is as usize];
        let first = |kind: Option<Kind>| (vec![kind], false);
        let (Some(before), Some(seen)) = (&account.seen, seen) else {
            return first(at_first(cell).filter(|_| !baseline || is_unhealthy(is)));
        };
        let is_retry = is == Is::Failed && before.row.at != seen.row.at;
        let is_same = before.row.status == seen.row.status
            && before.row.code() == seen.row.code()
            && (before.is == Is::Stuck) == (is == Is::Stuck)
            && !is_retry;
        let settles = account.flaps && account.turns.last().is_some_and(|at| now.duration_since(*at) >= HOUR);
        if settles {
            return first(Some(Kind::Settled));
        }
        let Some(incident) = &account.incident else { return first(at_first(cell).filter(|_| !is_same)) };
        let known = self.people.knows(Some(&incident.id), &seen.row, is);
        let waits = self.people.waits_to_know(of.0, of.1, &seen.row, is) || account.flaps;
        let either = |known_kind: Kind, new_kind: Option<Kind>| match (known, waits) {
            (true, _) => vec![Some(known_kind)],
            (false, true) => vec![Some(known_kind), new_kind],
            (false, false) => vec![new_kind],
        };
        if before.silenced && !seen.silenced && is_unhealthy(is) {
            let mut kinds = either(Kind::Reminder, at_first(TABLE[0][is as usize]));
            if !super::IN_FULL_WHATEVER_WAS_KNOWN && self.people.told_at(&incident.id).is_some() {
                kinds.push(Some(Kind::Reminder));
            }
            return (kinds, true);
        }
        let is_new = before.row.status != seen.row.status || before.is != is;
        let kinds = match is {
            _ if is_same => vec![None],
            Is::Failed => either(Kind::FailedAgain, Some(Kind::Failed)),
            Is::Unknown | Is::Moving => vec![at_first(cell).filter(|_| is_new)],
            _ => vec![at_first(cell)],
        };
        let is_news =
            |kind: &Option<Kind>| kind.is_some() && (is == Is::Well || (is_unhealthy(is) && !known));
        if account.morning.is_none_or(|seen| morning <= seen) || kinds.iter().all(is_news) {
            return (kinds, false);
        }
        // Nobody is reminded of what they were told within half a period.
        let told = self.people.told_at(&incident.id);
        let is_due = |told: Option<Timestamp>| {
            morning.duration_since(told.unwrap_or(incident.since).max(incident.since)) > HALF_A_PERIOD
        };
        let due = [is_due(told.map(|told| told.0)), is_due(told.map(|told| told.1))];
        let waits = self.people.waits(of.0, of.1);
        match due {
            [false, false] => (kinds, false),
            // What a silence kept from people at the last moment counts as told.
            [true, true] if seen.silenced && !super::IN_FULL_WHATEVER_WAS_KNOWN => {
                ([kinds, vec![Some(Kind::Reminder)]].concat(), false)
            }
            [true, true] if !waits => (vec![Some(Kind::Reminder)], false),
            _ => ([kinds, vec![Some(Kind::Reminder)]].concat(), false),
        }
    }
}
