//! What a silence covers, and whether another one does, too.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::cli::outcome::Failure;
use crate::cli::outside::Store;
use crate::cli::selection::did_you_mean;
use crate::model::text::{counted, grouped, nearest};
use crate::model::{PackGlob, PackName, Target};
use crate::ports::SnapshotStore;
use crate::state::head::{Head, Heads};
use crate::state::silence::{Silence, Silences};

/// What a silence is about, of what is recorded.
pub(super) struct Coverage {
    pub(super) deployments: u64,
    unhealthy: u64,
    hint: String,
}

impl Coverage {
    pub(super) async fn of(silence: &Silence, store: &Store, heads: &Heads) -> Result<Self, Failure> {
        let now = Timestamp::now();
        let alone = Silences(vec![silence.clone()]);
        let mut coverage = Self { deployments: 0, unhealthy: 0, hint: String::new() };
        for target in heads.known.iter().filter(|(_, head)| !head.is_deleted()).map(|(target, _)| target) {
            let of_target = alone.of(target);
            if of_target.0.is_empty() {
                continue;
            }
            for (account, row) in store.snapshot(target).await?.rows {
                if silence.accounts.is_empty() || silence.accounts.contains(&account) {
                    coverage.deployments += 1;
                    coverage.unhealthy += u64::from(of_target.cover(account, &row.state, now));
                }
            }
        }
        let absent = |glob: &&PackGlob| !heads.known.keys().any(|target| glob.matches(&target.pack));
        if let Some(glob) = silence.packs.iter().find(absent) {
            let glob = glob.to_string();
            let names = heads.known.keys().map(|target| target.pack.as_str());
            let meant = nearest(glob.trim_matches('*'), names);
            coverage.hint = format!(". No recorded pack fits {glob:?}{}", did_you_mean(meant));
        }
        Ok(coverage)
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deployments = counted(self.deployments, "deployment");
        match (self.deployments, self.unhealthy) {
            (0, _) => write!(f, "it matches no known account or pack")?,
            (_, 0) => write!(f, "it covers {deployments}, none of them unhealthy now")?,
            (_, n) => write!(f, "it covers {deployments}, {} of them unhealthy now", grouped(n))?,
        }
        f.write_str(&self.hint)
    }
}

/// Whether something may be covered by both.
pub(super) fn overlap(a: &Silence, b: &Silence, known: &BTreeMap<Target, Head>) -> bool {
    fn meet<T: PartialEq>(a: &[T], b: &[T]) -> bool {
        a.is_empty() || b.is_empty() || a.iter().any(|item| b.contains(item))
    }
    let any = |silence: &Silence, pack: &PackName| silence.packs.iter().any(|glob| glob.matches(pack));
    let packs_meet = || {
        meet(&a.packs, &b.packs) || known.keys().any(|target| any(a, &target.pack) && any(b, &target.pack))
    };
    let kinds = |silence: &Silence| silence.kinds.iter().copied().collect::<Vec<_>>();
    meet(&a.accounts, &b.accounts)
        && meet(&a.regions, &b.regions)
        && meet(&kinds(a), &kinds(b))
        && packs_meet()
}
