use super::*;

pub(in crate::cli::cost) const FIVE_MINUTES: Usage = Usage {
    accounts: 10_000.0,
    packs: 20.0,
    every: 300.0,
    memory_gb: 0.5,
    call: 0.04,
    changed: 0.01,
    unwell: 0.01,
    whole_every: Some(3600.0),
    fan_out: false,
    dashboard: false,
    year: 1.0,
};
pub(in crate::cli::cost) const ALWAYS_WHOLE: Usage = Usage { whole_every: None, ..FIVE_MINUTES };

pub(in crate::cli::cost) fn assert_near(is: f64, expected: f64) {
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
    assert_near(FIVE_MINUTES.calls_per_tick(), 121.0);
    assert_near(ALWAYS_WHOLE.calls_per_tick(), 2001.0);
    let small = Usage { accounts: 1200.0, ..FIVE_MINUTES };
    assert_near(small.calls_per_tick(), 241.0);
    assert_near(small.whole_looks(), 0.0);
    let larger = Usage { accounts: 1201.0, ..FIVE_MINUTES };
    assert_near(larger.calls_per_tick(), 121.0);
    let half = Usage { unwell: 0.45, ..FIVE_MINUTES };
    assert_near(half.calls_per_tick(), 2001.0);
}

#[test]
fn whole_looks_come_every_hour_but_not_more_often_than_runs() {
    assert_near(FIVE_MINUTES.whole_looks(), 20.0 * 720.0);
    assert_near(FIVE_MINUTES.whole_seconds_per_hour(), 20.0 * 100.0 * 0.043);
    let seldom = Usage { every: 7200.0, ..FIVE_MINUTES };
    assert_near(seldom.whole_looks(), 20.0 * 360.0);
    let quick = FIVE_MINUTES.ticks() * FIVE_MINUTES.seconds_per_run();
    assert_near(FIVE_MINUTES.gb_seconds(), (quick + 720.0 * 86.0) * 0.5);
}

#[test]
fn a_month_of_five_minutes_is_8640_runs() {
    assert_near(FIVE_MINUTES.invocations(), 8640.0);
    let twice = Usage { every: 150.0, ..ALWAYS_WHOLE };
    assert_near(twice.gb_seconds() / ALWAYS_WHOLE.gb_seconds(), 2.0);
}

#[test]
fn with_a_queue_the_whole_looks_are_other_runs() {
    let queue = Usage { fan_out: true, ..FIVE_MINUTES };
    assert_near(queue.calls_per_tick(), FIVE_MINUTES.calls_per_tick());
    assert_near(queue.gb_seconds(), FIVE_MINUTES.gb_seconds());
    // 20 packs in twelve ticks: one or two packs each, which one run takes.
    assert_near(queue.invocations(), 8640.0 * 2.0);
}

#[test]
fn with_a_queue_and_without_quick_looks_each_batch_is_a_run_that_reads_everything() {
    let queue = Usage { fan_out: true, ..ALWAYS_WHOLE };
    assert_near(queue.invocations(), 8640.0 * 5.0);
    assert_near(queue.calls_per_tick(), 2001.0);
    assert_near(queue.seconds_per_run(), 100.0 * 0.043);
    assert_near(queue.gb_seconds(), 8640.0 * (0.043 + 4.0 * 4.3) * 0.5);
    assert_near(queue.whole_looks(), 0.0);
    // Nine packs are two batches, and each has half of the rows.
    let nine = Usage { packs: 9.0, call: 0.0, ..queue };
    assert_near(nine.seconds_per_run(), 45_000.0 * CPU_PER_ROW * 1769.0 / 512.0);
}
