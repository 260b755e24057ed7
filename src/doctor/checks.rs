//! The checks, in the order in which a person reads them: each judges one answer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::facts::{Answer, Function, Schedule, Subscription, Table, Unanswered};
use super::finding::Finding;
use crate::model::text::counted;
use crate::model::{PackName, Region};
use crate::notify::render::span;
use crate::settings::{PackFilter, TopicArn};
use crate::state::head::{Heads, ran_at};

/// What AWS Config answers to accounts that are neither management account nor delegated administrator.
const NOT_OURS: &str = "OrganizationAccessDeniedException";

const DEPLOY_THERE: &str = "Deploy packwatch in the account that deployed the packs, or register this one there: aws \
                            organizations register-delegated-administrator --account-id ACCOUNT --service-principal \
                            config-multiaccountsetup.amazonaws.com";

/// How long something may be undispatched: a run under way may hold it, and the next one sends what a run that failed
/// left. The template's longest interval is an hour.
const TWO_RUNS: SignedDuration = SignedDuration::from_hours(2);

/// Whose credentials these are: the ARN of a user or of a role's session.
pub(crate) fn account(caller: &Answer<String>) -> Finding {
    match caller {
        Ok(arn) => Finding::ok("account", arn),
        Err(why) => Finding::unanswered("account", why),
    }
}

pub(crate) fn function(name: &str, function: &Answer<Function>) -> Finding {
    let check = format!("function {name}");
    let function = match function {
        Ok(function) => function,
        Err(why) => return Finding::unanswered(check, why),
    };
    if let Some(error) = &function.environment.error {
        let message = format!("its variables are not decrypted: {}: {}", error.error_code, error.message);
        let is_denied = error.error_code == "AccessDeniedException";
        let finding = if is_denied { Finding::not_checked } else { Finding::failed }(check, message);
        return finding.remedy(
            "Lambda uses your permission kms:Decrypt for that, not the role's. Until then, the table, the topics and the \
             settings are not known",
        );
    }
    let because = |why: &Option<String>| why.iter().map(|why| format!(": {why}")).collect::<String>();
    match (function.state.as_str(), function.last_update_status.as_str()) {
        ("Failed", _) => {
            let why = because(&function.state_reason);
            Finding::failed(check, format!("its state is Failed{why}")).remedy("Deploy it again")
        }
        (_, "Failed") => {
            let why = because(&function.last_update_status_reason);
            Finding::failed(check, format!("its last update failed{why}"))
                .remedy("The previous code is still running. Deploy it again")
        }
        ("Pending", _) | (_, "InProgress") => {
            Finding::warning(check, "it is being deployed").remedy("Wait a minute")
        }
        _ => {
            let Function { memory_size, timeout, logging_config, .. } = function;
            let logs = &logging_config.log_group;
            Finding::ok(check, format!("deployed, {memory_size} MB, {timeout} s; logs in {logs}"))
        }
    }
}

/// The packs of each region that is watched. What watches nothing at all fails, and does not only lack something.
pub(crate) fn regions(
    regions: &BTreeMap<Region, Answer<Vec<PackName>>>,
    filter: &PackFilter,
) -> Vec<Finding> {
    let watched = |packs: &Vec<PackName>| packs.iter().filter(|pack| filter.matches(pack)).count();
    let watches_any = regions.values().flatten().any(|packs| watched(packs) > 0);
    let finding = |(name, packs): (&Region, &Answer<Vec<PackName>>)| {
        let check = format!("region {name}");
        let leave = format!("remove {name} from PACKWATCH_REGIONS");
        let packs = match packs {
            Ok(packs) => packs,
            Err(Unanswered::Refused { code, why }) if code == NOT_OURS => {
                return Finding::failed(check, why).remedy(DEPLOY_THERE);
            }
            // Not the caller's rights alone: nobody in this account may ask there.
            Err(Unanswered::Denied { why, .. }) if why.contains("service control policy") => {
                return Finding::failed(check, why).remedy(format!("Allow it in that policy, or {leave}"));
            }
            Err(why) => return Finding::unanswered(check, why),
        };
        let (visible, watched) = (counted(packs.len() as u64, "pack"), watched(packs));
        let message = format!("{visible} visible, {watched} watched");
        if watched > 0 {
            return Finding::ok(check, message);
        }
        let finding = if watches_any { Finding::warning } else { Finding::failed }(check, message);
        if packs.is_empty() {
            finding.remedy(format!(
                "Deploy one from this account, or check whether another account deployed it. Otherwise {leave}"
            ))
        } else {
            finding.remedy("Check the names in PACKWATCH_PACKS")
        }
    };
    regions.iter().map(finding).collect()
}

