//! The formula of `docs/cost.md`: from an organization's size to dollars a month. What a run needs was measured by
//! `make bench` (`docs/performance.md`); what that costs is on AWS's pricing pages, in us-east-1.

/// What determines the bill.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    /// Member accounts.
    pub(super) accounts: f64,
    /// Packs, each in every account.
    pub(super) packs: f64,
    /// Seconds between two runs.
    pub(super) every: f64,
    /// The function's memory.
    pub(super) memory_gb: f64,
    /// Seconds that AWS Config takes to answer.
    pub(super) call: f64,
    /// Part of the accounts that change in a pack each day.
    pub(super) changed: f64,
    /// Part of the accounts that are not well.
    pub(super) unwell: f64,
    /// Seconds between two whole looks at a pack; `None`: every look is whole.
    pub(super) whole_every: Option<f64>,
    /// Whether there is a dashboard.
    pub(super) dashboard: bool,
}

const DAYS: f64 = 30.0;
const MILLION: f64 = 1e6;
const GB: f64 = 1e9;

// Measured.

/// Seconds of packwatch and of the network on top of each call.
const BESIDES_CALL: f64 = 0.003;
/// Seconds of one processor for the status of one account.
const CPU_PER_ROW: f64 = 2.5e-6;
/// Packs read at once.
const CONCURRENCY: f64 = 8.0;
/// Bytes of a head, of an account's row, of a transition, of a log line and of a line with metrics.
const HEAD: f64 = 400.0;
const ROW: f64 = 110.0;
const TRANSITION: f64 = 450.0;
const LOG_LINE: f64 = 300.0;
const METRICS_LINE: f64 = 650.0;
/// Write units of a change (its row and its transition, in a transaction) and of a pack that changed (claim, commit,
/// fence).
const WRITES_PER_CHANGE: f64 = 4.0;
const WRITES_PER_PACK: f64 = 4.0;

// Assumed.

/// Runs a day that find a pack changed.
const CHANGED_RUNS: f64 = 10.0;
/// Days that transitions are kept.
const HISTORY_DAYS: f64 = 90.0;
/// Mailboxes that get each digest.
const MAILBOXES: f64 = 5.0;
/// Metrics that the template's alarms look at, and metrics of a run.
const ALARM_METRICS: f64 = 8.0;
const RUN_METRICS: f64 = 3.0;
/// Memory, in GB, with which Lambda gives a function one whole processor ("Configure Lambda function memory").
const MEMORY_OF_ONE_CPU: f64 = 1769.0 / 1024.0;

// Prices in US dollars.

const LAMBDA_GB_SECOND: f64 = 0.000_016_666_7;
const LAMBDA_REQUEST: f64 = 0.20 / MILLION;
const SCHEDULER_INVOCATION: f64 = 1.00 / MILLION;
const READ_UNIT: f64 = 0.125 / MILLION;
const WRITE_UNIT: f64 = 0.625 / MILLION;
/// Storage and point-in-time recovery.
const TABLE_GB: f64 = 0.25 + 0.20;
const SNS_REQUEST: f64 = 0.50 / MILLION;
const SNS_EMAIL: f64 = 2.00 / 100_000.0;
const LOGS_GB: f64 = 0.50;
const ALARM_METRIC: f64 = 0.10;
const METRIC: f64 = 0.30;
const DASHBOARD: f64 = 3.00;
const TRACE: f64 = 5.00 / MILLION;
const KEY: f64 = 1.00;

// What AWS gives every account each month, for ever.

const FREE_REQUESTS: f64 = MILLION;
const FREE_METRICS: f64 = 10.0;
const FREE_DASHBOARDS: f64 = 3.0;
const FREE_ALARM_METRICS: f64 = 10.0;

/// A line of the bill.
pub(super) struct Item {
    /// Its name.
    pub(super) name: &'static str,
    /// What it costs a month.
    pub(super) dollars: fn(&Usage) -> f64,
    /// How much of that AWS gives every account, if the account uses it for nothing else.
    free: fn(&Usage) -> f64,
}

