//! What a check came to, in one line.

use std::fmt::Display;

use serde::Serialize;

use crate::doctor::facts::Unanswered;
use crate::model::text::plain;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Level {
    Ok,
    /// It works, and somebody should know of this.
    Warning,
    Failed,
    /// The caller may not ask. Nothing is known to be wrong.
    NotChecked,
}

/// One line of the doctor's report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Finding {
    /// Such as `table packwatch`.
    pub(crate) check: String,
    pub(crate) level: Level,
    pub(crate) message: String,
    /// What to do, unless all is healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

impl Finding {
    fn new(check: impl Display, level: Level, message: impl Display) -> Self {
        // Names and messages come from AWS: a line stays one line, and a terminal is not told what to do.
        let (check, message) = (plain(&check.to_string()), plain(&message.to_string()));
        Self { check, level, message, remedy: None }
    }

    pub(crate) fn ok(check: impl Display, message: impl Display) -> Self {
        Self::new(check, Level::Ok, message)
    }

    pub(crate) fn warning(check: impl Display, message: impl Display) -> Self {
        Self::new(check, Level::Warning, message)
    }

    pub(crate) fn failed(check: impl Display, message: impl Display) -> Self {
        Self::new(check, Level::Failed, message)
    }

    pub(crate) fn not_checked(check: impl Display, message: impl Display) -> Self {
        Self::new(check, Level::NotChecked, message)
    }

    /// With what to do about it.
    pub(crate) fn remedy(mut self, remedy: impl Display) -> Self {
        self.remedy = Some(plain(&remedy.to_string()));
        self
    }

    /// That a question was not answered.
    pub(crate) fn unanswered(check: impl Display, why: &Unanswered) -> Self {
        match why {
            Unanswered::Denied { action, .. } => Self::not_checked(check, format!("needs {action}")),
            Unanswered::Missing => Self::failed(check, "it does not exist in this account and region")
                .remedy("Check its name, --profile and --region"),
            Unanswered::Refused { why, .. } => Self::failed(check, why),
            Unanswered::Silent(why) => {
                Self::failed(check, why).remedy("Check the network (proxy, VPC endpoint), and try again")
            }
        }
    }
}

/// The line without its level: what, how it is, what to do.
impl Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { check, message, remedy, .. } = self;
        write!(f, "{check}: {message}")?;
        remedy.iter().try_for_each(|remedy| write!(f, ". {remedy}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_harmless_line() {
        let finding = Finding::failed("table a\nb", "\u{1b}[31mred\u{202e}").remedy("do\nthis");
        assert_eq!(finding.to_string(), "table a b: [31mred. do this");
    }
}
