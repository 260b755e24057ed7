//! EventBridge Scheduler, as far as packwatch asks it: restJson1, `ListSchedules`.

use super::{ServiceError, State, World};
use serde_json::{Value, json};

/// How many schedules a page holds at most.
const PAGE: usize = 100;

/// A schedule, in the group `default`.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub state: String,
    pub target: String,
}

/// Answers `ListSchedules`; the token is the name that the page before ended with.
pub fn list(state: &State, limit: Option<usize>, token: Option<&str>) -> Result<Vec<u8>, ServiceError> {
    allowed(state, "scheduler:ListSchedules")?;
    let limit = limit.unwrap_or(PAGE).min(PAGE);
    let mut rest =
        state.schedules.iter().skip_while(|(name, _)| token.is_some_and(|token| name.as_str() <= token));
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let last = page.last().map(|(name, _)| (*name).clone()).filter(|_| rest.next().is_some());
    let schedules: Vec<Value> = page
        .iter()
        .map(|(name, Schedule { state, target })| {
            json!({"Name": name, "GroupName": "default", "State": state, "Target": {"Arn": target}})
        })
        .collect();
    Ok(json!({"Schedules": schedules, "NextToken": last}).to_string().into_bytes())
}

fn allowed(state: &State, action: &str) -> Result<(), ServiceError> {
    state.access.refusal(action, 403, "AccessDeniedException").map_or(Ok(()), Err)
}

impl World {
    /// A schedule that is on, with this target.
    pub fn schedule(&self, name: &str, target: &str) -> &Self {
        let schedule = Schedule { state: "ENABLED".to_owned(), target: target.to_owned() };
        self.lock().schedules.insert(name.to_owned(), schedule);
        self
    }

    /// Turns a schedule off.
    pub fn disable_schedule(&self, name: &str) -> &Self {
        match self.lock().schedules.get_mut(name) {
            Some(schedule) => "DISABLED".clone_into(&mut schedule.state),
            None => panic!("the world has no schedule {name}"),
        }
        self
    }
}
