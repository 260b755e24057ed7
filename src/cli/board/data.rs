//! The data of the page: one JSON document, which is kept small. Texts stand in it once, what an account is in a pack
//! is a small number, and equal neighbours are counted.
//!
//! ```text
//! {"now": seconds since 1970,
//!  "from": [options of a command that reads the same store, …],
//!  "late": what to say where packs are out of date, or null,
//!  "packs": [{"region", "name", "full", "compared", "changed": times,
//!             "cells": [class, how many accounts in a row, …],      of the accounts in their order; class 0: not there
//!             "unhealthy": [account, failing since, last update, message, …],
//!             "again": [how often it was tried again, …]}],      in the order of "unhealthy"
//!  "moves": [time, pack, account, kind, status before, status now, error code, …],      the newest first
//!  "cut": whether there were more moves,
//!  "events": [[time, region, pack, what happened to it], …],
//!  "classes": [[status, error code, hint, 1 stuck + 2 silenced + 4 flapping + 8 unhealthy], …] of class 1, 2, …
//!  "statuses": [["CREATE_FAILED", phase], …], "codes": […], "messages": […], "kinds": […],
//!  "hints": [{"means", "todo", "title", "url"}], "accounts": [id, …], "names": [name, …]}
//! ```
//!
//! A time is the number of seconds before `now`; what is absent is -1, an absent time null.

use std::collections::BTreeSet;

use indexmap::IndexSet;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::freshness;
use super::names::KnownNames;
use super::pack::{Pack, hint, is_unhealthy};
use crate::history::Entry;
use crate::model::text::{bounded, plain};
use crate::model::{AccountId, Kind, Phase, Status, Target};
use crate::notify::hints::Hint;
use crate::state::log::Record;
use crate::state::{Row, State, Transition};

/// Bytes of one message, and of all: AWS Config's words may differ for each account by an id of a request.
const LONGEST_MESSAGE: usize = 400;
const ALL_MESSAGES: usize = 1_500_000;
const LEFT_OUT: &str = "(not in this page, to keep it small: packwatch board --failing --output json has it)";

/// Moves that the page holds.
pub(super) const MOST_MOVES: usize = 20_000;

/// The document.
#[derive(Default, Serialize)]
pub(super) struct Data {
    now: i64,
    from: Vec<String>,
    late: Option<String>,
    packs: Vec<Value>,
    moves: Vec<i64>,
    pub(super) cut: bool,
    events: Vec<Value>,
    classes: IndexSet<[i64; 4]>,
    statuses: IndexSet<(String, u8)>,
    codes: IndexSet<String>,
    messages: IndexSet<String>,
    hints: IndexSet<Value>,
    kinds: Vec<&'static str>,
    accounts: IndexSet<AccountId>,
    names: Vec<String>,
    #[serde(skip)]
    targets: IndexSet<Target>,
    #[serde(skip)]
    unhealthy: BTreeSet<AccountId>,
    #[serde(skip)]
    message_bytes: usize,
}

impl Data {
    pub(super) fn new(now: Timestamp, from: Vec<String>, late: Option<String>) -> Self {
        let kinds = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        Self { now: now.as_second(), from, late, kinds, ..Self::default() }
    }

    pub(super) fn pack(&mut self, Pack { target, head, rows }: &Pack) {
        self.accounts.extend(rows.keys().copied());
        let mut cells = vec![0; self.accounts.len()];
        let (mut unhealthy, mut again) = (Vec::new(), Vec::new());
        for (account, row) in rows {
            let place = self.accounts.insert_full(*account).0;
            let class = self.class(row);
            if let Some(cell) = cells.get_mut(place) {
                *cell = class + 1;
            }
            if is_unhealthy(row) {
                self.unhealthy.insert(*account);
                let message = self.message(&row.state);
                let times =
                    [row.failing_since, row.state.last_update].map(|time| time.map(|time| self.ago(time)));
                unhealthy.extend([Some(place as i64), times[0], times[1], Some(message)]);
                again.push(row.incident.as_ref().map_or(0, |incident| incident.tried_again));
            }
        }
        let runs = cells.chunk_by(|a, b| a == b);
        let runs: Vec<usize> = runs.flat_map(|run| [run.first().copied().unwrap_or(0), run.len()]).collect();
        self.packs.push(json!({
            "region": target.region,
            "name": target.pack,
            "full": head.last_full_scan().map(|at| self.ago(at)),
            "compared": self.ago(freshness::compared(head)),
            "changed": self.ago(head.committed_at),
            "cells": runs,
            "unhealthy": unhealthy,
            "again": again,
        }));
        self.targets.insert(target.clone());
    }

