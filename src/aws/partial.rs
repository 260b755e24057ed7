//! Answers of success that hold refused entries, as SNS's `PublishBatch` gives them.

use crate::ports::PublishError;

/// A refused entry of an answer.
pub(super) struct Failed<'a> {
    pub(super) id: &'a str,
    pub(super) code: &'a str,
    pub(super) message: Option<&'a str>,
}

/// Codes of messages that are refused for what they are: the same message is refused again.
pub(super) fn is_of_message(code: &str) -> bool {
    matches!(
        code,
        "InvalidParameter"
            | "InvalidParameterValue"
            | "InvalidParameterException"
            | "MessageTooLong"
            | "BatchRequestTooLong"
            | "ParameterValueInvalid"
            | "ValidationException"
            | "ValidationError"
    )
}

/// The entries, named by their indices, that were not accepted, and why. Accepted is only what is listed as such, whatever
/// the status of the whole answer.
pub(super) fn missing<'a>(
    operation: &str,
    count: usize,
    accepted: impl Iterator<Item = Option<&'a str>>,
    failed: impl Iterator<Item = Failed<'a>>,
) -> Vec<(usize, PublishError)> {
    let accepted: Vec<&str> = accepted.flatten().collect();
    let failed: Vec<Failed<'_>> = failed.collect();
    let missing = (0..count).filter(|index| !accepted.contains(&index.to_string().as_str()));
    let reason = |index: usize| match failed.iter().find(|failed| failed.id == index.to_string()) {
        None => PublishError::Unavailable(format!("{operation}: the entry is not in the answer")),
        Some(Failed { code, message, .. }) => {
            let message = format!("{operation}: {code}: {}", message.unwrap_or_default());
            // Whose fault it is by `SenderFault` says nothing of the message: a missing permission is the sender's, too.
            if is_of_message(code) {
                PublishError::Refused(message)
            } else {
                PublishError::Unavailable(message)
            }
        }
    };
    missing.map(|index| (index, reason(index))).collect()
}