/// Whether the table can keep what it must.
pub(crate) fn table(name: &str, table: &Table) -> Vec<Finding> {
    let check = format!("table {name}");
    if let Err(why @ Unanswered::Missing) = &table.expiry {
        // Every other question would come to the same.
        return vec![Finding::unanswered(check, why)];
    }
    let ttl = Finding::failed(&check, "TTL is off, so the history is never deleted").remedy(format!(
        "Turn it on: aws dynamodb update-time-to-live --table-name {name} \
         --time-to-live-specification Enabled=true,AttributeName=expires_at"
    ));
    let recovery = "point-in-time recovery is off, so a damaged table cannot be restored";
    let recovery = Finding::warning(&check, recovery).remedy(format!(
        "Turn it on: aws dynamodb update-continuous-backups --table-name {name} \
         --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
    ));
    let unless = |is_on: &Answer<bool>, off: Finding| match is_on {
        Ok(true) => None,
        Ok(false) => Some(off),
        Err(why) => Some(Finding::unanswered(&check, why)),
    };
    let mut findings = Vec::from_iter(unless(&table.expiry, ttl));
    findings.extend(unless(&table.recovery, recovery));
    match &table.heads {
        Err(why) => findings.push(Finding::unanswered(&check, why)),
        Ok(heads) => {
            findings.extend(heads.unreadable.values().map(|reason| Finding::failed(&check, reason)));
            if findings.is_empty() {
                let packs = heads.known.values().filter(|head| !head.is_deleted()).count();
                let packs = counted(packs as u64, "pack");
                let message = format!("{packs} recorded; TTL and point-in-time recovery are on");
                findings.push(Finding::ok(&check, message));
            }
        }
    }
    findings
}

/// Whether what is published reaches anybody. Nobody subscribed to a topic for people means that nobody is notified.
pub(crate) fn topic(
    arn: &TopicArn,
    subscriptions: &Answer<Vec<Subscription>>,
    is_for_people: bool,
) -> Vec<Finding> {
    let arn = arn.as_str();
    let check = format!("topic {}", arn.rsplit(':').next().unwrap_or_default());
    let subscriptions = match subscriptions {
        Ok(subscriptions) => subscriptions,
        Err(why) => return vec![Finding::unanswered(check, why)],
    };
    let (confirmed, pending): (Vec<_>, Vec<_>) = subscriptions.iter().partition(|one| one.is_confirmed);
    let unconfirmed = |one: &Subscription| {
        let Subscription { protocol, endpoint, .. } = one;
        Finding::warning(&check, format!("the subscription of {endpoint} ({protocol}) is not confirmed")).remedy(
            "Follow the link in the message from SNS. It is valid for two days; after that, subscribe again",
        )
    };
    let mut findings: Vec<_> = pending.into_iter().map(unconfirmed).collect();
    if confirmed.is_empty() && is_for_people {
        let nobody = Finding::failed(&check, "no confirmed subscriptions, so nobody is notified");
        findings.push(nobody.remedy(format!(
            "Subscribe: aws sns subscribe --topic-arn {arn} --protocol email --notification-endpoint ADDRESS"
        )));
    } else if confirmed.is_empty() {
        findings.push(Finding::ok(&check, "no confirmed subscriptions (optional)"));
    } else if findings.is_empty() {
        let n = counted(confirmed.len() as u64, "confirmed subscription");
        let protocols: BTreeSet<&str> = confirmed.iter().map(|one| one.protocol.as_str()).collect();
        let protocols = Vec::from_iter(protocols).join(", ");
        findings.push(Finding::ok(&check, format!("{n} ({protocols})")));
    }
    findings
}

/// Whether somebody starts the function.
pub(crate) fn schedules(schedules: &Answer<Vec<Schedule>>) -> Vec<Finding> {
    let schedules = match schedules {
        Ok(schedules) => schedules,
        Err(why) => return vec![Finding::unanswered("schedule", why)],
    };
    if schedules.is_empty() {
        let none = Finding::warning("schedule", "no schedule of EventBridge Scheduler starts the function");
        return vec![none.remedy(
            "Deploy template.yaml again. If a rule of EventBridge starts it (rules are not checked), see the last run",
        )];
    }
    let is_on = |schedule: &Schedule| schedule.state == "ENABLED";
    let someone_is_on = schedules.iter().any(is_on);
    let finding = |schedule: &Schedule| {
        let check = format!("schedule {}", schedule.name);
        if is_on(schedule) {
            Finding::ok(check, "enabled")
        } else if someone_is_on {
            Finding::warning(check, "it is disabled").remedy("Delete it if it is not needed")
        } else {
            Finding::failed(check, "it is disabled, so nothing starts the function").remedy(
                "Deploy the stack with ScheduleMinutes=5, or enable it (aws scheduler update-schedule)",
            )
        }
    };
    schedules.iter().map(finding).collect()
}

/// Whether the function runs, and reads the packs as often as it shall: `late` is what the board says where it does not.
pub(crate) fn last_run(heads: &Heads, late: Option<String>, now: Timestamp) -> Finding {
    let check = "last run";
    let ran_at = heads.settings.as_ref().and_then(ran_at);
    let finding = match (late, ran_at) {
        (Some(late), _) => Finding::failed(check, late),
        (None, Some(ran_at)) => return Finding::ok(check, format!("{} ago or less", span(ran_at, now))),
        (None, None) => Finding::failed(check, "no scheduled run has come as far as the table"),
    };
    finding.remedy("Check the function's log (aws logs tail LOG_GROUP --since 1h), and the schedule")
}

/// Whether something waits to be dispatched for longer than runs can explain.
pub(crate) fn undispatched(due: &Answer<Option<Timestamp>>, now: Timestamp) -> Finding {
    let check = "undispatched";
    let due = match due {
        Ok(Some(due)) => *due,
        Ok(None) => return Finding::ok(check, "nothing"),
        Err(why) => return Finding::unanswered(check, why),
    };
    let message = format!("the oldest change has been due for {}", span(due, now));
    if now.duration_since(due) <= TWO_RUNS {
        return Finding::ok(check, message);
    }
    Finding::failed(check, message).remedy(
        "A topic refuses it, or no run finishes: the function's log says which. Once that is fixed, it is sent",
    )
}
