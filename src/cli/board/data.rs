//! The data of the page: one JSON document, made a pack at a time and kept small. Texts stand in it once, what an
//! account is in a pack is a small number, and equal neighbours are counted.
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
//!  "classes": [status, error code, hint, 1 stuck + 2 silenced + 4 flapping + 8 unhealthy, …], of class 1, 2, …
//!  "statuses": [["CREATE_FAILED", phase], …], "codes": […], "messages": […], "kinds": […],
//!  "hints": [{"means", "todo", "title", "url"}], "accounts": [id, …], "names": [name, …]}
//! ```
//!
//! A time is the number of seconds before `now`; what is absent is -1, an absent time null.

use std::io::{self, Write};

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

/// A JSON value inside an HTML script element: there nothing but `<` could end the element or begin a comment, and
/// it stands only inside of JSON's strings.
fn embedded(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string(value)?.replace('<', "\\u003c"))
}

/// Status, error code, hint and flags of a class.
type Class = (usize, Option<usize>, Option<usize>, u8);

/// Writes the document.
pub(super) struct Data<W> {
    out: W,
    now: Timestamp,
    targets: IndexSet<Target>,
    accounts: IndexSet<AccountId>,
    unhealthy: Vec<AccountId>,
    classes: IndexSet<Class>,
    statuses: IndexSet<String>,
    codes: IndexSet<String>,
    messages: IndexSet<String>,
    message_bytes: usize,
    hints: Vec<&'static Hint>,
    has_moves: bool,
    events: Vec<Value>,
}

impl<W: Write> Data<W> {
    pub(super) fn begin(mut out: W, now: Timestamp, from: &[String], late: Option<&str>) -> io::Result<Self> {
        let (from, late) = (embedded(&from)?, embedded(&late)?);
        write!(out, "{{\"now\":{},\"from\":{from},\"late\":{late},\"packs\":[", now.as_second())?;
        Ok(Self {
            out,
            now,
            targets: IndexSet::new(),
            accounts: IndexSet::new(),
            unhealthy: Vec::new(),
            classes: IndexSet::new(),
            statuses: IndexSet::new(),
            codes: IndexSet::new(),
            messages: IndexSet::new(),
            message_bytes: 0,
            hints: Vec::new(),
            has_moves: false,
            events: Vec::new(),
        })
    }

    pub(super) fn pack(&mut self, pack: &Pack) -> io::Result<()> {
        let mut cells = vec![0; self.accounts.len()];
        let (mut unhealthy, mut again) = (Vec::new(), Vec::new());
        for (account, row) in &pack.rows {
            let place = self.accounts.insert_full(*account).0;
            if place >= cells.len() {
                cells.resize(place + 1, 0);
            }
            let class = self.class(row);
            if let Some(cell) = cells.get_mut(place) {
                *cell = class + 1;
            }
            if is_unhealthy(row) {
                self.unhealthy.push(*account);
                let times = [row.failing_since, row.state.last_update].map(|time| self.ago(time));
                let message = self.message(&row.state);
                unhealthy.extend([json!(place), json!(times[0]), json!(times[1]), json!(message)]);
                again.push(row.incident.as_ref().map_or(0, |incident| incident.tried_again));
            }
        }
        let runs = cells.chunk_by(|a, b| a == b);
        let runs: Vec<usize> = runs.flat_map(|run| [run.first().copied().unwrap_or(0), run.len()]).collect();
        let document = json!({
            "region": pack.target.region,
            "name": pack.target.pack,
            "full": self.ago(freshness::read_in_full(&pack.head)),
            "compared": self.ago(Some(freshness::compared(&pack.head))),
            "changed": self.ago(Some(pack.head.committed_at)),
            "cells": runs,
            "unhealthy": unhealthy,
            "again": again,
        });
        let comma = if self.targets.is_empty() { "" } else { "," };
        self.targets.insert(pack.target.clone());
        write!(self.out, "{comma}\n{}", embedded(&document)?)
    }

    /// The accounts that are unhealthy, each as often as it is unhealthy.
    pub(super) fn unhealthy(&self) -> impl Iterator<Item = AccountId> {
        self.unhealthy.iter().copied()
    }

    pub(super) fn begin_moves(&mut self) -> io::Result<()> {
        write!(self.out, "],\n\"moves\":[")
    }

    /// Takes what happened: to a pack, or to an account of one that is there.
    pub(super) fn record(&mut self, Entry { target, record, .. }: &Entry) -> io::Result<()> {
        match record {
            Record::Account(of) if self.targets.contains(target) => self.moved(target, of),
            Record::Account(_) => Ok(()),
            Record::Pack(notice) => {
                let ago = self.ago(Some(notice.observed_at));
                self.events.push(json!([ago, target.region, target.pack, notice.in_words()]));
                Ok(())
            }
        }
    }

