//! The oracle: what the design's section on what is reported says of the story of one account. It is written from that
//! section and not from the code, with the table as data, so that a test can change each cell and see that it matters.
//!
//! [`Account::look`] is given what was seen, scan by scan, and what was recorded. [`judge_records`] has the records
//! alone, as the judge of a search does: then nothing can be missing that nobody looked for, and what only the whole
//! pack knows (whether it is being deleted) is left open.

use jiff::{SignedDuration, Timestamp};
use packwatch::model::Kind;
use packwatch::state::{State, Transition};

/// The columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Is {
    Failed,
    Stuck,
    Unknown,
    Moving,
    Well,
    Gone,
}

/// The rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Was {
    NotThere,
    Fine,
    InIncident,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    Nothing,
    Is(Kind),
    /// Where the status is new.
    New(Kind),
    /// `Failed` if status or code are new to people, else `FailedAgain`.
    FailedOrAgain,
}

pub(crate) type Table = [[Cell; 6]; 3];

/// | was, is | failed | stuck | unknown | moving | well | removed or gone |
#[rustfmt::skip]
pub(crate) const TABLE: Table = {
    use Cell::{FailedOrAgain, Is, New, Nothing};
    use Kind::{Failed, InProgress, Joined, Left, Recovered, Stuck, Succeeded, Unrecognised};
    [
        [Is(Failed),    Is(Stuck), Is(Unrecognised),  Is(Joined),      Is(Joined),    Nothing ],
        [Is(Failed),    Is(Stuck), Is(Unrecognised),  Is(InProgress),  Is(Succeeded), Is(Left)],
        [FailedOrAgain, Is(Stuck), New(Unrecognised), New(InProgress), Is(Recovered), Is(Left)],
    ]
};

/// By what is judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) table: &'a Table,
    /// The names of `PACKWATCH_NOTIFY`.
    pub(crate) notify: &'a [&'a str],
    /// `PACKWATCH_REMIND_EVERY`.
    pub(crate) every: Option<SignedDuration>,
}

/// One scan at the account.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    /// What AWS Config showed, with what the time makes of it; `None`: the account was not there.
    pub(crate) seen: Option<State>,
    /// Whether a silence covered everything; what is unhealthy says that for itself. `None`: unknown.
    pub(crate) hush: Option<bool>,
    /// The scan was a baseline's.
    pub(crate) baseline: bool,
    /// Whether the whole pack was being deleted, or the account left out. `None`: unknown.
    pub(crate) unasked: Option<bool>,
    /// What was recorded.
    pub(crate) record: Option<Transition>,
}

/// What is known of the account after some scans.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    state: Option<State>,
    /// Its id, when it began, and what people heard of it.
    incident: Option<(String, Timestamp, Option<Heard>)>,
    /// People hear of flapping, and wait for the end of it.
    flaps: bool,
    /// They believe that an incident goes on that is over.
    lagging: Option<(String, Timestamp)>,
}

/// What people heard of an incident.
#[derive(Debug, Clone, Default)]
struct Heard {
    stuck: bool,
    bad: Option<(String, Option<String>)>,
    /// When that was; retries alone do not count.
    at: Option<Timestamp>,
}

pub(crate) fn is(state: Option<&State>) -> Is {
    let Some(state) = state else { return Is::Gone };
    match state.status.as_str() {
        "CREATE_SUCCESSFUL" | "UPDATE_SUCCESSFUL" => Is::Well,
        "DELETE_SUCCESSFUL" => Is::Gone,
        "CREATE_FAILED" | "UPDATE_FAILED" | "DELETE_FAILED" => Is::Failed,
        "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS" if state.stuck => Is::Stuck,
        "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS" => Is::Moving,
        _ => Is::Unknown,
    }
}

/// What a cell says where everything is new.
pub(crate) fn at_first(cell: Cell) -> Option<Kind> {
    match cell {
        Cell::Nothing => None,
        Cell::Is(kind) | Cell::New(kind) => Some(kind),
        Cell::FailedOrAgain => Some(Kind::Failed),
    }
}

