//! Where a reader goes from here: the console, and the command with the whole list.

use std::collections::BTreeSet;

use crate::model::Region;
use crate::notify::{HistoryPlace, Notification};

/// The conformance packs of a region in the AWS Config console of the region's partition, by how the region's name
/// begins: the SDK knows partitions, too, but tells nobody. The addresses of isolated partitions' consoles are not public.
pub(super) fn console(region: &Region) -> Option<String> {
    let host = match region.as_str().split('-').take(2).collect::<Vec<_>>().as_slice() {
        ["cn", _] => format!("{region}.console.amazonaws.cn"),
        ["eusc", _] => "console.amazonaws-eusc.eu".to_owned(),
        ["us", "gov"] => "console.amazonaws-us-gov.com".to_owned(),
        [_, isolated] if isolated.starts_with("iso") => return None,
        _ => format!("{region}.console.aws.amazon.com"),
    };
    Some(format!("https://{host}/config/home?region={region}#/conformance-packs"))
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
        for (region, host) in [
            ("eu-west-1", Some("eu-west-1.console.aws.amazon.com")),
            ("cn-northwest-1", Some("cn-northwest-1.console.amazonaws.cn")),
            ("eusc-de-east-1", Some("console.amazonaws-eusc.eu")),
            ("us-gov-west-1", Some("console.amazonaws-us-gov.com")),
            ("us-iso-east-1", None),
        ] {
            let region = region.parse().unwrap();
            assert_eq!(console(&region).as_deref().and_then(|console| console.split('/').nth(2)), host);
        }
    }
}
