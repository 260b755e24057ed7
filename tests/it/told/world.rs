//! The organization as it is: packs, accounts, AWS Config and SNS, and a clock that goes from poll to poll.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use packwatch::model::{AccountId, DetailedStatus, Status, Target};
use packwatch::ports::{LogRequest, Order, SilenceStore, SnapshotStore};
use packwatch::settings::Reader;
use packwatch::state::log::{Position, Record};
use packwatch::state::packed;
use packwatch::state::silence::Silence;
use packwatch::watch;
use packwatch::watch::budget::Budget;
use packwatch::watch::request::Request;

use super::oracle::{Delivered, Oracle};
use crate::harness::parts::Parts;
use crate::messages::samples::{account, at};
use crate::messages::stage::{Inbox, Statuses};
use crate::protocol::memory::MemoryStore;

/// Why a deployment fails: AWS Config's code, and its message with `{id}` for what differs between accounts.
pub(crate) const CAUSES: [(Option<&str>, Option<&str>); 8] = [
    (
        Some("NoAvailableConfigurationRecorderException"),
        Some("There is no customer managed configuration recorder in {id}."),
    ),
    (
        Some("AccessDenied"),
        Some(
            "User: arn:aws:sts::{id}:assumed-role/AWSServiceRoleForConfigConforms/AwsConfigConformsWorkflow is not \
             authorized to perform: config:PutConfigRule with an explicit deny in a service control policy",
        ),
    ),
    (
        Some("MaxNumberOfConfigRulesExceededException"),
        Some(
            "Failed to add the AWS Config rule because the account already contains the maximum number of rules.",
        ),
    ),
    (Some("InternalError"), Some("An internal error has occurred.")),
    (Some("NeverHeardOf"), Some("The first thing went wrong.")),
    (Some("NeverHeardOf"), Some("Another thing went wrong.")),
    (None, None),
    (None, Some("It has no code.")),
];

/// The quota's.
pub(crate) const QUOTA: usize = 2;

/// What AWS Config says of an account in a pack.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) status: String,
    /// Which of [`CAUSES`], of what failed.
    pub(crate) cause: Option<usize>,
    pub(crate) at: Timestamp,
}

impl Row {
    pub(crate) fn code(&self) -> Option<&'static str> {
        CAUSES[self.cause?].0
    }
}

/// All of a region's packs, as AWS Config shows them.
pub(crate) type Rows = BTreeMap<Target, BTreeMap<AccountId, Row>>;

/// Something that happens.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// The account's deployment is in this status now, if the account is there.
    Set(Target, AccountId, String, Option<usize>),
    /// The same, of an account that need not be there.
    Put(Target, AccountId, String, Option<usize>),
    Leave(Target, AccountId),
    /// The account leaves the organization.
    LeaveAll(AccountId),
    CreatePack(Target, Vec<AccountId>),
    DeletePack(Target),
    Silence(Silence),
    Unsilence(String),
    /// SNS takes nothing until then.
    SnsDown(Timestamp),
    /// The function does not run until then.
    NoPolls(Timestamp),
    /// From now on the setting is so.
    Setting(&'static str, String),
}

fn detailed(id: AccountId, row: &Row) -> DetailedStatus {
    let message = row.cause.and_then(|cause| CAUSES[cause].1);
    DetailedStatus {
        account: id,
        conformance_pack_name: "OrgConformsPack-x".to_owned(),
        status: Status::new(&row.status),
        error_code: row.code().map(str::to_owned),
        error_message: message.map(|message| message.replace("{id}", &id.to_string())),
        last_update: Some(row.at),
    }
}

