//! A million random stories of accounts, through the comparison alone, each judged by the oracle; and every cell of the
//! oracle's table changed in turn, which some story must notice.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use packwatch::model::{AccountId, Kind, Status};
use packwatch::settings::Settings;
use packwatch::state::silence::{Silence, Silences};
use packwatch::state::{Health, Rows, State};
use packwatch::watch::compare::{Comparison, Extent, Observation};

use crate::protocol::direct::{settings, target};
use crate::protocol::oracle::{Account, Cell, Rules, Scan, TABLE, Table, at_first, judge_records};
use crate::protocol::promise::ALL;
use crate::world::packs::account;

/// Stories that go on side by side, in one pack.
const AT_ONCE: usize = 4_000;
const SCANS: usize = 5;
/// Different last scans at what is the same story until then.
const ENDS: usize = 5;
/// Between two scans: a reminder's period begins in every fifth.
const APART: SignedDuration = SignedDuration::from_hours(5);
const DAY: i64 = 24 * 3600;

const NOTIFY: [&[&str]; 4] = [
    &ALL,
    &["failed", "recovered", "stuck"],
    &["baseline", "recovered", "reminder"],
    &["failed-again", "left", "joined", "in-progress"],
];

/// What AWS Config may show of an account after it showed `before`.
fn next(rng: &mut Rng, before: Option<&State>, now: Timestamp) -> Option<State> {
    let of = |status: &str| State { last_update: Some(now), ..State::of(Status::new(status)) };
    let failed = |status: &str, code: &str| State { error_code: Some(code.to_owned()), ..of(status) };
    let state = match rng.u8(0..20) {
        0 => return None,
        1 => of("DELETE_SUCCESSFUL"),
        2 => of("CREATE_SUCCESSFUL"),
        3 | 4 => of("UPDATE_SUCCESSFUL"),
        5 | 6 => of("UPDATE_IN_PROGRESS"),
        7 if rng.bool() => of("DELETE_IN_PROGRESS"),
        7 => failed("UPDATE_IN_PROGRESS", "A"),
        8 | 9 => State { stuck: true, last_update: Some(now - APART), ..of("UPDATE_IN_PROGRESS") },
        10 | 11 => failed("UPDATE_FAILED", "A"),
        12 => failed("UPDATE_FAILED", "B"),
        13 => failed("CREATE_FAILED", "A"),
        14 => State { last_update: None, ..of("NEW") },
        15 if rng.bool() => of("NEWER"),
        15 => failed("NEW", "A"),
        // Progress becomes stuck, and another clock has it free again.
        16 => {
            State { stuck: before?.status.as_str().ends_with("IN_PROGRESS") && rng.bool(), ..before?.clone() }
        }
        _ => before?.clone(),
    };
    Some(state)
}

/// What the time and the silence make of it.
fn effective(state: State, now: Timestamp, hush: bool) -> State {
    let health = state.health();
    let period = now.as_second() / DAY * DAY;
    let reminder = if matches!(health, Health::Healthy | Health::Removed) { 0 } else { period as u64 };
    State { silenced: hush && health.is_unhealthy(), reminder, ..state }
}

fn everything() -> Silences {
    Silences(vec![Silence {
        id: "s".to_owned(),
        accounts: Vec::new(),
        packs: Vec::new(),
        regions: Vec::new(),
        kinds: [].into(),
        until: Timestamp::MAX,
        reason: "r".to_owned(),
        by: "b".to_owned(),
    }])
}

/// One account's scans, and several last ones.
struct Tale {
    scans: Vec<Scan>,
    ends: Vec<Scan>,
}

impl Tale {
    fn stories(&self) -> impl Iterator<Item = Vec<Scan>> {
        self.ends.iter().map(|end| self.scans.iter().chain([end]).cloned().collect())
    }
}

/// A pack whose accounts have their stories side by side.
struct Pack {
    rng: Rng,
    settings: Settings,
    ids: Vec<AccountId>,
    rows: Rows,
    now: Timestamp,
    epoch: u64,
}

