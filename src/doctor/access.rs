//! Whether these are the right account and the right regions.

use std::collections::BTreeMap;
use std::time::Duration;

use super::finding::Finding;
use crate::doctor::facts::{Answer, Caller, Clocks, Organization, Unanswered};
use crate::model::text::counted;
use crate::model::{PackName, Region};
use crate::settings::PackFilter;

/// AWS refuses signatures that are older or newer than five minutes.
const SKEW_THAT_BREAKS: Duration = Duration::from_secs(240);
const SKEW_TO_TELL: Duration = Duration::from_secs(30);

/// The service principal whose delegated administrators may deploy organization conformance packs.
const FOR_PACKS: &str = "config-multiaccountsetup.amazonaws.com";
const FOR_DATA: &str = "config.amazonaws.com";

/// What AWS Config answers to accounts that are neither management account nor delegated administrator.
const NOT_OURS: &str = "OrganizationAccessDeniedException";

/// The packs of each region that is watched.
pub(crate) type Regions = BTreeMap<Region, Answer<Vec<PackName>>>;

pub(crate) fn account(caller: &Answer<Caller>) -> Finding {
    match caller {
        Ok(Caller { account, arn }) => Finding::ok(format!("account {account}"), arn),
        Err(Unanswered::Refused { code, message }) => Finding::failed(
            "account",
            format!("the credentials are refused: {code}: {message}"),
        )
        .remedy(
            "Renew them (aws sso login), or choose others with --profile; a wrong clock has the same effect",
        ),
        Err(why) => Finding::unanswered("account", why, "there is none"),
    }
}

pub(crate) fn clock(clocks: Clocks) -> Finding {
    let difference = clocks.here.duration_since(clocks.aws);
    let (apart, side) =
        (difference.unsigned_abs(), if difference.is_negative() { "behind" } else { "ahead of" });
    let message = format!("{} s {side} AWS's", apart.as_secs());
    if apart >= SKEW_THAT_BREAKS {
        let harm = "signatures are refused from five minutes on, and ages are wrong";
        Finding::failed("clock", format!("{message}: {harm}")).remedy("Set it, or turn on NTP")
    } else if apart >= SKEW_TO_TELL {
        Finding::warning("clock", message).remedy("Set it, or turn on NTP")
    } else {
        Finding::ok("clock", "right to within 30 s")
    }
}

/// `regions` decide where AWS Organizations may not be asked: what AWS Config lets an account see is the truth.
pub(crate) fn organization(account: &str, organization: &Organization, regions: &Regions) -> Finding {
    let check = "organization";
    let sees = regions.values().any(Result::is_ok);
    let refused = regions
        .values()
        .any(|packs| matches!(packs, Err(Unanswered::Refused { code, .. }) if code == NOT_OURS));
    let move_it = format!(
        "Deploy packwatch in the account that deployed the packs, or register {account} there: \
         aws organizations register-delegated-administrator --account-id {account} --service-principal {FOR_PACKS}"
    );
    let management = match &organization.management {
        Ok(management) => management,
        Err(Unanswered::Refused { code, .. }) if code == "AWSOrganizationsNotInUseException" => {
            return Finding::failed(check, format!("account {account} is in none")).remedy(move_it);
        }
        Err(why) => return Finding::unanswered(check, why, "there is none"),
    };
    if management == account {
        return match &organization.for_packs {
            Ok(others) if others.is_empty() => {
                Finding::ok(check, "this is its management account, and no other account deploys packs")
            }
            Ok(others) => elsewhere("this is its management account", &others.join(", ")),
            Err(why) => Finding::unanswered(check, why, "there is none"),
        };
    }
    let is_delegate = |delegates: &Answer<Vec<String>>| {
        delegates.as_ref().is_ok_and(|accounts| accounts.iter().any(|delegate| delegate == account))
    };
    if is_delegate(&organization.for_packs) || (organization.for_packs.is_err() && sees) {
        let others = organization.for_packs.iter().flatten().filter(|other| *other != account);
        let others: Vec<&str> = std::iter::once(management).chain(others).map(String::as_str).collect();
        return elsewhere("this is a delegated administrator for packs", &others.join(", "));
    }
    if is_delegate(&organization.for_data) {
        let only =
            format!("account {account} is a delegated administrator for {FOR_DATA} only: it sees no packs");
        return Finding::failed(check, only).remedy(move_it);
    }
    match &organization.for_packs {
        Err(why) if !refused => Finding::unanswered(check, why, "there is none"),
        _ => {
            let member = format!(
                "account {account} is neither the management account ({management}) nor a delegated administrator \
                 for packs: it sees none"
            );
            Finding::failed(check, member).remedy(move_it)
        }
    }
}

fn elsewhere(this: &str, others: &str) -> Finding {
    let message = format!("{this}; packs that were deployed from {others} are not visible from here");
    Finding::warning("organization", message).remedy("If there are any, they need a packwatch of their own")
}

pub(crate) fn regions(regions: &Regions, filter: &PackFilter) -> Vec<Finding> {
    let sees = regions.values().any(Result::is_ok);
    regions.iter().map(|(name, packs)| region(name, packs, filter, sees)).collect()
}

fn region(name: &Region, packs: &Answer<Vec<PackName>>, filter: &PackFilter, sees_others: bool) -> Finding {
    let check = format!("region {name}");
    let leave = format!("Take {name} out of PACKWATCH_REGIONS");
    match packs {
        Ok(packs) => {
            let watched = packs.iter().filter(|pack| filter.matches(pack)).count();
            let packs = packs.len();
            let message = format!("{} visible, {watched} of them watched", counted(packs as u64, "pack"));
            match (packs, watched) {
                (0, _) => Finding::warning(check, "no pack is visible").remedy(format!(
                    "Deploy one from this account, or look whether it was deployed from another one. {leave} otherwise"
                )),
                (_, 0) => Finding::warning(check, message).remedy("Does PACKWATCH_PACKS name them?"),
                _ => Finding::ok(check, message),
            }
        }
        Err(Unanswered::Refused { code, .. }) if code == NOT_OURS => {
            let why = "AWS Config shows packs only to the management account and to delegated administrators";
            Finding::failed(check, format!("denied: {why}")).remedy("See the organization above")
        }
        Err(Unanswered::Refused { code, .. })
            if matches!(code.as_str(), "UnrecognizedClientException" | "InvalidClientTokenId") =>
        {
            let message = "the credentials are not known there: the region is not enabled in this account";
            Finding::failed(check, message)
                .remedy(format!("aws account enable-region --region-name {name}. Or: {leave}"))
        }
        // What is allowed in one region and not in the next is bound to regions: a service control policy, mostly.
        Err(Unanswered::Denied { why, .. }) if sees_others || why.contains("service control policy") => {
            Finding::failed(check, format!("denied: {why}"))
                .remedy(format!("Allow it in the service control policy. Or: {leave}"))
        }
        Err(Unanswered::Silent(why)) => {
            Finding::failed(check, why).remedy(format!("Is it the name of a region? {leave} otherwise"))
        }
        Err(why) => Finding::unanswered(check, why, "there is none"),
    }
}
