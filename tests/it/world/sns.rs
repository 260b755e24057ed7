//! SNS's side of the wire: awsQuery in, XML out.

use super::messages::{Sns, SnsFault};
use super::sns_form::{Draft, Form};
use super::{ServiceError, sns_rules, sns_subscriptions};
use std::fmt::Write;

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// How one request ends.
pub enum Ending {
    Xml { status: u16, body: String },
    Drop,
    Hang,
}

/// Answers one request, whose Authorization header was for `region`.
pub fn respond(sns: &mut Sns, region: &str, form: &Form) -> Ending {
    let operation = form.get("Action").unwrap_or_default();
    let next = sns.faults.iter().position(|(only, _)| only.as_deref().is_none_or(|only| only == operation));
    let fault = next.and_then(|n| sns.faults.remove(n)).map(|(_, fault)| fault);
    let standing = || form.get("TopicArn").and_then(|arn| sns.topic_faults.get(arn)).cloned();
    let fault = fault.or_else(standing);
    match &fault {
        Some(SnsFault::DropBefore) => return Ending::Drop,
        Some(SnsFault::Hang) => return Ending::Hang,
        Some(SnsFault::Error { status, code, message }) => {
            return refused(&ServiceError::new(*status, code, message.as_str()));
        }
        Some(SnsFault::LoseReply | SnsFault::FailEntries { .. }) | None => {}
    }
    let answer = match operation {
        "Publish" => publish(sns, region, form),
        "PublishBatch" => publish_batch(sns, region, form, fault.as_ref()),
        "GetTopicAttributes" => {
            topic(sns, region, form.get("TopicArn")).map(|arn| sns_subscriptions::attributes(sns, &arn))
        }
        "ListSubscriptionsByTopic" => topic(sns, region, form.get("TopicArn"))
            .and_then(|arn| sns_subscriptions::list(sns, &arn, form.get("NextToken"))),
        other => {
            let message = format!("Could not find operation {other} for version 2010-03-31");
            Err(ServiceError::new(400, "InvalidAction", message))
        }
    };
    match answer {
        _ if matches!(fault, Some(SnsFault::LoseReply)) => Ending::Drop,
        Ok(result) => success(operation, &result),
        Err(refusal) => refused(&refusal),
    }
}

fn publish(sns: &mut Sns, region: &str, form: &Form) -> Result<String, ServiceError> {
    let arn = topic(sns, region, form.get("TopicArn").or_else(|| form.get("TargetArn")))?;
    let draft = form.draft();
    sns_rules::check(&draft, &arn)?;
    within_limit(sns, 1)?;
    if is_poisoned(sns, &draft) {
        return Err(ServiceError::new(400, "InvalidParameter", "Invalid parameter: Message"));
    }
    let id = accept(sns, &arn, draft);
    Ok(format!("<MessageId>{id}</MessageId>"))
}

fn publish_batch(
    sns: &mut Sns,
    region: &str,
    form: &Form,
    fault: Option<&SnsFault>,
) -> Result<String, ServiceError> {
    let arn = topic(sns, region, form.get("TopicArn"))?;
    let drafts = form.drafts();
    sns_rules::check_batch(&drafts, &arn)?;
    within_limit(sns, drafts.len())?;
    let (mut failed, mut successful) = (String::new(), String::new());
    for (position, draft) in drafts.into_iter().enumerate() {
        let entry = escape(draft.batch_entry_id.as_deref().unwrap_or_default());
        let _infallible = match fault {
            Some(SnsFault::FailEntries { positions, code, sender_fault })
                if positions.contains(&position) =>
            {
                write!(
                    failed,
                    "<member><Id>{entry}</Id><Code>{}</Code><Message>This entry failed.</Message>\
                     <SenderFault>{sender_fault}</SenderFault></member>",
                    escape(code)
                )
            }
            _ if is_poisoned(sns, &draft) => write!(
                failed,
                "<member><Id>{entry}</Id><Code>InvalidParameter</Code><Message>Invalid parameter: Message</Message>\
                 <SenderFault>true</SenderFault></member>"
            ),
            _ => {
                let id = accept(sns, &arn, draft);
                write!(successful, "<member><Id>{entry}</Id><MessageId>{id}</MessageId></member>")
            }
        };
    }
    Ok(format!("<Failed>{failed}</Failed><Successful>{successful}</Successful>"))
}

/// Takes so many messages from the limit, or refuses the whole request.
fn within_limit(sns: &mut Sns, messages: usize) -> Result<(), ServiceError> {
    let is_within = sns.limit.as_mut().is_none_or(|limit| limit.take(messages));
    is_within.then_some(()).ok_or_else(|| ServiceError::new(400, "Throttling", "Rate exceeded"))
}

/// Whether a message has a text for which it is refused.
fn is_poisoned(sns: &Sns, draft: &Draft) -> bool {
    sns.poison.as_ref().is_some_and(|poison| draft.message.contains(poison.as_str()))
}

/// The topic, if it is healthy formed, of the request's region, and exists.
fn topic(sns: &Sns, region: &str, arn: Option<&str>) -> Result<String, ServiceError> {
    let invalid =
        |reason: String| ServiceError::new(400, "InvalidParameter", format!("Invalid parameter: {reason}"));
    let arn =
        arn.ok_or_else(|| invalid("TopicArn or TargetArn Reason: no value for required parameter".into()))?;
    let parts: Vec<_> = arn.split(':').collect();
    let &[_, partition, service, of, account, name] = parts.as_slice() else {
        let reason = format!("TopicArn Reason: An ARN must have at least 6 elements, not {}", parts.len());
        return Err(invalid(reason));
    };
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let numbered = account.len() == 12 && account.chars().all(|c| c.is_ascii_digit());
    if !partition.starts_with("aws") || service != "sns" || of != region || !numbered || !named {
        return Err(invalid("TopicArn".into()));
    }
    if sns.any_topic || sns.topics.contains(arn) {
        return Ok(arn.to_owned());
    }
    Err(ServiceError::new(404, "NotFound", "Topic does not exist"))
}

fn accept(sns: &mut Sns, arn: &str, draft: Draft) -> String {
    let id = format!("00000000-0000-4000-8000-{:012}", sns.accepted + 1);
    sns.accepted += 1;
    sns.messages.push(draft.accept(arn, id.clone()));
    id
}

fn success(operation: &str, result: &str) -> Ending {
    let body = format!(
        "<{operation}Response xmlns=\"{NAMESPACE}\"><{operation}Result>{result}</{operation}Result>\
         <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{operation}Response>"
    );
    Ending::Xml { status: 200, body }
}

fn refused(error: &ServiceError) -> Ending {
    Ending::Xml { status: error.status, body: error_xml(error) }
}

/// An `ErrorResponse`.
pub fn error_xml(error: &ServiceError) -> String {
    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
    let (code, message) = (escape(&error.code), escape(&error.message));
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{fault}</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    )
}

/// The world has no use for telling its answers apart.
pub const REQUEST_ID: &str = "11111111-2222-4333-8444-555555555555";

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
