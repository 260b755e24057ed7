//! Whether the table can keep what it must.

use std::time::Duration;

use jiff::Timestamp;

use super::finding::Finding;
use crate::doctor::facts::{Answer, Table, Unanswered};
use crate::model::Target;
use crate::model::text::counted;
use crate::notify::render::span;

/// The attribute by which items expire.
const EXPIRES_AT: &str = "expires_at";

pub(crate) fn table(name: &str, table: &Table) -> Vec<Finding> {
    let check = format!("table {name}");
    let mut findings = Vec::new();
    match &table.keys {
        Ok(keys) if keys == "pk (S), sk (S)" => {}
        Ok(keys) => {
            let message = format!("its keys are {keys}; they must be pk (S) and sk (S)");
            let remedy =
                "Keys cannot be changed. Create a table as template.yaml does, and set PACKWATCH_TABLE to it";
            return vec![Finding::failed(check, message).remedy(remedy)];
        }
        Err(why @ Unanswered::Denied { .. }) => findings.push(Finding::unanswered(&check, why)),
        // Every other question would come to the same.
        Err(why) => {
            let finding = Finding::unanswered(check, why);
            return vec![finding.remedy("Check PACKWATCH_TABLE, --profile and --region")];
        }
    }
    findings.extend(expiry(&check, name, &table.expiry));
    findings.extend(recovery(&check, name, &table.recovery));
    match &table.heads {
        Err(why) => findings.push(Finding::unanswered(&check, why)),
        Ok(heads) => {
            findings.extend(heads.unreadable.values().map(|reason| Finding::failed(&check, reason)));
            if findings.is_empty() {
                let packs = heads.known.values().filter(|head| !head.is_deleted()).count();
                let message = format!(
                    "{} recorded; TTL and point-in-time recovery are on",
                    counted(packs as u64, "pack")
                );
                findings.push(Finding::ok(&check, message));
            }
        }
    }
    findings
}

fn expiry(check: &str, table: &str, expiry: &Answer<Option<String>>) -> Option<Finding> {
    let (is, turn_off) = match expiry {
        Ok(Some(attribute)) if attribute == EXPIRES_AT => return None,
        Ok(Some(other)) => (format!("on for {other}"), "Turn it off there. "),
        Ok(None) => ("off".to_owned(), ""),
        Err(why) => return Some(Finding::unanswered(check, why)),
    };
    let finding = Finding::failed(check, format!("TTL is {is}, so the history is never deleted"));
    Some(finding.remedy(format!(
        "{turn_off}Turn it on: aws dynamodb update-time-to-live --table-name {table} \
         --time-to-live-specification Enabled=true,AttributeName={EXPIRES_AT}"
    )))
}

fn recovery(check: &str, table: &str, recovery: &Answer<bool>) -> Option<Finding> {
    match recovery {
        Ok(true) => None,
        Ok(false) => {
            let message = "point-in-time recovery is off, so a damaged table cannot be restored";
            Some(Finding::warning(check, message).remedy(format!(
                "Turn it on: aws dynamodb update-continuous-backups --table-name {table} \
                 --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
            )))
        }
        Err(why) => Some(Finding::unanswered(check, why)),
    }
}

/// Whether something waits to be dispatched for longer than a run, or the news that it may wait for, can explain.
pub(crate) fn undispatched(
    lagging: &Answer<Vec<(Target, Option<Timestamp>)>>,
    interval: Option<Duration>,
    group_interval: Duration,
    now: Timestamp,
) -> Finding {
    let check = "undispatched";
    let lagging = match lagging {
        Ok(lagging) if lagging.is_empty() => return Finding::ok(check, "nothing"),
        Ok(lagging) => lagging,
        Err(why) => return Finding::unanswered(check, why),
    };
    let oldest = lagging.iter().filter_map(|(target, since)| Some(((*since)?, target))).min();
    let Some((since, target)) = oldest else {
        let packs = counted(lagging.len() as u64, "pack");
        let message = format!("{packs} not finished: a run is under way, or was interrupted");
        return Finding::warning(check, message)
            .remedy("The next run finishes them. If this stays, check the function's log");
    };
    let message = format!("the oldest change, of {target}, has been waiting for {}", span(since, now));
    // A run under way may hold it, and the next one sends what a run that failed left.
    let grace = interval.unwrap_or(Duration::from_secs(900)) * 2 + group_interval;
    if now.duration_since(since).unsigned_abs() <= grace {
        return Finding::ok(check, message);
    }
    Finding::failed(check, message).remedy(
        "A topic refuses it, or no run finishes: the function's log says which. Once that is fixed, it is sent",
    )
}
