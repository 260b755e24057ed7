//! What a resource's policy says, as far as it is certain.
//!
//! Conditions are not evaluated. What is allowed under a condition counts as allowed, and what is denied under one counts
//! as not denied: only what is wrong whatever they say is told.

use serde_json::Value;

use crate::model::glob;

/// The policy of a topic or of a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy(Vec<Statement>);

/// One of its statements.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    name: Option<String>,
    allows: bool,
    /// ARNs, account ids, services, or `*`.
    principals: Vec<String>,
    /// In lower case; `*` stands for any characters.
    actions: Vec<String>,
    is_conditional: bool,
    /// The organizations whose accounts it is for.
    organizations: Vec<String>,
}

/// Who asks: the names by which statements may mean them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    names: Vec<String>,
}

impl Who {
    /// A role. What its account is allowed, it may be allowed.
    pub(crate) fn role(arn: &str) -> Self {
        let account = account_of(arn);
        let partition = arn.split(':').nth(1).unwrap_or_default();
        Self {
            names: vec![arn.to_owned(), account.to_owned(), format!("arn:{partition}:iam::{account}:root")],
        }
    }

    pub(crate) fn service(name: &str) -> Self {
        Self { names: vec![name.to_owned()] }
    }
}

/// The account in an ARN.
pub(crate) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

impl Policy {
    /// A policy document; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        let statements = match document.get("Statement")? {
            Value::Array(statements) => statements.iter().map(Statement::of).collect(),
            statement => vec![Statement::of(statement)],
        };
        Some(Self(statements))
    }

    /// Whether a statement allows it, at least under some condition.
    pub(crate) fn may_allow(&self, action: &str, who: &Who) -> bool {
        self.0.iter().any(|statement| statement.allows && statement.is_for(action, who))
    }

    /// The name of the statement that denies it whatever the circumstances, if one does.
    pub(crate) fn denies(&self, action: &str, who: &Who) -> Option<&str> {
        let denies = |one: &&Statement| !one.allows && !one.is_conditional && one.is_for(action, who);
        self.0.iter().find(denies).map(|one| one.name.as_deref().unwrap_or("without a name"))
    }

    /// Whether everybody on AWS is allowed it, whatever the circumstances.
    pub(crate) fn is_open(&self, action: &str) -> bool {
        let everybody = Who { names: Vec::new() };
        self.0.iter().any(|one| one.allows && !one.is_conditional && one.is_for(action, &everybody))
    }

    /// The organizations whose accounts are allowed it.
    pub(crate) fn organizations(&self, action: &str) -> Vec<&str> {
        let everybody = Who { names: Vec::new() };
        let allowing = self.0.iter().filter(|one| one.allows && one.is_for(action, &everybody));
        allowing.flat_map(|one| &one.organizations).map(String::as_str).collect()
    }
}

impl Statement {
    fn of(statement: &Value) -> Self {
        let principals = match statement.get("Principal") {
            Some(Value::Object(kinds)) => kinds.values().flat_map(|who| texts(Some(who))).collect(),
            who => texts(who),
        };
        let actions = texts(statement.get("Action"));
        let conditions = statement.get("Condition").and_then(Value::as_object);
        let conditions = conditions.into_iter().flat_map(|tests| tests.values()).filter_map(Value::as_object);
        let conditions: Vec<(&String, &Value)> = conditions.flatten().collect();
        let organizations =
            conditions.iter().filter(|(key, _)| key.eq_ignore_ascii_case("aws:PrincipalOrgID"));
        Self {
            name: statement.get("Sid").and_then(Value::as_str).map(str::to_owned),
            allows: statement.get("Effect").and_then(Value::as_str) == Some("Allow"),
            // Whom or what NotPrincipal and NotAction leave is not worked out.
            is_conditional: !conditions.is_empty() || principals.is_empty() || actions.is_empty(),
            organizations: organizations.flat_map(|(_, ids)| texts(Some(ids))).collect(),
            principals: if principals.is_empty() { vec!["*".to_owned()] } else { principals },
            actions: match actions.is_empty() {
                true => vec!["*".to_owned()],
                false => actions.iter().map(|action| action.to_lowercase()).collect(),
            },
        }
    }