impl Pack {
    fn new(seed: u64, notify: &[&str], flap_limit: Option<u32>, accounts: usize) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            settings: Settings { flap_limit, ..settings(&[("PACKWATCH_NOTIFY", &notify.join(","))]) },
            ids: (1..=accounts).map(|n| account(n).parse().unwrap()).collect(),
            rows: BTreeMap::new(),
            now: "2026-11-20T00:30:00Z".parse().unwrap(),
            epoch: 0,
        }
    }

    fn pass(&mut self) {
        let flaps = self.settings.flap_limit.is_some();
        self.now += if flaps { SignedDuration::from_mins(13) } else { APART };
        self.epoch += 1;
    }

    /// A scan of every account, and what it leaves of the rows.
    fn scan(&mut self, baseline: bool, keep: bool) -> Vec<Scan> {
        let (now, hush) = (self.now, self.rng.u8(0..4) == 0);
        let Self { rng, rows, .. } = self;
        let mut seen = |id| {
            let before = rows.get(id).map(|row| &row.state);
            next(rng, before, now).map(|state| effective(state, now, hush))
        };
        let seen: Vec<Option<State>> = self.ids.iter().map(&mut seen).collect();
        let there = self.ids.iter().zip(&seen).filter_map(|(id, seen)| Some((*id, seen.clone()?)));
        let (extent, states) = (Extent::Everybody, there.collect());
        let observed = Observation { extent, states, observed_at: now, ..Observation::default() };
        let comparison = Comparison {
            target: &target("P"),
            history_id: "b",
            epoch: self.epoch,
            rows: &self.rows,
            observed: &observed,
            baseline,
            settings: &self.settings,
            silences: &if hush { everything() } else { Silences::default() },
        };
        let mut changes = comparison.changes().into_iter().peekable();
        let mut scans = Vec::with_capacity(seen.len());
        for (id, seen) in self.ids.iter().zip(seen) {
            let change = changes.next_if(|change| change.account == *id);
            let (row, record) = change.map(|change| (change.row, change.transition)).unzip();
            match row {
                Some(Some(row)) if keep => drop(self.rows.insert(*id, Box::new(row))),
                Some(None) if keep => drop(self.rows.remove(id)),
                _ => {}
            }
            let record = record.flatten().map(|record| *record);
            scans.push(Scan { seen, hush: Some(hush), baseline, unasked: Some(false), record });
        }
        assert_eq!(changes.next(), None, "a change of an account that is not there");
        scans
    }
}

fn tales(seed: u64, notify: &[&str], flap_limit: Option<u32>, accounts: usize) -> Vec<Tale> {
    let mut pack = Pack::new(seed, notify, flap_limit, accounts);
    let goes_on = pack.rng.bool();
    let new = |_| Tale { scans: Vec::with_capacity(SCANS), ends: Vec::with_capacity(ENDS) };
    let mut tales: Vec<Tale> = (0..accounts).map(new).collect();
    for scan in 1..SCANS {
        pack.pass();
        let scans = pack.scan(scan == 1 || (scan == 2 && goes_on), true);
        tales.iter_mut().zip(scans).for_each(|(tale, scan)| tale.scans.push(scan));
    }
    pack.pass();
    for _ in 0..ENDS {
        let scans = pack.scan(false, false);
        tales.iter_mut().zip(scans).for_each(|(tale, scan)| tale.ends.push(scan));
    }
    tales
}

/// What is wrong with a tale, however it ends.
fn wrong(rules: Rules<'_>, tale: &Tale) -> Option<String> {
    let mut account = Account::default();
    let mut scans = tale.scans.iter().enumerate();
    let wrong = scans.find_map(|(n, scan)| Some(format!("look {n}: {}", account.scan(rules, scan).err()?)));
    wrong.or_else(|| {
        let mut ends = tale.ends.iter().enumerate();
        ends.find_map(|(n, scan)| Some(format!("end {n}: {}", account.clone().scan(rules, scan).err()?)))
    })
}

