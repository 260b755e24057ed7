//! Where a reader goes from here: the console, and the command with the whole list.

use crate::model::Region;
use crate::notify::{Notification, PackNotice};

/// The conformance packs of a region in the AWS Config console of the region's partition.
pub(super) fn console(region: &Region) -> String {
    let domain = match region.as_str() {
        code if code.starts_with("cn-") => "amazonaws.cn",
        code if code.starts_with("us-gov-") => "amazonaws-us-gov.com",
        _ => "aws.amazon.com",
    };
    let host = match domain {
        "amazonaws-us-gov.com" => format!("console.{domain}"),
        _ => format!("{region}.console.{domain}"),
    };
    format!("https://{host}/config/home?region={region}#/conformance-packs")
}

/// The partition of a region, as ARNs have it.
pub(super) fn partition(region: &Region) -> &'static str {
    match region.as_str() {
        code if code.starts_with("cn-") => "aws-cn",
        code if code.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The regions of a digest, each once.
pub(super) fn regions(notification: &Notification) -> Vec<&Region> {
    let mut regions: Vec<&Region> = notification.packs.iter().map(|pack| &pack.region).collect();
    regions.sort();
    regions.dedup();
    regions
}

/// The command that lists every change of what the digest tells of.
pub(super) fn history(notification: &Notification) -> String {
    let mut command = "packwatch history --table TABLE".to_owned();
    if let [region] = regions(notification).as_slice() {
        command = format!("{command} --pack-region {region}");
    }
    if let [PackNotice { organization_conformance_pack_name: name, .. }] = notification.packs.as_slice() {
        command = format!("{command} --pack {name}");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_console() {
        let host = |region: &str| console(&region.parse().unwrap()).split('/').nth(2).unwrap().to_owned();
        assert_eq!(host("eu-west-1"), "eu-west-1.console.aws.amazon.com");
        assert_eq!(host("cn-north-1"), "cn-north-1.console.amazonaws.cn");
        assert_eq!(host("us-gov-west-1"), "console.amazonaws-us-gov.com");
        let partitions = ["eu-west-1", "cn-northwest-1", "us-gov-east-1"];
        assert_eq!(
            partitions.map(|region| partition(&region.parse().unwrap())),
            ["aws", "aws-cn", "aws-us-gov"]
        );
    }
}
