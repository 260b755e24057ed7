//! Where a reader goes from here: the console, and the command with the whole list.

use std::collections::BTreeSet;

use crate::model::Region;
use crate::notify::{HistoryPlace, Notification};

/// The conformance packs of a region in the AWS Config console of the region's partition. The addresses of isolated
/// partitions' consoles are not public.
pub(super) fn console(region: &Region) -> Option<String> {
    let host = match partition(region) {
        "aws" => format!("{region}.console.aws.amazon.com"),
        "aws-cn" => format!("{region}.console.amazonaws.cn"),
        "aws-eusc" => "console.amazonaws-eusc.eu".to_owned(),
        "aws-us-gov" => "console.amazonaws-us-gov.com".to_owned(),
        _ => return None,
    };
    Some(format!("https://{host}/config/home?region={region}#/conformance-packs"))
}

/// The partition of a region, as ARNs have it. The SDK knows these, too, but tells nobody. Of the
/// isolated ones, which Slack does not reach, there are several.
pub(super) fn partition(region: &Region) -> &'static str {
    match region.as_str().split('-').take(2).collect::<Vec<_>>().as_slice() {
        ["cn", _] => "aws-cn",
        ["eusc", _] => "aws-eusc",
        ["us", "gov"] => "aws-us-gov",
        [_, isolated] if isolated.starts_with("iso") => "aws-iso",
        _ => "aws",
    }
}

/// The regions of a digest, each once.
pub(super) fn regions(notification: &Notification) -> BTreeSet<&Region> {
    notification.packs.iter().map(|pack| &pack.region).collect()
}

/// The command that lists everything that the digest covers.
pub(super) fn history(notification: &Notification) -> String {
    let HistoryPlace { table, table_region, store } = &notification.history;
    let flags = [("--table", table), ("--region", table_region), ("--store", store)];
    let flags = flags.into_iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?)));
    let flags: String = flags.map(|(flag, value)| format!(" {flag} {}", quoted(value))).collect();
    format!("packwatch history{flags} --message {}", notification.id)
}

/// As a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./~+:@,".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_console() {
        for (region, in_partition, host) in [
            ("eu-west-1", "aws", Some("eu-west-1.console.aws.amazon.com")),
            ("cn-northwest-1", "aws-cn", Some("cn-northwest-1.console.amazonaws.cn")),
            ("eusc-de-east-1", "aws-eusc", Some("console.amazonaws-eusc.eu")),
            ("us-gov-west-1", "aws-us-gov", Some("console.amazonaws-us-gov.com")),
            ("us-iso-east-1", "aws-iso", None),
        ] {
            let region = region.parse().unwrap();
            assert_eq!(partition(&region), in_partition);
            assert_eq!(console(&region).as_deref().and_then(|console| console.split('/').nth(2)), host);
        }
    }
}