    fn moved(&mut self, target: &Target, transition: &Transition) -> io::Result<()> {
        let code = transition.to.as_ref().and_then(|to| to.error_code.as_ref());
        let status =
            |this: &mut Self, state: &Option<State>| state.as_ref().map(|state| this.status(&state.status));
        let places = [
            self.targets.get_index_of(target),
            Some(self.accounts.insert_full(transition.account).0),
            Kind::ALL.iter().position(|kind| *kind == transition.kind),
            status(self, &transition.from),
            status(self, &transition.to),
            code.map(|code| self.codes.insert_full(plain(code)).0),
        ];
        let comma = if std::mem::replace(&mut self.has_moves, true) { "," } else { "" };
        let ago = self.now.as_second() - transition.observed_at.as_second();
        let places = places.map(or_none).map(|place| place.to_string()).join(",");
        write!(self.out, "{comma}{ago},{places}")
    }

    pub(super) fn end_moves(&mut self, cut: bool) -> io::Result<()> {
        write!(self.out, "],\n\"cut\":{cut}")
    }

    pub(super) fn finish(mut self, names: &KnownNames) -> io::Result<W> {
        let classes = self.classes.iter().flat_map(|(status, code, hint, flags)| {
            [json!(status), json!(or_none(*code)), json!(or_none(*hint)), json!(flags)]
        });
        let statuses = self.statuses.iter().map(|status| (status, phase(&Status::new(status))));
        let hints = self.hints.iter().map(
            |hint| json!({"means": hint.means, "todo": hint.todo, "title": hint.title, "url": hint.url}),
        );
        let names = self.accounts.iter().map(|account| names.of(*account).unwrap_or_default());
        let document = [
            ("events", json!(self.events)),
            ("classes", json!(classes.collect::<Vec<_>>())),
            ("statuses", json!(statuses.collect::<Vec<_>>())),
            ("codes", json!(self.codes)),
            ("messages", json!(self.messages)),
            ("kinds", json!(Kind::ALL.map(Kind::as_str))),
            ("hints", json!(hints.collect::<Vec<_>>())),
            ("names", json!(names.collect::<Vec<_>>())),
            ("accounts", json!(self.accounts)),
        ];
        for (name, value) in document {
            write!(self.out, ",\n\"{name}\":{}", embedded(&value)?)?;
        }
        write!(self.out, "}}")?;
        Ok(self.out)
    }

    fn class(&mut self, row: &Row) -> usize {
        let state = &row.state;
        let code = state.error_code.as_deref().map(plain).filter(|code| !code.is_empty());
        let flags = [(state.stuck, 1), (state.silenced, 2), (row.flapping, 4), (is_unhealthy(row), 8)];
        let class = (
            self.status(&state.status),
            code.map(|code| self.codes.insert_full(code).0),
            hint(row).map(|hint| self.hint(hint)),
            flags.into_iter().filter(|(is_so, _)| *is_so).map(|(_, flag)| flag).sum(),
        );
        self.classes.insert_full(class).0
    }

    fn status(&mut self, status: &Status) -> usize {
        self.statuses.insert_full(plain(status.as_str())).0
    }

    fn hint(&mut self, hint: &'static Hint) -> usize {
        let known = self.hints.iter().position(|known| std::ptr::eq(*known, hint));
        known.unwrap_or_else(|| {
            self.hints.push(hint);
            self.hints.len() - 1
        })
    }

    fn message(&mut self, state: &State) -> i64 {
        let Some(message) = state.error_message.as_deref().map(plain).filter(|text| !text.is_empty()) else {
            return -1;
        };
        let message = bounded(message, LONGEST_MESSAGE);
        let is_new = !self.messages.contains(&message);
        let message = if is_new && self.message_bytes > ALL_MESSAGES { LEFT_OUT.to_owned() } else { message };
        self.message_bytes += if is_new { message.len() } else { 0 };
        or_none(Some(self.messages.insert_full(message).0))
    }

    fn ago(&self, time: Option<Timestamp>) -> Option<i64> {
        time.map(|time| self.now.as_second() - time.as_second())
    }
}

fn or_none(place: Option<usize>) -> i64 {
    place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1)
}

fn phase(status: &Status) -> u8 {
    match status.phase() {
        Phase::Successful => 0,
        Phase::InProgress => 1,
        Phase::Failed => 2,
        Phase::Unrecognised => 3,
    }
}
