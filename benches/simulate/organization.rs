//! AWS Config of an organization whose every account is alike in every target, but for those that are unhealthy: pages are
//! made when they are asked for, so that two million rows need no room. Each region grants so many calls a second to all
//! who call it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use packwatch::model::{AccountId, DetailedStatus, PackName, Region, Status, Target};
use packwatch::ports::{Filters, Page, PageRequest, SourceError, StatusSource};
use packwatch::rate_limit::{Priority, RateLimiter};
use tokio::time::{Instant, sleep};

/// How long AWS Config takes for a call.
const LATENCY: Duration = Duration::from_millis(150);
const PAGE: usize = 100;
const FIRST_ACCOUNT: usize = 100_000_000_000;

/// How large it is, and how often its regions may be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) packs: usize,
    pub(crate) accounts: usize,
    pub(crate) regions: usize,
    /// Calls a second that a region grants.
    pub(crate) rate: f64,
}

impl Size {
    pub(crate) fn targets(&self) -> usize {
        self.packs * self.regions
    }
}

pub(crate) struct Organization {
    pub(crate) size: Size,
    /// How many accounts there are by now.
    pub(crate) accounts: Cell<usize>,
    /// The accounts that are not as they were deployed, by number, in every target.
    pub(crate) changed: RefCell<BTreeMap<usize, Deployment>>,
    /// Calls a second that a region grants.
    pub(crate) rate: Cell<f64>,
    pub(crate) calls: Cell<u64>,
    pub(crate) refused: Cell<u64>,
    buckets: RefCell<BTreeMap<Region, Bucket>>,
}

/// How a pack's deployment in an account stands, and since when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deployment {
    pub(crate) status: &'static str,
    pub(crate) at: Timestamp,
}

impl Deployment {
    const FIRST: Self = Self { status: "CREATE_SUCCESSFUL", at: Timestamp::UNIX_EPOCH };

    fn row(self, target: &Target, n: usize) -> DetailedStatus {
        DetailedStatus {
            account: account(n),
            conformance_pack_name: format!("OrgConformsPack-{}-h6x2k9fq", target.pack),
            status: Status::new(self.status),
            error_code: self.status.ends_with("FAILED").then(|| "InsufficientPermissions".to_owned()),
            error_message: None,
            last_update: Some(self.at),
        }
    }
}

/// The `n`-th account of the organization.
pub(crate) fn account(n: usize) -> AccountId {
    format!("{:012}", FIRST_ACCOUNT + n).parse().expect("an account")
}

fn number(account: AccountId) -> usize {
    account.to_string().parse::<usize>().expect("a number") - FIRST_ACCOUNT
}

/// What a region grants: a bucket that holds one second's worth of calls.
struct Bucket {
    level: f64,
    filled: Instant,
}

impl Organization {
    pub(crate) fn new(size: Size) -> Self {
        let full = || Bucket { level: size.rate, filled: Instant::now() };
        let buckets = regions(size).into_iter().map(|region| (region, full())).collect();
        let (calls, refused) = (Cell::new(0), Cell::new(0));
        let (changed, rate) = (RefCell::default(), Cell::new(size.rate));
        let (accounts, buckets) = (Cell::new(size.accounts), RefCell::new(buckets));
        Self { size, accounts, changed, rate, calls, refused, buckets }
    }

    /// How the pack is deployed in an account.
    fn deployment(&self, n: usize) -> Deployment {
        self.changed.borrow().get(&n).copied().unwrap_or(Deployment::FIRST)
    }

    /// A page of what a call lists. What is as it was deployed is healthy: nobody asks for that by its status.
    fn list(&self, target: &Target, filters: &Filters, page: &PageRequest) -> Page<DetailedStatus> {
        let accounts = self.accounts.get();
        let row = |n: usize| self.deployment(n).row(target, n);
        let some: Vec<usize> = match (filters.account, &filters.status) {
            (None, None) => return cut(page, accounts, PAGE, row),
            (Some(only), _) => vec![number(only)].into_iter().filter(|n| *n < accounts).collect(),
            (None, Some(status)) => {
                let changed = self.changed.borrow();
                let of = changed.range(..accounts).filter(|(_, it)| it.status == status.as_str());
                of.map(|(n, _)| *n).collect()
            }
        };
        cut(page, some.len(), PAGE, |place| row(some[place]))
    }

    fn grants(&self, region: &Region) -> bool {
        let mut buckets = self.buckets.borrow_mut();
        let bucket = buckets.get_mut(region).expect("a region of the organization");
        let now = Instant::now();
        let rate = self.rate.get();
        let earned = (now - bucket.filled).as_secs_f64() * rate;
        *bucket = Bucket { level: (bucket.level + earned).min(rate), filled: now };
        let granted = bucket.level >= 1.0;
        if granted {
            bucket.level -= 1.0;
            self.calls.set(self.calls.get() + 1);
        } else {
            self.refused.set(self.refused.get() + 1);
        }
        granted
    }
}

/// The first so many regions.
pub(crate) fn regions(size: Size) -> Vec<Region> {
    ["eu-west-1", "us-east-1", "eu-central-1", "ap-southeast-2"]
        .iter()
        .take(size.regions)
        .map(|region| region.parse().expect("a region"))
        .collect()
}

/// AWS Config as one Lambda instance meets it: with a pace of its own for each region.
pub(crate) struct Reader {
    organization: Rc<Organization>,
    limiters: BTreeMap<Region, RateLimiter>,
}

impl Reader {
    pub(crate) fn new(organization: &Rc<Organization>) -> Self {
        let limiters =
            regions(organization.size).into_iter().map(|region| (region, RateLimiter::default())).collect();
        Self { organization: organization.clone(), limiters }
    }

    async fn call(&self, region: &Region, priority: Priority) -> Result<(), SourceError> {
        let send = async || {
            sleep(LATENCY).await;
            let throttled = || SourceError::Unavailable("Rate exceeded".to_owned());
            self.organization.grants(region).then_some(()).ok_or_else(throttled)
        };
        self.limiters[region].call(priority, send, |_| true).await
    }
}

impl StatusSource for Reader {
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError> {
        self.call(region, Priority::InOrder).await?;
        let name = |n: usize| format!("Pack-{n:02}").parse().expect("a name");
        Ok(cut(page, self.organization.size.packs, 20, name))
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        self.call(&target.region, Priority::of(filters, page)).await?;
        Ok(self.organization.list(target, filters, page))
    }
}

/// One page of `count` items; its token is where the next one begins.
fn cut<T>(page: &PageRequest, count: usize, size: usize, item: impl Fn(usize) -> T) -> Page<T> {
    let from: usize = page.token.as_deref().map_or(0, |token| token.parse().expect("a token of ours"));
    let to = (from + size).min(count);
    Page { items: (from..to).map(item).collect(), next_token: (to < count).then(|| to.to_string()) }
}