pub(crate) fn is_unhealthy(is: Is) -> bool {
    matches!(is, Is::Failed | Is::Stuck | Is::Unknown)
}

/// The first thing that is wrong with the records of one account, from its first or from a baseline on.
pub(crate) fn judge_records<'a>(
    rules: impl Fn(&Transition) -> Rules<'a>,
    records: &[Transition],
) -> Option<String> {
    let mut account = Account::default();
    records.iter().find_map(|record| {
        let status = |state: &Option<State>| state.as_ref().map(|state| state.status.clone());
        // A baseline leaves rows of what is healthy, and no record; a row follows silences and periods without one.
        let chain = account.state.is_some() && status(&account.state) != status(&record.from);
        account.state.clone_from(&record.from);
        let scan = Scan {
            seen: record.to.clone(),
            hush: None,
            baseline: record.baseline,
            unasked: None,
            record: Some(record.clone()),
        };
        let wrong =
            if chain { Err("the chain is broken".to_owned()) } else { account.scan(rules(record), &scan) };
        wrong.err().map(|wrong| format!("epoch {}: {wrong}\n{record:#?}", record.epoch))
    })
}

/// Fails with what was expected, unless it is so.
macro_rules! ensure {
    ($is:expr, $($why:tt)*) => { if !$is { return Err(format!($($why)*)); } };
}

impl Account {
    /// Goes on with a scan, and says what is wrong with it.
    pub(crate) fn scan(&mut self, rules: Rules<'_>, scan: &Scan) -> Result<(), String> {
        let seen = scan
            .seen
            .clone()
            .map(|seen| self.held(seen, scan.hush))
            .filter(|seen| is(Some(seen)) != Is::Gone);
        let now = is(seen.as_ref());
        let mut expected = self.kind(rules, scan, seen.as_ref());
        let record = scan.record.as_ref();
        if self.flaps && record.is_some_and(|record| record.kind == Kind::Settled) {
            expected = Some(Kind::Settled);
        }
        let kind = record.map(|record| record.kind);
        ensure!(kind == expected, "{kind:?} was recorded, expected {expected:?}");
        let was = self.incident.clone();
        let goes_on = was.is_some() && !matches!(now, Is::Well | Is::Gone);
        if let Some(record) = record {
            let ends = was.as_ref().filter(|_| !goes_on);
            self.check_incident(record, now, goes_on)?;
            self.check_notification(rules, scan, record, seen.as_ref())?;
            let notified = record.notify;
            if ends.is_some_and(|(.., heard)| heard.is_some()) && record.damped {
                self.lagging = ends.map(|(id, since, _)| (id.clone(), *since));
            }
            let says_unhealthy =
                is_unhealthy(now) || record.kind == Kind::Reminder || record.kind == Kind::Settled;
            if notified && (says_unhealthy || (!goes_on && !is_unhealthy(now))) {
                self.lagging = None;
            }
            self.flaps = record.flapping.is_some() || (self.flaps && record.kind != Kind::Settled);
            self.incident = match (goes_on, is_unhealthy(now)) {
                (true, _) => was,
                (false, true) => {
                    record.incident_id.clone().zip(record.failing_since).map(|(i, t)| (i, t, None))
                }
                (false, false) => None,
            };
            if let Some((.., heard)) = self.incident.as_mut().filter(|_| notified && says_unhealthy) {
                let heard = heard.get_or_insert_default();
                if record.kind != Kind::FailedAgain {
                    heard.at = Some(record.observed_at);
                }
                let seen = seen.as_ref().ok_or("what is reported is there")?;
                match now {
                    Is::Failed | Is::Unknown => {
                        heard.bad = Some((seen.status.to_string(), seen.error_code.clone()));
                    }
                    Is::Stuck => heard.stuck = true,
                    Is::Moving | Is::Well | Is::Gone => {}
                }
            }
        } else if !goes_on {
            ensure!(was.is_none(), "an incident ended without a record");
        }
        if now == Is::Gone {
            *self = Self::default();
        } else if !self.is_as_recorded(seen.as_ref(), now) || record.is_some() {
            self.state = seen;
        }
        Ok(())
    }

