//! What messages of one cause have in common: AWS puts the account, ARNs, ids, names with ids and counts into them.

/// Bytes of a message that count: what tells causes apart comes early.
const LONGEST: usize = 600;

/// Stands for what differs.
const ANY: char = '…';

/// Words before a number that is not a count.
const CODES: [&str; 7] = ["code", "status", "error", "version", "http", "port", "line"];

/// The message, as far as it counts.
pub(super) fn text(message: &str) -> &str {
    message.get(..message.floor_char_boundary(LONGEST)).unwrap_or(message)
}

/// The message without account ids, ARNs, request ids, suffixes of names and counts: equal for messages that differ
/// only in these.
pub(super) fn shape(message: &str) -> String {
    let mut shape = String::new();
    let mut rest = text(message);
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("arn:") { end_of_arn(rest) } else { end_of_word(rest) };
        let (word, after) = rest.split_at(end.max(first.len_utf8()));
        let is_any = word.starts_with("arn:") || is_id(word) || is_labelled(&shape, word);
        if is_any || is_count(&shape, word, after) {
            shape.push(ANY);
        } else {
            shape.push_str(&without_suffix(word));
        }
        rest = after;
    }
    shape
}

/// A sentence may go on after an ARN: it ends with what is not part of it.
fn end_of_arn(text: &str) -> usize {
    let end = text.find(|c: char| c.is_whitespace() || "\"'`,;()[]<>".contains(c)).unwrap_or(text.len());
    text.get(..end).map_or(end, |arn| arn.trim_end_matches(['.', ':']).len())
}

fn end_of_word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(text.len())
}

/// An account id, a UUID, or a long number in hexadecimal or in capital letters and digits.
fn is_id(word: &str) -> bool {
    let is_account = word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit());
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let is_uuid = is_hex && lengths == [8, 4, 4, 4, 12];
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    let is_capital = word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    let is_number = word.len() >= 16 && has_digit && (is_capital || (is_hex && !word.contains('-')));
    is_account || is_uuid || is_number
}

/// A name without what AWS adds to it: an organization's pack has another conformance pack's id, and so other rules and
/// another stack, in each account.
fn without_suffix(word: &str) -> String {
    let Some((name, suffix)) = word.rsplit_once('-') else {
        return word.to_owned();
    };
    let is_random = |length| {
        suffix.len() == length && suffix.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
    };
    let is_hex = suffix.len() >= 8 && suffix.bytes().all(|b| b.is_ascii_hexdigit());
    let is_suffix = (name.ends_with("conformance-pack") && is_random(9))
        || (name == "config-rule" && is_random(6))
        || (is_hex && suffix.bytes().any(|b| b.is_ascii_digit()));
    if is_suffix { format!("{name}-{ANY}") } else { word.to_owned() }
}

/// A number that is no code ("Status Code: 400") and no part of one ("1.2").
fn is_count(before: &str, word: &str, after: &str) -> bool {
    let is_number = word.bytes().all(|b| b.is_ascii_digit());
    let is_part = before.ends_with(['.', '_', ':', '/']) || after.starts_with(['_', ':', '/']);
    let is_fraction =
        after.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let label = before.trim_end_matches([' ', ':', '=']).rsplit(|c: char| !c.is_alphanumeric()).next();
    let is_code = label.is_some_and(|label| CODES.iter().any(|code| label.eq_ignore_ascii_case(code)));
    is_number && !is_part && !is_fraction && !is_code
}

/// Whether what comes before says that this is an id: "Request ID: …".
fn is_labelled(before: &str, word: &str) -> bool {
    let label = before.trim_end_matches([' ', ':', '=', '"']);
    let end = |id: &str| label.len().checked_sub(id.len()).and_then(|at| label.get(at..));
    let is_labelled = ["request id", "requestid", "host id", "hostid"]
        .iter()
        .any(|id| end(id).is_some_and(|end| end.eq_ignore_ascii_case(id)));
    is_labelled && word.chars().all(|c| c.is_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(a: &str, b: &str) {
        assert_eq!(shape(a), shape(b));
        assert!(shape(a).contains(ANY), "{}", shape(a));
    }

    #[test]
    fn account_ids_arns_and_request_ids_make_no_difference() {
        same("Account 111122223333 is suspended.", "Account 444455556666 is suspended.");
        same(
            "User: arn:aws:sts::111122223333:assumed-role/R/S is not authorized to perform: config:PutConfigRule.",
            "User: arn:aws-cn:iam::444455556666:user/x is not authorized to perform: config:PutConfigRule.",
        );
        same(
            "No (Service: Config; Request ID: 0c5a7b1e-2f3d-4e5f-8a9b-1c2d3e4f5a6b)",
            "No (Service: Config; Request ID: ffffffff-2f3d-4e5f-8a9b-1c2d3e4f5a6b)",
        );
        same("No (Request ID: A1B2)", "No (Request ID: zz-99)");
        same("No (é, RequestId: A1B2)", "No (é, RequestId: zz-99)");
        same("S3 said no: 4442587FB7D0A2F9", "S3 said no: 9F2A0D7BF7852444");
        same("stack arn:aws:x:1, why", "stack arn:aws:yy:22, why");
    }

    #[test]
    fn suffixes_of_names_and_counts_make_no_difference() {
        let put = "Failed to put config rule 's3-bucket-versioning-enabled-conformance-pack-88cd40ylv' because the \
                   account already contains 1000 config rules. Please consider deleting deactivated rules.";
        same(put, &put.replace("88cd40ylv", "vufpo098t").replace("1000", "1002"));
        let stack =
            "Stack awsconfigconforms-OrgConformsPack-Baseline-abc1d2ef-conformance-pack-n0q8yfwsp is gone";
        same(stack, &stack.replace("n0q8yfwsp", "6cruwvtg2"));
        same("The rule config-rule-j5yvzl is bad", "The rule config-rule-abcdef is bad");
        same("rotated-07591b46 failed", "rotated-d6698525 failed");
        same("X in 27 account(s)", "X in 1 account(s)");
        same("Number of resources, 202, is too high", "Number of resources, 501, is too high");
    }

    #[test]
    fn what_tells_causes_apart_stays() {
        for (a, b) in [
            ("explicit deny in a service control policy", "explicit deny in a permissions boundary"),
            ("The account has 1000 rules", "The account has 1000 packs"),
            (
                "rule 's3-bucket-versioning-enabled-conformance-pack-88cd40ylv'",
                "rule 's3-bucket-logging-enabled-conformance-pack-88cd40ylv'",
            ),
            ("my-conformance-pack-networking", "my-conformance-pack-encryption"),
            ("Status Code: 400", "Status Code: 403"),
            ("TLS 1.2", "TLS 1.3"),
            ("port: 22", "port: 80"),
            ("config:PutConfigRule", "config:DeleteConfigRule"),
            ("arn:aws:iam::111122223333:role/x is denied", "arn:aws:iam::111122223333:role/x is missing"),
            ("NoSuchConfigurationRecorderException2", "NoSuchConfigurationRecorderException3"),
            ("request", ""),
        ] {
            assert_ne!(shape(a), shape(b));
        }
    }
}
