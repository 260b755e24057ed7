//! The items of a bill, from what an organization uses and from AWS's prices in us-east-1 (`docs/cost.md`).

use super::usage::Usage;

const MILLION: f64 = 1e6;
const GB: f64 = 1e9;

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
const SQS_REQUEST: f64 = 0.40 / MILLION;
const LOGS_GB: f64 = 0.50;
const ALARM_METRIC: f64 = 0.10;
const METRIC: f64 = 0.30;
const DASHBOARD: f64 = 3.00;
const TRACE: f64 = 5.00 / MILLION;
/// A key, and again what each of its first two rotations adds.
const KEY: f64 = 1.00;
const KEY_MOST: f64 = 3.0;

// What AWS gives every account each month, for ever.

const FREE_REQUESTS: f64 = MILLION;
const FREE_METRICS: f64 = 10.0;
const FREE_DASHBOARDS: f64 = 3.0;
const FREE_ALARM_METRICS: f64 = 10.0;

/// A line of the bill.
pub(super) struct Item {
    /// Its name.
    pub(super) name: &'static str,
    /// How much of it there is in a month, in the unit that `price` is for.
    amount: fn(&Usage) -> f64,
    price: f64,
    /// How much of that AWS gives every account, if the account uses it for nothing else.
    free: f64,
    /// What the item costs besides.
    more: fn(&Usage) -> f64,
}

/// The bill.
pub(super) const ITEMS: [Item; 13] = [
    Item { amount: Usage::gb_seconds, ..item("Lambda, duration", LAMBDA_GB_SECOND) },
    Item { amount: Usage::invocations, free: FREE_REQUESTS, ..item("Lambda, requests", LAMBDA_REQUEST) },
    Item { amount: Usage::ticks, ..item("Scheduler", SCHEDULER_INVOCATION) },
    Item {
        amount: Usage::quiet_reads,
        more: |u| u.whole_looks() * WRITE_UNIT,
        ..item("DynamoDB, quiet runs", READ_UNIT)
    },
    Item {
        amount: Usage::changed_reads,
        more: |u| u.changed_writes() * WRITE_UNIT,
        ..item("DynamoDB, changes", READ_UNIT)
    },
    Item { amount: |u| u.stored() / GB, ..item("DynamoDB, storage", TABLE_GB) },
    Item {
        amount: Usage::publishes,
        free: FREE_REQUESTS,
        more: |u| u.emails() * SNS_EMAIL,
        ..item("SNS", SNS_REQUEST)
    },
    Item { amount: Usage::queue_requests, free: FREE_REQUESTS, ..item("SQS (FanOut)", SQS_REQUEST) },
    Item {
        amount: |u| u.logged() / GB,
        more: |u| u.invocations() * TRACE,
        ..item("CloudWatch logs, and traces", LOGS_GB)
    },
    Item { amount: Usage::metrics, free: FREE_METRICS, ..item("CloudWatch metrics", METRIC) },
    Item { amount: Usage::alarm_metrics, free: FREE_ALARM_METRICS, ..item("Alarms", ALARM_METRIC) },
    Item { amount: Usage::dashboards, free: FREE_DASHBOARDS, ..item("Dashboard", DASHBOARD) },
    Item { amount: |u| u.year.min(KEY_MOST), ..item("The topics' key", KEY) },
];

const fn item(name: &'static str, price: f64) -> Item {
    Item { name, amount: |_| 0.0, price, free: 0.0, more: |_| 0.0 }
}

impl Item {
    /// What it costs a month.
    pub(super) fn dollars(&self, usage: &Usage) -> f64 {
        (self.amount)(usage) * self.price + (self.more)(usage)
    }

    /// What it costs an account that uses what AWS gives it for nothing else.
    pub(super) fn beyond_free(&self, usage: &Usage) -> f64 {
        ((self.amount)(usage) - self.free).max(0.0) * self.price + (self.more)(usage)
    }
}

/// What a month costs.
pub(super) fn total(usage: &Usage) -> f64 {
    ITEMS.iter().map(|item| item.dollars(usage)).sum()
}

/// What it costs an account that uses what AWS gives it for nothing else.
pub(super) fn total_beyond_free(usage: &Usage) -> f64 {
    ITEMS.iter().map(|item| item.beyond_free(usage)).sum()
}

#[cfg(test)]
mod tests {
    use super::super::usage::tests::{ALWAYS_WHOLE, FIVE_MINUTES, assert_near};
    use super::*;

    fn dollars(name: &str, usage: &Usage) -> (f64, f64) {
        let item = ITEMS.iter().find(|item| item.name == name).unwrap();
        (item.dollars(usage), item.beyond_free(usage))
    }

    #[test]
    fn the_total_is_the_sum_and_grows_with_the_organization() {
        let small = Usage { accounts: 100.0, ..FIVE_MINUTES };
        assert!(total(&small) > 1.40 && total(&small) < total(&FIVE_MINUTES));
    }

    #[test]
    fn a_large_organization_costs_at_most_5_dollars() {
        assert!(total(&FIVE_MINUTES) <= 5.0, "{}", total(&FIVE_MINUTES));
        assert!(total(&FIVE_MINUTES) < total(&ALWAYS_WHOLE));
        let for_ever = Usage { year: 9.0, ..FIVE_MINUTES };
        assert!(total_beyond_free(&for_ever) <= 5.0, "{}", total_beyond_free(&for_ever));
    }

    #[test]
    fn what_aws_gives_every_account_is_not_counted_twice_or_beyond_its_limit() {
        let with = Usage { dashboard: true, ..FIVE_MINUTES };
        assert_near(total(&with) - total(&FIVE_MINUTES), 3.0);
        assert_near(total_beyond_free(&with), total_beyond_free(&FIVE_MINUTES));
        // Two million changes a month are more than SNS gives.
        let busy = Usage { changed: 1.0 / 3.0, ..FIVE_MINUTES };
        let paid = (busy.publishes() - 1e6) * SNS_REQUEST + busy.emails() * SNS_EMAIL;
        assert_near(dollars("SNS", &busy).1, paid);
        assert!(ITEMS.iter().all(|item| item.beyond_free(&FIVE_MINUTES) <= item.dollars(&FIVE_MINUTES)));
    }

    #[test]
    fn a_key_costs_more_after_its_first_two_rotations_only() {
        let key = |year| dollars("The topics' key", &Usage { year, ..FIVE_MINUTES });
        assert_eq!([1.0, 2.0, 3.0, 4.0].map(key), [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (3.0, 3.0)]);
    }

    #[test]
    fn a_queue_costs_three_alarms_and_asking_it_while_it_is_empty() {
        let queue = Usage { fan_out: true, ..ALWAYS_WHOLE };
        assert_near(dollars("Alarms", &ALWAYS_WHOLE).0, 0.7);
        assert_near(dollars("Alarms", &FIVE_MINUTES).0, 0.8);
        let (all, beyond_free) = dollars("Alarms", &queue);
        assert_near(all, 1.0);
        assert_near(beyond_free, 0.0);
        // Five pollers that ask every 20 s; and for 20 packs two sends, four receives and four deletes in each tick.
        let (all, beyond_free) = dollars("SQS (FanOut)", &queue);
        assert_near(all, (648_000.0 + 8640.0 * 10.0) * SQS_REQUEST);
        assert_near(beyond_free, 0.0);
        assert_near(dollars("SQS (FanOut)", &FIVE_MINUTES).0, 0.0);
    }
}
