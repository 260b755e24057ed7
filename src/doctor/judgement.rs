//! All that was found, and the findings that follow, in the order in which a person reads them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::facts::{Answer, Caller, Clocks, Function, Organization, Runs, Schedule, Subscription, Table};
use super::finding::Finding;
use super::{access, delivery, runs, storage};
use crate::model::{PackName, Region};
use crate::settings::{Faults, Settings, TopicArn};

/// What was found.
pub(crate) struct Facts {
    /// When.
    pub(crate) now: Timestamp,
    /// Who asked.
    pub(crate) caller: Answer<Caller>,
    /// How far this machine's clock is off, if AWS answered at all.
    pub(crate) clocks: Option<Clocks>,
    /// The rest; `None` where the caller's credentials were refused, and nothing else was asked.
    pub(crate) deployment: Option<Deployment>,
}

/// A deployment, as it was found.
pub(crate) struct Deployment {
    /// The function's name, where one was given.
    pub(crate) name: Option<String>,
    pub(crate) organization: Organization,
    pub(crate) function: Option<Answer<Function>>,
    pub(crate) settings: Settings,
    pub(crate) faults: Option<Faults>,
    /// The packs that are visible in each region.
    pub(crate) regions: BTreeMap<Region, Answer<Vec<PackName>>>,
    pub(crate) table: Option<(Table, String)>,
    /// Who is subscribed to the topic for people, and to the one for machines.
    pub(crate) alerts: Option<(Answer<Vec<Subscription>>, TopicArn)>,
    pub(crate) events: Option<(Answer<Vec<Subscription>>, TopicArn)>,
    /// What starts the function, and how its runs ended.
    pub(crate) started: Option<(Answer<Vec<Schedule>>, Answer<Vec<Runs>>)>,
}

/// What follows from the facts.
pub(crate) fn judge(facts: &Facts) -> Vec<Finding> {
    let Facts { now, caller, clocks, deployment } = facts;
    let mut findings = vec![access::account(caller)];
    findings.extend(clocks.map(access::clock));
    let Some(deployment) = deployment else {
        findings.push(Finding::not_checked("everything else", "needs valid credentials"));
        return findings;
    };
    let Deployment { organization, settings, regions, table, .. } = deployment;
    findings.extend(caller.iter().map(|caller| access::organization(&caller.account, organization, regions)));
    findings.push(match (&deployment.name, &deployment.function) {
        (Some(name), Some(function)) => runs::function(name, function),
        _ => Finding::not_checked("function", "use --function to check its settings, schedule and runs"),
    });
    findings.extend(deployment.faults.iter().map(|faults| {
        Finding::failed("settings", faults)
            .remedy("Fix the function's environment variables (the stack's parameters), or the flags")
    }));
    findings.extend(access::regions(regions, &settings.packs));
    findings.extend(table.iter().flat_map(|(table, name)| storage::table(name, table)));
    for (topic, is_for_people) in [(&deployment.alerts, true), (&deployment.events, false)] {
        findings.extend(topic.iter().flat_map(|(found, arn)| delivery::topic(arn, found, is_for_people)));
    }
    let mut interval = None;
    if let (Some(Ok(function)), Some((schedules, runs))) = (&deployment.function, &deployment.started) {
        interval = runs::interval(schedules, *now);
        findings.extend(runs::schedules(schedules, runs, *now));
        findings.push(runs::last_run(runs, interval, &function.log_group, *now));
    }
    // A table that cannot be read has said so.
    let readable = table.iter().filter(|(table, _)| table.heads.is_ok());
    findings.extend(
        readable.map(|(table, _)| storage::undispatched(table, interval, settings.group_interval, *now)),
    );
    findings
}