/// How often the schedule runs the function.
pub(crate) const EVERY: SignedDuration = SignedDuration::from_mins(5);
/// For so long after something happened every poll is made; else one in half an hour, since the others find nothing.
const AWAKE: SignedDuration = SignedDuration::from_mins(11);
/// When an account that flapped has settled.
const SETTLED: SignedDuration = SignedDuration::from_mins(60);
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// The organization, the program that watches it, and the oracle that watches both.
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) rows: Rows,
    pub(crate) oracle: Oracle,
    store: MemoryStore,
    sns: Inbox,
    settings: BTreeMap<&'static str, String>,
    /// How far the history was read.
    read: BTreeMap<Target, Position>,
    /// Until when SNS is down, and the function does not run.
    down: (Timestamp, Timestamp),
    awake_until: Timestamp,
    /// When the time alone may change something.
    alarms: BTreeSet<Timestamp>,
}

/// As the function is deployed by default.
const SETTINGS: [(&str, &str); 5] = [
    ("PACKWATCH_REGIONS", "eu-west-1,us-east-1"),
    ("PACKWATCH_NOTIFY", super::NOTIFY),
    ("PACKWATCH_GROUP_INTERVAL", "30m"),
    ("PACKWATCH_TIME_ZONE", "UTC"),
    ("PACKWATCH_REMIND_AT", "09:00"),
];

impl World {
    pub(crate) fn new() -> Self {
        let now = at("2026-11-18T10:00:00Z");
        let settings: BTreeMap<&str, String> =
            SETTINGS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self {
            now,
            rows: Rows::new(),
            oracle: Oracle::new(&settings),
            store: MemoryStore::default(),
            sns: Inbox::default(),
            settings,
            read: BTreeMap::new(),
            down: (now, now),
            awake_until: now,
            alarms: BTreeSet::new(),
        }
    }

    /// A pack in accounts where it was created long ago.
    pub(crate) fn pack(&mut self, target: &Target, accounts: impl Iterator<Item = u64>) {
        let old = Row { status: "CREATE_SUCCESSFUL".to_owned(), cause: None, at: at("2026-10-01T00:00:01Z") };
        self.rows.insert(target.clone(), accounts.map(|n| (account(n), old.clone())).collect());
    }

    /// Goes on to this time: what happens in the meantime, and the polls that see it.
    pub(crate) async fn go_on(&mut self, story: &[(Timestamp, Act)], until: Timestamp) {
        let mut story: Vec<&(Timestamp, Act)> = story.iter().collect();
        story.sort_by_key(|(at, _)| *at);
        let mut story = story.into_iter().peekable();
        while self.now + EVERY <= until {
            let next = self.now + EVERY;
            while let Some((at, act)) = story.next_if(|(at, _)| *at <= next) {
                self.act(*at, act.clone()).await;
                self.awake_until = self.awake_until.max(next + AWAKE);
                self.oracle.tally.acts += 1;
            }
            self.now = next;
            let alarms = self.alarms.split_off(&(next + SignedDuration::from_secs(1)));
            if !std::mem::replace(&mut self.alarms, alarms).is_empty() {
                self.awake_until = self.awake_until.max(next + AWAKE);
            }
            let is_quiet = next > self.awake_until && !self.oracle.is_waiting();
            let minute = next.as_second() / 60 % 60;
            if (!is_quiet || minute % 30 == 0) && next >= self.down.1 {
                self.poll().await;
            }
        }
    }

    /// One run, and what the oracle says of it.
    pub(crate) async fn poll(&mut self) {
        self.sns.is_down.set(self.now < self.down.0);
        let settings = Reader::new(&|name: &str| self.settings.get(name).cloned()).settings();
        let of_pack = |rows: &BTreeMap<_, Row>| rows.iter().map(|(id, row)| detailed(*id, row)).collect();
        let source =
            Statuses(self.rows.iter().map(|(target, rows)| (target.clone(), of_pack(rows))).collect());
        let outside = Parts { source: &source, store: &self.store, publisher: &self.sns, now: self.now };
        let request = Request { scheduled: true, ..Request::default() };
        watch::run(&outside, &settings, &request, &Budget::UNLIMITED).await.unwrap();
        self.sns.events.take();
        let delivered = Delivered {
            now: self.now,
            is_up: !self.sns.is_down.get(),
            recorded: self.recorded().await,
            digests: self.sns.digests.take(),
        };
        self.oracle.judge(&self.rows, delivered);
    }

