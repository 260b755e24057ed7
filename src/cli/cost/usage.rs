//! How much of everything an organization needs in a month. What a run needs was measured by `make bench`
//! (`docs/performance.md`).

/// What determines the bill.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    /// Member accounts.
    pub(super) accounts: f64,
    /// Packs, each in every account.
    pub(super) packs: f64,
    /// Seconds between two ticks of the schedule.
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
    /// Whether packs go through a queue to several runs.
    pub(super) fan_out: bool,
    /// Whether there is a dashboard.
    pub(super) dashboard: bool,
    /// The deployment's first year is 1: its key is rotated once a year.
    pub(super) year: f64,
}

const DAYS: f64 = 30.0;
const SECONDS: f64 = DAYS * 86_400.0;

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

// As the template has it.

/// Metrics that its alarms look at (`scripts/test_template.py` counts them): those of every deployment, the one of quick
/// looks, and those of the queue.
const BASIC_ALARM_METRICS: f64 = 7.0;
const QUICK_ALARM_METRICS: f64 = 1.0;
const FAN_OUT_ALARM_METRICS: f64 = 3.0;
/// Metrics of a run.
const RUN_METRICS: f64 = 3.0;
/// Messages of the queue that a run takes, and that one request sends.
const BATCH: f64 = 5.0;
const SENT_AT_ONCE: f64 = 10.0;
/// How many pollers Lambda begins with, and for how many seconds each waits for a message.
const POLLERS: f64 = 5.0;
const POLL: f64 = 20.0;
/// Memory, in GB, with which Lambda gives a function one whole processor ("Configure Lambda function memory").
const MEMORY_OF_ONE_CPU: f64 = 1769.0 / 1024.0;

/// How many requests so many messages take, on the average of many ticks: not each tick has one.
fn whole_or_less(messages: f64, at_once: f64) -> f64 {
    (messages / at_once).ceil().min(messages)
}