fn rules<'a>(table: &'a Table, notify: &'a [&'a str]) -> Rules<'a> {
    Rules { table, notify, every: Some(SignedDuration::from_secs(DAY)) }
}

/// By seed: what people want to be notified of, and whether flapping is damped.
fn kind_of_tale(seed: u64) -> (&'static [&'static str], Option<u32>) {
    let notify = NOTIFY[seed as usize % NOTIFY.len()];
    (notify, [None, None, Some(1), Some(2)][seed as usize / NOTIFY.len() % 4])
}

#[test]
fn the_oracle_agrees_with_a_hundred_thousand_stories() {
    assert_agrees_with(100_000);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn the_oracle_agrees_with_a_million_stories() {
    assert_agrees_with(1_000_000);
}

fn assert_agrees_with(stories: usize) {
    let judge_seeds = |seeds: std::ops::Range<u64>| {
        for seed in seeds {
            let (notify, flap_limit) = kind_of_tale(seed);
            for (n, tale) in tales(seed, notify, flap_limit, AT_ONCE).iter().enumerate() {
                if let Some(wrong) = wrong(rules(&TABLE, notify), tale) {
                    panic!(
                        "seed {seed}, account {n}: {wrong}\n{notify:?}, {:#?}, {:#?}",
                        tale.scans, tale.ends
                    );
                }
            }
        }
    };
    let batches = (stories / AT_ONCE / ENDS) as u64;
    std::thread::scope(|threads| {
        threads.spawn(|| judge_seeds(0..batches / 2));
        judge_seeds(batches / 2..batches);
    });
}

#[test]
fn records_alone_are_judged_too() {
    for seed in 0..16 {
        let (notify, flap_limit) = kind_of_tale(seed);
        for story in tales(seed, notify, flap_limit, 100).iter().flat_map(Tale::stories) {
            let mut records: Vec<_> = story.into_iter().filter_map(|scan| scan.record).collect();
            assert_eq!(judge_records(|_| rules(&TABLE, notify), &records), None, "{records:#?}");
            let goes_on = |n: &usize| {
                let of = |n: usize| records.get(n).and_then(|record| record.incident_id.clone());
                of(*n).is_some() && of(*n) == of(n + 1)
            };
            if let Some(first) = (0..records.len()).find(goes_on) {
                records[first + 1].incident_id = Some("another".to_owned());
                let wrong = judge_records(|_| rules(&TABLE, notify), &records);
                assert!(wrong.is_some(), "a changed id is noticed: {records:#?}");
            }
        }
    }
}

/// Every other meaning that a cell could have.
fn mutants() -> impl Iterator<Item = (usize, usize, Table)> {
    let cells = Kind::ALL.iter().copied().map(Cell::Is).chain([Cell::Nothing, Cell::FailedOrAgain]);
    let conditions = [Kind::Unrecognised, Kind::InProgress].map(Cell::New);
    let cells: Vec<Cell> = cells.chain(conditions).collect();
    (0..3).flat_map(|was| (0..6).map(move |is| (was, is))).flat_map(move |(was, is)| {
        let others = cells.clone().into_iter().filter(move |cell| *cell != TABLE[was][is]);
        others.map(move |cell| {
            let mut table = TABLE;
            table[was][is] = cell;
            (was, is, table)
        })
    })
}

#[test]
fn each_cell_of_the_table_matters() {
    let notified: Vec<_> = (0..8)
        .map(|seed| {
            let (notify, flap_limit) = kind_of_tale(seed);
            (notify, tales(seed, notify, flap_limit, 1_000))
        })
        .collect();
    for (was, column, table) in mutants() {
        let cell = table[was][column];
        // Outside of an incident everything is new, so that a condition changes nothing.
        let is_same = was < 2 && at_first(cell) == at_first(TABLE[was][column]);
        let mut all =
            notified.iter().flat_map(|(notify, tales)| tales.iter().map(move |tale| (*notify, tale)));
        let notices = all.any(|(notify, tale)| wrong(rules(&table, notify), tale).is_some());
        assert_ne!(notices, is_same, "row {was}, column {column}: {cell:?}");
    }
}