    /// What stays so when the clocks of two runs differ.
    fn held(&self, mut seen: State, hush: Option<bool>) -> State {
        if let Some(was) = &self.state {
            if was.stuck && was.status == seen.status && was.last_update == seen.last_update {
                seen.silenced = if seen.stuck { seen.silenced } else { hush == Some(true) };
                seen.stuck = true;
            }
            if seen.reminder > 0 {
                seen.reminder = seen.reminder.max(was.reminder);
            }
        }
        seen
    }

    /// Whether the row stays as it was written.
    fn is_as_recorded(&self, seen: Option<&State>, now: Is) -> bool {
        let (Some(was), Some(seen)) = (&self.state, seen) else { return false };
        let time = now != Is::Failed || was.last_update == seen.last_update;
        let compared = |state: &State| {
            let code = state.error_code.clone();
            (state.status.clone(), code, state.stuck, state.reminder, state.silenced)
        };
        time && compared(was) == compared(seen)
    }

    fn kind(&self, rules: Rules<'_>, scan: &Scan, seen: Option<&State>) -> Option<Kind> {
        let now = is(seen);
        let was = match (&self.state, &self.incident) {
            (None, _) => Was::NotThere,
            (Some(_), None) => Was::Fine,
            (Some(_), Some(_)) => Was::InIncident,
        };
        let cell = rules.table[was as usize][now as usize];
        let (Some(before), Some(seen)) = (&self.state, seen) else {
            return at_first(cell).filter(|_| !scan.baseline || is_unhealthy(now) || was != Was::NotThere);
        };
        let same_failure = now != Is::Failed || before.last_update == seen.last_update;
        let same = before.status == seen.status
            && before.error_code == seen.error_code
            && before.stuck == seen.stuck
            && same_failure;
        if was == Was::Fine {
            return at_first(cell).filter(|_| !same);
        }
        let known = self.knows(seen);
        // The end of a silence.
        if before.silenced && !seen.silenced && is_unhealthy(now) {
            let full = at_first(rules.table[Was::NotThere as usize][now as usize]);
            return if known { Some(Kind::Reminder) } else { full };
        }
        let new_status = before.status != seen.status || before.stuck != seen.stuck;
        let kind = match cell {
            _ if same => None,
            Cell::Nothing => None,
            Cell::Is(kind) => Some(kind),
            Cell::New(kind) => Some(kind).filter(|_| new_status),
            Cell::FailedOrAgain => Some(if known { Kind::FailedAgain } else { Kind::Failed }),
        };
        // A reminder comes before what is no news.
        let is_news = kind.is_some() && (now == Is::Well || (is_unhealthy(now) && !known));
        if self.is_due(rules, seen) && !is_news { Some(Kind::Reminder) } else { kind }
    }

    fn knows(&self, seen: &State) -> bool {
        let Some((.., Some(heard))) = &self.incident else { return false };
        let status = heard.bad.as_ref().is_some_and(|(status, _)| status == seen.status.as_str());
        let failure = heard.bad.as_ref().is_some_and(|(status, _)| status.ends_with("_FAILED"));
        let code = heard.bad.as_ref().is_some_and(|(_, code)| *code == seen.error_code);
        match is(Some(seen)) {
            Is::Failed => failure && code,
            Is::Unknown => status,
            Is::Stuck => heard.stuck,
            Is::Moving | Is::Well | Is::Gone => false,
        }
    }

    /// Reminders begin with whole periods, no sooner than half a period after the incident, or after people heard of it.
    fn is_due(&self, rules: Rules<'_>, seen: &State) -> bool {
        let (Some(every), Some((_, since, heard)), Some(before)) = (rules.every, &self.incident, &self.state)
        else {
            return false;
        };
        let begins = |state: &State| Timestamp::from_second(state.reminder as i64).unwrap();
        let heard = heard.as_ref().and_then(|heard| heard.at).unwrap_or(*since);
        begins(seen) > begins(before) && begins(seen) > heard.max(*since) + every / 2
    }

