//! What AWS Config does wrong, slowly or not at all.

use super::filters::FilterFaults;
use super::{ServiceError, World};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

/// The faults of AWS Config in force.
#[derive(Default)]
pub struct ConfigFaults {
    pub latency: Duration,
    /// Until lifted, every call to the region is refused with this.
    pub refused: BTreeMap<String, ServiceError>,
    pub buckets: BTreeMap<String, Bucket>,
    /// Each is used up by one call to its region.
    pub next: BTreeMap<String, VecDeque<NextFault>>,
    pub tokens: TokenFaults,
    /// The service returns at most so many rows a page, whatever the limit asked for.
    pub page_cap: Option<usize>,
    pub filters: FilterFaults,
    /// A page that ends exactly at the last row still has a token, which leads to an empty page.
    pub trailing_token: bool,
}

/// What happens to one call.
#[derive(Debug, Clone)]
pub enum NextFault {
    Error(ServiceError),
    /// The connection is closed without an answer.
    Drop,
    /// No answer, ever.
    Hang,
}

/// What is wrong with continuation tokens.
#[derive(Default)]
pub struct TokenFaults {
    pub shape: TokenShape,
    pub max_age: Option<Duration>,
    /// The token after so many pages is refused, so many times.
    pub after_pages: Option<(u32, usize)>,
    /// An expired token stays expired.
    pub expired: HashSet<String>,
    /// Tokens carry no time, so that equal requests get equal tokens.
    pub ageless: bool,
}

/// Where the service's tokens lead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TokenShape {
    /// To the next page, until there is none.
    #[default]
    Honest,
    /// From the second page on, to the same page again, under the same token.
    Repeat,
    /// Round and round between two pages: A, B, A, B.
    Cycle,
}

/// A token bucket that holds one second's worth of calls, or of messages.
pub struct Bucket {
    per_second: f64,
    level: f64,
    filled: Instant,
}

impl Bucket {
    /// A full one.
    pub fn new(per_second: f64) -> Self {
        Self { per_second, level: per_second.max(1.0), filled: Instant::now() }
    }

    /// Takes so many, if they are left.
    pub fn take(&mut self, n: usize) -> bool {
        let n = n as f64;
        let now = Instant::now();
        let gained = now.duration_since(self.filled).as_secs_f64() * self.per_second;
        self.level = (self.level + gained).min(self.per_second.max(1.0));
        self.filled = now;
        let granted = self.level >= n;
        if granted {
            self.level -= n;
        }
        granted
    }
}

/// What every AWS service says when called too often.
pub fn throttling() -> ServiceError {
    ServiceError::new(400, "ThrottlingException", "Rate exceeded")
}

impl World {
    /// Every Config call takes so long.
    pub fn latency(&self, latency: Duration) -> &Self {
        self.lock().faults.latency = latency;
        self
    }

    /// The caller is neither the management account nor a delegated administrator, in this region.
    pub fn deny(&self, region: &str) -> &Self {
        let message = "This action can only be made by the management account or a delegated administrator \
                       account of an AWS Organization.";
        self.refuse(region, ServiceError::new(400, "OrganizationAccessDeniedException", message))
    }

    /// Config refuses every call to the region with `error`, such as IAM's `AccessDeniedException`.
    pub fn refuse(&self, region: &str, error: ServiceError) -> &Self {
        self.lock().faults.refused.insert(region.to_owned(), error);
        self
    }

    /// Lifts [`World::deny`] and [`World::refuse`].
    pub fn allow(&self, region: &str) -> &Self {
        self.lock().faults.refused.remove(region);
        self
    }

    /// Grants so many Config calls a second in the region, all operations together, with a burst of one second.
    pub fn throttle(&self, region: &str, per_second: f64) -> &Self {
        self.lock().faults.buckets.insert(region.to_owned(), Bucket::new(per_second));
        self
    }

    /// Throttles the next `n` Config calls to the region.
    pub fn throttle_next(&self, region: &str, n: usize) -> &Self {
        self.next_faults(region, NextFault::Error(throttling()), n)
    }

    /// The next `n` Config calls to the region fail with an error of the service's own.
    pub fn break_next(&self, region: &str, n: usize) -> &Self {
        let error = ServiceError::new(500, "InternalFailure", "An internal error occurred.");
        self.next_faults(region, NextFault::Error(error), n)
    }

    /// The next `n` Config calls to the region meet `fault`, after those already queued.
    pub fn next_faults(&self, region: &str, fault: NextFault, n: usize) -> &Self {
        let mut state = self.lock();
        state.faults.next.entry(region.to_owned()).or_default().extend(std::iter::repeat_n(fault, n));
        drop(state);
        self
    }

    /// The token that follows the `pages`-th page of a read has expired, for the first `times` reads.
    pub fn expire_tokens_after_pages(&self, pages: u32, times: usize) -> &Self {
        self.lock().faults.tokens.after_pages = Some((pages, times));
        self
    }

    /// Tokens expire at this age.
    pub fn expire_tokens_after(&self, age: Duration) -> &Self {
        self.lock().faults.tokens.max_age = Some(age);
        self
    }

    /// From the second page on, the answer carries the token of its own request.
    pub fn repeat_token(&self) -> &Self {
        self.token_shape(TokenShape::Repeat)
    }

    /// Tokens go round between two pages: A, B, A, B.
    pub fn cycle_tokens(&self) -> &Self {
        self.token_shape(TokenShape::Cycle)
    }

    /// Equal requests get equal tokens from now on.
    pub fn ageless_tokens(&self) -> &Self {
        self.lock().faults.tokens.ageless = true;
        self
    }

    /// How tokens go on.
    pub fn token_shape(&self, shape: TokenShape) -> &Self {
        self.lock().faults.tokens.shape = shape;
        self
    }

    /// Returns at most `rows` rows a page, whatever limit is asked for.
    pub fn page_cap(&self, rows: usize) -> &Self {
        self.lock().faults.page_cap = Some(rows.max(1));
        self
    }

    /// A page that ends exactly at the last row still has a token, which leads to an empty page.
    pub fn trailing_token(&self) -> &Self {
        self.lock().faults.trailing_token = true;
        self
    }

    /// AWS Config does nothing wrong any more. Tokens that have expired stay so.
    pub fn heal_config(&self) -> &Self {
        let mut state = self.lock();
        let expired = std::mem::take(&mut state.faults.tokens.expired);
        state.faults = ConfigFaults::default();
        state.faults.tokens.expired = expired;
        drop(state);
        self
    }
}