    /// Takes what happened: to a pack, or to an account of one that is there.
    pub(super) fn record(&mut self, Entry { target, record, .. }: &Entry) {
        match record {
            Record::Account(of) => self.moved(target, of),
            Record::Pack(notice) => {
                let ago = self.ago(notice.observed_at);
                self.events.push(json!([ago, target.region, target.pack, notice.in_words()]));
            }
        }
    }

    fn moved(&mut self, target: &Target, transition: &Transition) {
        let Some(pack) = self.targets.get_index_of(target) else { return };
        let code = transition.to.as_ref().and_then(|to| to.error_code.as_ref());
        let places = [
            Some(pack),
            Some(self.accounts.insert_full(transition.account).0),
            Kind::ALL.iter().position(|kind| *kind == transition.kind),
            transition.from.as_ref().map(|state| self.status(&state.status)),
            transition.to.as_ref().map(|state| self.status(&state.status)),
            code.map(|code| self.codes.insert_full(plain(code)).0),
        ];
        self.moves.push(self.ago(transition.observed_at));
        self.moves.extend(places.map(or_none));
    }

    /// The document in an HTML script element: there nothing but `<` could end the element or begin a comment, and it
    /// stands only inside of JSON's strings. Only those who are unhealthy are asked the names of.
    pub(super) async fn embedded(mut self, names: &KnownNames) -> Result<String, serde_json::Error> {
        names.look_up(std::mem::take(&mut self.unhealthy).into_iter()).await;
        self.names = self.accounts.iter().map(|account| names.of(*account).unwrap_or_default()).collect();
        Ok(serde_json::to_string(&self)?.replace('<', "\\u003c"))
    }

    fn class(&mut self, row: &Row) -> usize {
        let state = &row.state;
        let code = state.error_code.as_deref().map(plain).filter(|code| !code.is_empty());
        let flags = [(state.stuck, 1), (state.silenced, 2), (row.flapping, 4), (is_unhealthy(row), 8)];
        let class = [
            self.status(&state.status) as i64,
            or_none(code.map(|code| self.codes.insert_full(code).0)),
            or_none(hint(row).map(|hint| self.hint(hint))),
            flags.into_iter().filter(|(is_so, _)| *is_so).map(|(_, flag)| flag).sum(),
        ];
        self.classes.insert_full(class).0
    }

    fn status(&mut self, status: &Status) -> usize {
        let phase = match status.phase() {
            Phase::Successful => 0,
            Phase::InProgress => 1,
            Phase::Failed => 2,
            Phase::Unrecognised => 3,
        };
        self.statuses.insert_full((plain(status.as_str()), phase)).0
    }

    fn hint(&mut self, hint: &'static Hint) -> usize {
        let Hint { means, todo, title, url, .. } = hint;
        self.hints.insert_full(json!({"means": means, "todo": todo, "title": title, "url": url})).0
    }

    fn message(&mut self, state: &State) -> i64 {
        let Some(message) = state.error_message.as_deref().map(plain).filter(|text| !text.is_empty()) else {
            return -1;
        };
        let message = bounded(message, LONGEST_MESSAGE);
        let is_new = !self.messages.contains(&message);
        let message = if is_new && self.message_bytes > ALL_MESSAGES { LEFT_OUT.to_owned() } else { message };
        self.message_bytes += if is_new { message.len() } else { 0 };
        self.messages.insert_full(message).0 as i64
    }

    fn ago(&self, time: Timestamp) -> i64 {
        self.now - time.as_second()
    }
}

fn or_none(place: Option<usize>) -> i64 {
    place.map_or(-1, |place| place as i64)
}
