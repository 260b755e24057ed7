//! Whether these are the right account and the right regions.

use std::collections::BTreeMap;
use std::time::Duration;

use super::finding::{Finding, SET_THE_CLOCK};
use crate::doctor::facts::{Answer, Caller, Clocks, Organization, Unanswered};
use crate::model::rejection::Rejection;
use crate::model::text::counted;
use crate::model::{PackName, Region};
use crate::settings::PackFilter;

/// AWS refuses signatures that are older or newer than five minutes.
const SKEW_THAT_BREAKS: Duration = Duration::from_secs(240);
const SKEW_TO_TELL: Duration = Duration::from_secs(30);

/// The service principal whose delegated administrators may deploy organization conformance packs.
const FOR_PACKS: &str = "config-multiaccountsetup.amazonaws.com";

/// What AWS Config answers to accounts that are neither management account nor delegated administrator.
const NOT_OURS: &str = "OrganizationAccessDeniedException";

/// The packs of each region that is watched.
pub(crate) type Regions = BTreeMap<Region, Answer<Vec<PackName>>>;

pub(crate) fn account(caller: &Answer<Caller>) -> Finding {
    match caller {
        Ok(Caller { account, arn }) => Finding::ok(format!("account {account}"), arn),
        Err(Unanswered::Refused { code, message }) => {
            let remedy = match Rejection::of(code, message) {
                Some(Rejection::Clock) => SET_THE_CLOCK,
                Some(Rejection::Region | Rejection::CredentialsOrRegion) => {
                    "Renew them (aws sso login), or choose others with --profile. If the region is not enabled in the \
                     account, name another one with --region"
                }
                _ => "Renew them (aws sso login), or choose others with --profile",
            };
            let what = format!("AWS rejected the credentials: {code}: {message}");
            Finding::failed("account", what).remedy(remedy)
        }
        Err(why) => Finding::unanswered("account", why),
    }
}

pub(crate) fn clock(clocks: Clocks) -> Finding {
    let difference = clocks.here.duration_since(clocks.aws);
    let (apart, side) =
        (difference.unsigned_abs(), if difference.is_negative() { "behind" } else { "ahead of" });
    let message = format!("{} s {side} AWS's clock", apart.as_secs());
    if apart >= SKEW_THAT_BREAKS {
        let harm = "AWS rejects signatures that are off by five minutes, and ages are wrong";
        Finding::failed("clock", format!("{message}: {harm}")).remedy(SET_THE_CLOCK)
    } else if apart >= SKEW_TO_TELL {
        Finding::warning("clock", message).remedy(SET_THE_CLOCK)
    } else {
        Finding::ok("clock", "correct to within 30 s")
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
            return Finding::failed(check, format!("account {account} is not in an organization"))
                .remedy(move_it);
        }
        Err(why) => return Finding::unanswered(check, why),
    };
    let is_in = |accounts: &Answer<Vec<String>>| accounts.iter().flatten().any(|one| one == account);
    let deploys = match &organization.for_packs {
        Ok(_) => management == account || is_in(&organization.for_packs),
        Err(why) if management == account || !(sees || refused) => return Finding::unanswered(check, why),
        Err(_) => sees,
    };
    if !deploys {
        let what = if is_in(&organization.for_data) {
            "is a delegated administrator for config.amazonaws.com only, so it sees no packs".to_owned()
        } else {
            format!(
                "is neither the management account ({management}) nor a delegated administrator for packs, so it sees \
                 none"
            )
        };
        return Finding::failed(check, format!("account {account} {what}")).remedy(move_it);
    }
    let deployers = std::iter::once(management).chain(organization.for_packs.iter().flatten());
    let others: Vec<&str> = deployers.map(String::as_str).filter(|other| *other != account).collect();
    let this = match management == account {
        true if others.is_empty() => {
            return Finding::ok(check, "this is the management account, and no other account deploys packs");
        }
        true => "this is the management account",
        false => "this is a delegated administrator for packs",
    };
    let others = others.join(", ");
    Finding::warning(check, format!("{this}; packs deployed from {others} are not visible from here"))
        .remedy("If there are any, deploy packwatch there, too")
}

pub(crate) fn regions(regions: &Regions, filter: &PackFilter) -> Vec<Finding> {
    let sees = regions.values().any(Result::is_ok);
    let watches = regions.values().flatten().flatten().any(|pack| filter.matches(pack));
    let finding = |(name, packs): (&Region, &Answer<Vec<PackName>>)| match packs {
        Ok(packs) => visible(name, packs, filter, watches),
        Err(why) => hidden(name, why, sees),
    };
    regions.iter().map(finding).collect()
}

fn visible(name: &Region, packs: &[PackName], filter: &PackFilter, watches_others: bool) -> Finding {
    let check = format!("region {name}");
    let watched = packs.iter().filter(|pack| filter.matches(pack)).count();
    let message = format!("{} visible, {watched} watched", counted(packs.len() as u64, "pack"));
    let (message, remedy) = match (packs.len(), watched) {
        (0, _) => {
            let remedy = format!(
                "Deploy one from this account, or check whether another account deployed it. Otherwise {}",
                leave_out(name)
            );
            ("no packs are visible".to_owned(), remedy)
        }
        (_, 0) => (message, "Check the names in PACKWATCH_PACKS".to_owned()),
        _ => return Finding::ok(check, message),
    };
    // What watches nothing at all fails, and does not only lack something.
    let finding =
        if watches_others { Finding::warning(check, message) } else { Finding::failed(check, message) };
    finding.remedy(remedy)
}

fn hidden(name: &Region, why: &Unanswered, sees_others: bool) -> Finding {
    let (check, leave) = (format!("region {name}"), leave_out(name));
    let rejection = match why {
        Unanswered::Refused { code, message } => Rejection::of(code, message),
        _ => None,
    };
    match why {
        Unanswered::Refused { code, .. } if code == NOT_OURS => {
            let why = "AWS Config shows packs only to the management account and to delegated administrators";
            Finding::failed(check, format!("denied: {why}")).remedy("See the organization check above")
        }
        // The credentials are good: AWS STS took them.
        _ if matches!(rejection, Some(Rejection::Region | Rejection::CredentialsOrRegion)) => {
            Finding::failed(check, "the region is not enabled in this account")
                .remedy(format!("Enable it (aws account enable-region --region-name {name}), or {leave}"))
        }
        // What is allowed in one region and not in the next is bound to regions: a service control policy, mostly.
        Unanswered::Denied { why, .. } if sees_others || why.contains("service control policy") => {
            Finding::failed(check, format!("denied: {why}"))
                .remedy(format!("Allow it in the service control policy, or {leave}"))
        }
        Unanswered::Silent(why) => Finding::failed(check, why)
            .remedy(format!("Check the name of the region and the network, or {leave}")),
        why => Finding::unanswered(check, why),
    }
}

fn leave_out(name: &Region) -> String {
    format!("remove {name} from PACKWATCH_REGIONS")
}