    /// What the history has since the last poll.
    async fn recorded(&mut self) -> Vec<(Target, Record)> {
        let mut recorded = Vec::new();
        for (target, head) in self.store.heads() {
            let after = self.read.insert(target.clone(), head.log_end).unwrap_or_default();
            if head.log_end > after {
                let request =
                    LogRequest { after, until: head.log_end, order: Order::Oldest, limit: 1000, token: None };
                for part in self.store.log(&target, &request).await.unwrap().items {
                    let records = packed::read_records(&part.data).unwrap();
                    recorded.extend(records.into_iter().map(|record| (target.clone(), record)));
                }
            }
        }
        recorded
    }

    async fn act(&mut self, at: Timestamp, act: Act) {
        match act {
            Act::Set(target, id, status, cause) => {
                if self.rows.get(&target).is_some_and(|rows| rows.contains_key(&id)) {
                    self.put(target, id, status, cause, at);
                }
            }
            Act::Put(target, id, status, cause) => self.put(target, id, status, cause, at),
            Act::Leave(target, id) => {
                self.rows.get_mut(&target).map(|rows| rows.remove(&id));
            }
            Act::LeaveAll(id) => {
                for rows in self.rows.values_mut() {
                    rows.remove(&id);
                }
            }
            Act::CreatePack(target, accounts) => {
                self.rows.insert(target.clone(), BTreeMap::new());
                for id in accounts {
                    self.put(target.clone(), id, "CREATE_IN_PROGRESS".to_owned(), None, at);
                }
            }
            Act::DeletePack(target) => {
                self.rows.remove(&target);
            }
            Act::Silence(silence) => {
                self.alarms.insert(silence.until);
                self.store.silence(&silence).await.unwrap();
                self.oracle.silences.insert(silence.id.clone(), silence);
            }
            Act::Unsilence(id) => {
                self.store.unsilence(&id).await.unwrap();
                self.oracle.silences.remove(&id);
            }
            Act::SnsDown(until) => self.down.0 = until,
            Act::NoPolls(until) => self.down.1 = until,
            Act::Setting(name, value) => {
                self.settings.insert(name, value);
                self.oracle.set(&self.settings);
            }
        }
    }

    fn put(&mut self, target: Target, id: AccountId, status: String, cause: Option<usize>, at: Timestamp) {
        if status.ends_with("_IN_PROGRESS") {
            self.alarms.insert(at + STUCK_AFTER);
        }
        self.alarms.insert(at + SETTLED);
        if let Some(rows) = self.rows.get_mut(&target) {
            rows.insert(id, Row { status, cause, at });
        }
    }

    /// What is recorded at last, against what is the case.
    pub(crate) fn assert_recorded(&self) {
        for (target, rows) in &self.rows {
            let recorded = self.store.rows_of(target);
            let stands: Vec<(AccountId, String)> =
                recorded.iter().map(|(id, row)| (*id, row.state.status.to_string())).collect();
            let is_there = |(_, row): &(&AccountId, &Row)| row.status != "DELETE_SUCCESSFUL";
            let truth = rows.iter().filter(is_there).map(|(id, row)| (*id, row.status.clone()));
            assert_eq!(stands, truth.collect::<Vec<_>>(), "{target}");
            let head = &self.store.heads()[target];
            assert_eq!(head.account_count() as usize, stands.len(), "{target}: what the board counts");
        }
        let history = self.store.heads().into_keys().map(|target| self.store.log_of(&target).len());
        assert_eq!(
            history.sum::<usize>(),
            self.oracle.tally.records,
            "the history has what each run recorded"
        );
    }
}