    fn is_for(&self, action: &str, who: &Who) -> bool {
        let action = action.to_lowercase();
        let names_them = |one: &String| one == "*" || who.names.contains(one);
        self.actions.iter().any(|pattern| glob::matches(pattern, &action))
            && self.principals.iter().any(names_them)
    }
}

/// A text, or several.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::999999999999:role/packwatch";

    fn policy(statements: &str) -> Policy {
        Policy::parse(&format!(r#"{{"Version": "2012-10-17", "Statement": {statements}}}"#)).unwrap()
    }

    #[test]
    fn a_role_is_named_by_its_arn_its_account_or_everybody() {
        let may = |principal: &str| {
            let allow = r#"{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*", "Principal": "#;
            policy(&format!("{allow}{principal}}}")).may_allow("sns:Publish", &Who::role(ROLE))
        };
        for principal in [
            r#""*""#,
            r#"{"AWS": "*"}"#,
            r#"{"AWS": ["111111111111", "999999999999"]}"#,
            r#"{"AWS": "arn:aws:iam::999999999999:root"}"#,
            r#"{"AWS": "arn:aws:iam::999999999999:role/packwatch"}"#,
        ] {
            assert!(may(principal), "{principal}");
        }
        for principal in [
            r#"{"AWS": "arn:aws:iam::111111111111:root"}"#,
            r#"{"AWS": "arn:aws:iam::999999999999:role/other"}"#,
            r#"{"Service": "cloudwatch.amazonaws.com"}"#,
        ] {
            assert!(!may(principal), "{principal}");
        }
    }

    #[test]
    fn actions_have_wildcards_and_no_case() {
        let key = policy(
            r#"[{"Effect": "Allow", "Principal": "*", "Action": ["KMS:GenerateDataKey*", "kms:*crypt"]}]"#,
        );
        let may = |action| key.may_allow(action, &Who::service("cloudwatch.amazonaws.com"));
        assert!(may("kms:GenerateDataKey") && may("kms:Decrypt"));
        assert!(!may("kms:DescribeKey"));
    }

    #[test]
    fn only_what_is_certain_is_denied_or_open() {
        let deny = |condition: &str| {
            let deny = r#"{"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "sns:*""#;
            policy(&format!("{deny}{condition}}}")).denies("sns:Publish", &Who::role(ROLE)).map(str::to_owned)
        };
        assert_eq!(deny("").as_deref(), Some("No"));
        assert_eq!(deny(r#", "Condition": {"Bool": {"aws:SecureTransport": "false"}}"#), None);
        let open = |rest: &str| {
            policy(&format!(r#"{{"Effect": "Allow", "Action": "sns:Subscribe", {rest}}}"#))
                .is_open("sns:Subscribe")
        };
        assert!(open(r#""Principal": "*""#) && open(r#""Principal": {"AWS": "*"}"#));
        assert!(!open(r#""Principal": {"AWS": "999999999999"}"#));
        assert!(!open(r#""NotPrincipal": {"AWS": "999999999999"}"#), "not worked out");
        assert!(!open(r#""Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#));
    }

    #[test]
    fn organizations_that_may_subscribe_are_named() {
        let events = policy(
            r#"{"Effect": "Allow", "Principal": "*", "Action": "sns:Subscribe",
                "Condition": {"StringEquals": {"aws:principalorgid": ["o-1", "o-2"]}}}"#,
        );
        assert_eq!(events.organizations("sns:Subscribe"), ["o-1", "o-2"]);
        assert_eq!(events.organizations("sns:Publish"), [""; 0]);
        assert_eq!(Policy::parse("{}"), None);
    }
}