impl Usage {
    /// How long a run takes in which no whole look is due, for its longest chain of calls, or for the processor,
    /// whichever is longer. With a queue and without quick looks, a run that takes packs from it.
    pub(super) fn seconds_per_run(&self) -> f64 {
        if self.fan_out && !self.is_quick() {
            return self.seconds(pages(self.accounts), self.rows() / self.batches());
        }
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

    /// Calls of AWS Config for a tick in which no whole look is due, or for which every look is whole.
    pub(super) fn calls_per_tick(&self) -> f64 {
        let whole = 1.0 + self.packs * pages(self.accounts);
        if self.is_quick() { 1.0 + self.packs * self.quick_calls() } else { whole }
    }

    /// Lambda's unit.
    pub(super) fn gb_seconds(&self) -> f64 {
        let tick = match self.fan_out && !self.is_quick() {
            // The list of packs, and the runs that take packs from the queue.
            true => self.seconds(1.0, 0.0) + self.batches() * self.seconds_per_run(),
            false => self.seconds_per_run(),
        };
        let whole = self.whole_seconds_per_hour() * DAYS * 24.0;
        (self.ticks() * tick + whole) * self.memory_gb
    }

    /// Ticks of the schedule.
    pub(super) fn ticks(&self) -> f64 {
        SECONDS / self.every
    }

    /// The ticks' runs, and those that take packs from the queue.
    pub(super) fn invocations(&self) -> f64 {
        self.ticks() * (1.0 + self.batches())
    }

    /// Whole looks, beside the quick ones: no more than one of each pack in a run.
    pub(super) fn whole_looks(&self) -> f64 {
        let each = self.whole_every.filter(|_| self.is_quick()).map_or(0.0, |every| SECONDS / every);
        self.packs * each.min(self.ticks())
    }

    /// Read units of loading the heads in each run.
    pub(super) fn quiet_reads(&self) -> f64 {
        self.invocations() * units(self.packs * HEAD)
    }

    /// Read units of a pack's rows, where it has changed.
    pub(super) fn changed_reads(&self) -> f64 {
        self.changed_looks() * units(self.accounts * ROW)
    }

    /// Write units of each change, and of each pack that has changed.
    pub(super) fn changed_writes(&self) -> f64 {
        self.changes() * WRITES_PER_CHANGE + self.changed_looks() * WRITES_PER_PACK
    }

    /// Bytes in the table.
    pub(super) fn stored(&self) -> f64 {
        self.rows() * ROW + self.rows() * self.changed * HISTORY_DAYS * TRANSITION
    }

    /// Messages for people and for machines.
    pub(super) fn publishes(&self) -> f64 {
        CHANGED_RUNS * DAYS + self.changes()
    }

    /// Digests in mailboxes.
    pub(super) fn emails(&self) -> f64 {
        CHANGED_RUNS * DAYS * MAILBOXES
    }

    /// Lambda asks the queue without pause; each batch is received and deleted.
    pub(super) fn queue_requests(&self) -> f64 {
        match self.fan_out {
            true => {
                let sends = whole_or_less(self.queued(), SENT_AT_ONCE);
                POLLERS * SECONDS / POLL + self.ticks() * (sends + 2.0 * self.batches())
            }
            false => 0.0,
        }
    }

    /// Bytes of log lines: each run has two and its metrics, and one for each pack. With a queue, a pack is logged when
    /// it is sent, too.
    pub(super) fn logged(&self) -> f64 {
        let packs = self.packs + self.queued();
        self.ticks() * packs * LOG_LINE + self.invocations() * (2.0 * LOG_LINE + METRICS_LINE)
    }

    #[expect(clippy::unused_self, reason = "one of a bill's amounts, which are all of a usage")]
    pub(super) fn metrics(&self) -> f64 {
        RUN_METRICS
    }

    /// Metrics that alarms look at.
    pub(super) fn alarm_metrics(&self) -> f64 {
        let quick = self.whole_every.map_or(0.0, |_| QUICK_ALARM_METRICS);
        let queue = if self.fan_out { FAN_OUT_ALARM_METRICS } else { 0.0 };
        BASIC_ALARM_METRICS + quick + queue
    }

    pub(super) fn dashboards(&self) -> f64 {
        f64::from(u8::from(self.dashboard))
    }

    /// Runs of a tick that take packs from the queue, if each takes as many as it may.
    fn batches(&self) -> f64 {
        whole_or_less(self.queued(), BATCH)
    }

    /// Packs that a tick sends to the queue: those whose whole look is due, or all.
    fn queued(&self) -> f64 {
        match (self.fan_out, self.is_quick()) {
            (false, _) => 0.0,
            (true, true) => self.whole_looks() / self.ticks(),
            (true, false) => self.packs,
        }
    }

    /// Six statuses; one of them has most of those that are not well.
    fn quick_calls(&self) -> f64 {
        5.0 + pages(self.accounts * self.unwell)
    }

    /// Whether a run makes quick looks: see `watch::look`.
    fn is_quick(&self) -> bool {
        self.whole_every.is_some() && 2.0 * self.quick_calls() < pages(self.accounts)
    }

    fn seconds(&self, calls: f64, rows: f64) -> f64 {
        let processor = (self.memory_gb / MEMORY_OF_ONE_CPU).min(1.0);
        (calls * (self.call + BESIDES_CALL)).max(rows * CPU_PER_ROW / processor)
    }

    fn rows(&self) -> f64 {
        self.accounts * self.packs
    }

    fn changes(&self) -> f64 {
        self.rows() * self.changed * DAYS
    }

    fn changed_looks(&self) -> f64 {
        self.packs * CHANGED_RUNS * DAYS
    }
}

/// An empty listing is a page, too.
fn pages(rows: f64) -> f64 {
    (rows / 100.0).ceil().max(1.0)
}

/// Read units of a Query over so many bytes.
fn units(bytes: f64) -> f64 {
    (bytes / 4096.0).ceil().max(1.0)
}

#[cfg(test)]
pub(super) mod tests;