/// The bill.
pub(super) const ITEMS: [Item; 12] = [
    paid("Lambda, duration", |u| u.gb_seconds() * LAMBDA_GB_SECOND),
    Item {
        name: "Lambda, requests",
        dollars: |u| u.runs() * LAMBDA_REQUEST,
        free: |u| u.runs().min(FREE_REQUESTS) * LAMBDA_REQUEST,
    },
    paid("Scheduler", |u| u.runs() * SCHEDULER_INVOCATION),
    paid("DynamoDB, quiet runs", |u| {
        let loads = u.runs() * units(u.packs * HEAD, 4096.0) * READ_UNIT;
        loads + u.whole_looks() * WRITE_UNIT
    }),
    paid("DynamoDB, changes", Usage::changes),
    paid("DynamoDB, storage", |u| {
        let history = u.rows() * u.changed * HISTORY_DAYS * TRANSITION;
        (u.rows() * ROW + history) / GB * TABLE_GB
    }),
    Item {
        name: "SNS",
        dollars: |u| u.publishes() * SNS_REQUEST + CHANGED_RUNS * DAYS * MAILBOXES * SNS_EMAIL,
        free: |u| u.publishes().min(FREE_REQUESTS) * SNS_REQUEST,
    },
    paid("CloudWatch logs, and traces", |u| {
        let bytes = (u.packs + 2.0) * LOG_LINE + METRICS_LINE;
        u.runs() * (bytes / GB * LOGS_GB + TRACE)
    }),
    Item {
        name: "CloudWatch metrics",
        dollars: |_| RUN_METRICS * METRIC,
        free: |_| RUN_METRICS.min(FREE_METRICS) * METRIC,
    },
    Item {
        name: "Alarms",
        dollars: |_| ALARM_METRICS * ALARM_METRIC,
        free: |_| ALARM_METRICS.min(FREE_ALARM_METRICS) * ALARM_METRIC,
    },
    Item {
        name: "Dashboard",
        dollars: |u| u.dashboards() * DASHBOARD,
        free: |u| u.dashboards().min(FREE_DASHBOARDS) * DASHBOARD,
    },
    paid("The topics' key", |_| KEY),
];

const fn paid(name: &'static str, dollars: fn(&Usage) -> f64) -> Item {
    Item { name, dollars, free: |_| 0.0 }
}

impl Item {
    /// What it costs an account that uses what AWS gives it for nothing else.
    pub(super) fn beyond_free(&self, usage: &Usage) -> f64 {
        (self.dollars)(usage) - (self.free)(usage)
    }
}

impl Usage {
    /// What a month costs.
    pub(super) fn total(&self) -> f64 {
        ITEMS.iter().map(|item| (item.dollars)(self)).sum()
    }

    /// What it costs an account that uses what AWS gives it for nothing else.
    pub(super) fn total_beyond_free(&self) -> f64 {
        ITEMS.iter().map(|item| item.beyond_free(self)).sum()
    }

    /// How long a run takes in which no whole look is due, for its longest chain of calls, or for the processor,
    /// whichever is longer.
    pub(super) fn seconds_per_run(&self) -> f64 {
        let rounds = (self.packs / CONCURRENCY).ceil();
        let (chain, rows) = match self.is_quick() {
            // Those in progress, then those that failed: of both, the longest is of the failed.
            true => (1.0 + pages(self.accounts * self.unwell), self.rows() * self.unwell),
            false => (pages(self.accounts), self.rows()),
        };
        self.seconds(1.0 + rounds * chain, rows)
    }

    /// How long the whole looks take that become due in an hour beside the quick ones, one pack after the other.
    pub(super) fn whole_seconds_per_hour(&self) -> f64 {
        self.whole_looks() / (DAYS * 24.0) * self.seconds(pages(self.accounts), self.accounts)
    }

    /// Calls of AWS Config in a run in which no whole look is due, and in one in which every look is whole.
    pub(super) fn calls_per_run(&self) -> f64 {
        let whole = 1.0 + self.packs * pages(self.accounts);
        if self.is_quick() { 1.0 + self.packs * self.quick_calls() } else { whole }
    }

    /// Lambda's unit.
    pub(super) fn gb_seconds(&self) -> f64 {
        let whole = self.whole_seconds_per_hour() * DAYS * 24.0;
        (self.runs() * self.seconds_per_run() + whole) * self.memory_gb
    }

    /// Six statuses; one of them has most of those that are not well.
    fn quick_calls(&self) -> f64 {
        5.0 + pages(self.accounts * self.unwell)
    }

    /// Whether a run makes quick looks: see `watch::look`.
    fn is_quick(&self) -> bool {
        self.whole_every.is_some() && 2.0 * self.quick_calls() < pages(self.accounts)
    }

    /// Whole looks in a month, beside the quick ones: no more than one of each pack in a run.
    fn whole_looks(&self) -> f64 {
        let each = self.whole_every.filter(|_| self.is_quick()).map_or(0.0, |every| DAYS * 86_400.0 / every);
        self.packs * each.min(self.runs())
    }

    fn seconds(&self, calls: f64, rows: f64) -> f64 {
        let processor = (self.memory_gb / MEMORY_OF_ONE_CPU).min(1.0);
        (calls * (self.call + BESIDES_CALL)).max(rows * CPU_PER_ROW / processor)
    }

    fn runs(&self) -> f64 {
        DAYS * 86_400.0 / self.every
    }

    fn dashboards(&self) -> f64 {
        f64::from(u8::from(self.dashboard))
    }

    fn publishes(&self) -> f64 {
        CHANGED_RUNS * DAYS + self.changes_per_month()
    }

    fn rows(&self) -> f64 {
        self.accounts * self.packs
    }

    fn changes_per_month(&self) -> f64 {
        self.rows() * self.changed * DAYS
    }