    fn check_incident(&self, record: &Transition, now: Is, goes_on: bool) -> Result<(), String> {
        let of = record.incident_id.clone().zip(record.failing_since);
        let known = self.incident.as_ref().map(|(id, since, _)| (id.clone(), *since));
        if known.is_some() {
            ensure!(of == known, "it is of {of:?}, expected {known:?}");
        } else if is_unhealthy(now) {
            ensure!(of.is_some() && !goes_on, "an incident begins without an id");
        } else if matches!(record.kind, Kind::Left | Kind::Settled) {
            ensure!(of == self.lagging, "it is of {of:?}, expected {:?}", self.lagging);
        } else {
            ensure!(of.is_none(), "it is in no incident");
        }
        Ok(())
    }

    /// Neither silenced nor damped, and wanted by `NOTIFY`.
    fn check_notification(
        &self,
        rules: Rules<'_>,
        scan: &Scan,
        record: &Transition,
        seen: Option<&State>,
    ) -> Result<(), String> {
        let now = is(seen);
        let wants = |name: &str| rules.notify.contains(&name);
        let heard =
            self.incident.as_ref().is_some_and(|(.., heard)| heard.is_some()) || self.lagging.is_some();
        let ends = matches!(record.kind, Kind::Recovered | Kind::Left | Kind::Settled)
            && matches!(now, Is::Well | Is::Gone | Is::Moving)
            && (now != Is::Moving || self.incident.is_none());
        let ends_heard = ends && heard;
        let silenced = seen.is_some_and(|seen| seen.silenced);
        if let Some(hush) = scan.hush {
            let expected = (hush || silenced) && !ends_heard;
            ensure!(record.silenced == expected, "silenced: {}, expected {expected}", record.silenced);
        }
        ensure!(!(record.silenced && ends_heard), "a silence hides an end");
        let undamped = matches!(record.kind, Kind::Stuck | Kind::Settled | Kind::Left);
        ensure!(!(record.damped && (undamped || !self.flaps)), "it is damped");
        let known = self.state.is_some() && record.to.as_ref().is_some_and(|to| self.knows(to));
        let full = match now {
            Is::Failed => "failed",
            Is::Stuck => "stuck",
            _ => "",
        };
        let silence_ended =
            self.state.as_ref().is_some_and(|was| was.silenced) && !silenced && is_unhealthy(now);
        let reminder = wants("reminder") || (silence_ended && (wants(full) || now == Is::Unknown));
        let wanted = match record.kind {
            _ if record.flapping.is_some() => true,
            Kind::Failed => wants("failed"),
            Kind::FailedAgain => wants("failed") || wants("failed-again"),
            Kind::Stuck => wants("stuck") && !known,
            Kind::Unrecognised => !known,
            Kind::Settled => true,
            Kind::Reminder => reminder,
            Kind::Recovered => wants("recovered") && ends_heard,
            Kind::Left if ends_heard => wants("left") || wants("recovered"),
            Kind::Left => wants("left") && scan.unasked != Some(true),
            Kind::InProgress => wants("in-progress") && scan.unasked != Some(true),
            Kind::Joined => wants("joined"),
            Kind::Succeeded => wants("succeeded"),
        };
        let repeated = known && matches!(record.kind, Kind::Stuck | Kind::Unrecognised);
        let by_baseline = scan.baseline && is_unhealthy(now) && wants("baseline") && !repeated;
        let expected = !record.silenced && !record.damped && (wanted || by_baseline);
        let open = scan.unasked.is_none()
            && !ends_heard
            && matches!(record.kind, Kind::Left | Kind::InProgress)
            && !record.notify;
        ensure!(open || record.notify == expected, "told: {}, expected {expected}", record.notify);
        Ok(())
    }
}
