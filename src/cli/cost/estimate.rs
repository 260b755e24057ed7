//! The formula of `docs/cost.md`: from an organization's size to dollars a month. What a run needs was measured by
//! `make bench` (`docs/performance.md`); what that costs is on AWS's pricing pages, in us-east-1, without free tiers.

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
}

const DAYS: f64 = 30.0;
const MILLION: f64 = 1e6;
const GB: f64 = 1e9;

// Measured.

/// Seconds of packwatch and of the network on top of each call.
const BESIDES_CALL: f64 = 0.003;
/// Seconds of one processor for the status of one account.
const CPU_PER_ROW: f64 = 2.5e-6;
/// Packs read at once, and accounts in a page.
const CONCURRENCY: f64 = 8.0;
const PAGE: f64 = 100.0;
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
const ALARM_METRICS: f64 = 7.0;
const RUN_METRICS: f64 = 11.0;
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

/// A line of the bill: its name and what it costs a month.
pub(super) type Item = (&'static str, fn(&Usage) -> f64);

/// The bill.
pub(super) const ITEMS: [Item; 10] = [
    ("Lambda, duration", |u| u.gb_seconds() * LAMBDA_GB_SECOND),
    ("Lambda, requests, and Scheduler", |u| u.runs() * (LAMBDA_REQUEST + SCHEDULER_INVOCATION)),
    ("DynamoDB, quiet runs", |u| u.runs() * units(u.packs * HEAD, 4096.0) * READ_UNIT),
    ("DynamoDB, changes", Usage::changes),
    ("DynamoDB, storage", |u| {
        let history = u.rows() * u.changed * HISTORY_DAYS * TRANSITION;
        (u.rows() * ROW + history) / GB * TABLE_GB
    }),
    ("SNS", |u| {
        let digests = CHANGED_RUNS * DAYS * (SNS_REQUEST + MAILBOXES * SNS_EMAIL);
        digests + u.changes_per_month() * SNS_REQUEST
    }),
    ("CloudWatch logs", |u| {
        let bytes = (u.packs + 2.0) * LOG_LINE + METRICS_LINE;
        u.runs() * bytes / GB * LOGS_GB
    }),
    // One for each pack: its failing accounts.
    ("CloudWatch metrics", |_| RUN_METRICS * METRIC),
    ("Dashboard, and traces", |u| DASHBOARD + u.runs() * TRACE),
    ("Alarms and the topics' key", |_| ALARM_METRICS * ALARM_METRIC + KEY),
];

impl Usage {
    /// What a month costs.
    pub(super) fn total(&self) -> f64 {
        ITEMS.iter().map(|(_, dollars)| dollars(self)).sum()
    }

    /// How long a run takes: for its longest chain of calls, or for the processor, whichever is longer.
    pub(super) fn seconds_per_run(&self) -> f64 {
        let rounds = (self.packs / CONCURRENCY).ceil();
        let calls = 1.0 + rounds * (self.accounts / PAGE).ceil().max(1.0);
        let processor = (self.memory_gb / MEMORY_OF_ONE_CPU).min(1.0);
        (calls * (self.call + BESIDES_CALL)).max(self.rows() * CPU_PER_ROW / processor)
    }

    /// Lambda's unit.
    pub(super) fn gb_seconds(&self) -> f64 {
        self.runs() * self.seconds_per_run() * self.memory_gb
    }

    fn runs(&self) -> f64 {
        DAYS * 86_400.0 / self.every
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

fn units(bytes: f64, unit: f64) -> f64 {
    (bytes / unit).ceil().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE_MINUTES: Usage =
        Usage { accounts: 10_000.0, packs: 20.0, every: 300.0, memory_gb: 0.5, call: 0.04, changed: 0.01 };

    #[test]
    fn a_run_takes_its_longest_chain_of_calls() {
        // 20 packs, 8 at once: three rounds of 100 pages, and the list.
        assert!((FIVE_MINUTES.seconds_per_run() - 301.0 * 0.043).abs() < 1e-9);
        let at_once = Usage { call: 0.0, ..FIVE_MINUTES };
        let processor = 200_000.0 * CPU_PER_ROW * 1769.0 / 512.0;
        assert!((at_once.seconds_per_run() - processor).abs() < 1e-9);
    }

    #[test]
    fn a_month_of_five_minutes_is_8640_runs() {
        assert!((FIVE_MINUTES.runs() - 8640.0).abs() < 1e-9);
        let twice = Usage { every: 150.0, ..FIVE_MINUTES };
        assert!((twice.gb_seconds() / FIVE_MINUTES.gb_seconds() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn the_total_is_the_sum_and_grows_with_the_organization() {
        let small = Usage { accounts: 100.0, ..FIVE_MINUTES };
        assert!(small.total() > 1.40 && small.total() < FIVE_MINUTES.total());
    }
}