    /// Each changed run reads a pack's rows; each change and each changed pack is written.
    fn changes(&self) -> f64 {
        let looks = self.packs * CHANGED_RUNS * DAYS;
        let reads = looks * units(self.accounts * ROW, 4096.0);
        let writes = self.changes_per_month() * WRITES_PER_CHANGE + looks * WRITES_PER_PACK;
        reads * READ_UNIT + writes * WRITE_UNIT
    }
}

/// An empty listing is a page, too.
fn pages(rows: f64) -> f64 {
    (rows / 100.0).ceil().max(1.0)
}

fn units(bytes: f64, unit: f64) -> f64 {
    (bytes / unit).ceil().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE_MINUTES: Usage = Usage {
        accounts: 10_000.0,
        packs: 20.0,
        every: 300.0,
        memory_gb: 0.5,
        call: 0.04,
        changed: 0.01,
        unwell: 0.01,
        whole_every: Some(3600.0),
        dashboard: false,
    };
    const ALWAYS_WHOLE: Usage = Usage { whole_every: None, ..FIVE_MINUTES };

    fn assert_near(is: f64, expected: f64) {
        assert!((is - expected).abs() < 1e-9, "{is} and not {expected}");
    }

    #[test]
    fn a_run_takes_its_longest_chain_of_calls() {
        // 20 packs, 8 at once: three rounds of 100 pages, and the list.
        assert_near(ALWAYS_WHOLE.seconds_per_run(), 301.0 * 0.043);
        let at_once = Usage { call: 0.0, ..ALWAYS_WHOLE };
        assert_near(at_once.seconds_per_run(), 200_000.0 * CPU_PER_ROW * 1769.0 / 512.0);
        // Three rounds of two calls, one after the other, of which the second has a hundred accounts.
        assert_near(FIVE_MINUTES.seconds_per_run(), 7.0 * 0.043);
        let more = Usage { unwell: 0.02, ..FIVE_MINUTES };
        assert_near(more.seconds_per_run(), 10.0 * 0.043);
    }

    #[test]
    fn quick_looks_are_made_where_they_cost_less_than_half() {
        assert_near(FIVE_MINUTES.calls_per_run(), 121.0);
        assert_near(ALWAYS_WHOLE.calls_per_run(), 2001.0);
        let small = Usage { accounts: 1200.0, ..FIVE_MINUTES };
        assert_near(small.calls_per_run(), 241.0);
        assert_near(small.whole_looks(), 0.0);
        let larger = Usage { accounts: 1201.0, ..FIVE_MINUTES };
        assert_near(larger.calls_per_run(), 121.0);
        let half = Usage { unwell: 0.45, ..FIVE_MINUTES };
        assert_near(half.calls_per_run(), 2001.0);
    }

    #[test]
    fn whole_looks_come_every_hour_but_not_more_often_than_runs() {
        assert_near(FIVE_MINUTES.whole_looks(), 20.0 * 720.0);
        assert_near(FIVE_MINUTES.whole_seconds_per_hour(), 20.0 * 100.0 * 0.043);
        let seldom = Usage { every: 7200.0, ..FIVE_MINUTES };
        assert_near(seldom.whole_looks(), 20.0 * 360.0);
        let quick = FIVE_MINUTES.runs() * FIVE_MINUTES.seconds_per_run();
        assert_near(FIVE_MINUTES.gb_seconds(), (quick + 720.0 * 86.0) * 0.5);
    }

    #[test]
    fn a_month_of_five_minutes_is_8640_runs() {
        assert_near(FIVE_MINUTES.runs(), 8640.0);
        let twice = Usage { every: 150.0, ..ALWAYS_WHOLE };
        assert_near(twice.gb_seconds() / ALWAYS_WHOLE.gb_seconds(), 2.0);
    }

    #[test]
    fn the_total_is_the_sum_and_grows_with_the_organization() {
        let small = Usage { accounts: 100.0, ..FIVE_MINUTES };
        assert!(small.total() > 1.40 && small.total() < FIVE_MINUTES.total());
    }

    #[test]
    fn a_large_organization_costs_at_most_5_dollars() {
        assert!(FIVE_MINUTES.total() <= 5.0, "{}", FIVE_MINUTES.total());
        assert!(FIVE_MINUTES.total() < ALWAYS_WHOLE.total());
    }

    #[test]
    fn what_aws_gives_every_account_is_not_counted_twice_or_beyond_its_limit() {
        let with = Usage { dashboard: true, ..FIVE_MINUTES };
        assert_near(with.total() - FIVE_MINUTES.total(), 3.0);
        assert_near(with.total_beyond_free(), FIVE_MINUTES.total_beyond_free());
        // Two million changes a month are more than SNS gives.
        let busy = Usage { changed: 1.0 / 3.0, ..FIVE_MINUTES };
        let sns = ITEMS.iter().find(|item| item.name == "SNS").unwrap();
        let paid = (busy.publishes() - 1e6) * SNS_REQUEST + CHANGED_RUNS * DAYS * MAILBOXES * SNS_EMAIL;
        assert_near(sns.beyond_free(&busy), paid);
        assert!(ITEMS.iter().all(|item| item.beyond_free(&FIVE_MINUTES) >= 0.0));
    }
}
