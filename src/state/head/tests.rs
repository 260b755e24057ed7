use super::*;

fn target(pack: &str) -> Target {
    Target { region: "eu-west-1".parse().unwrap(), pack: pack.parse().unwrap() }
}

fn at(epoch: u64, part: u32) -> Position {
    Position { epoch, part }
}

/// A head of five commits, the last of which logged two parts.
fn head() -> Head {
    Head { epoch: 5, baseline_epoch: Some(1), log_end: at(5, 2), ..Head::default() }
}

fn cursors(positions: &[(&str, Position)]) -> Cursors {
    let positions = positions.iter().map(|(pack, position)| (target(pack), *position)).collect();
    Cursors { version: 7, positions, ..Cursors::default() }
}

#[test]
fn a_topic_lags_behind_each_target_by_its_own_cursor() {
    let cursors = cursors(&[("Behind", at(5, 1)), ("There", at(5, 2)), ("Ahead", at(6, 1))]);
    let head = head();
    let lag = |pack| cursors.lag(&target(pack), &head);
    assert_eq!(lag("Behind"), Some((at(5, 1), at(5, 2))));
    assert_eq!(["There", "Ahead"].map(lag), [None, None]);
    assert_eq!(lag("New"), Some((Position::START, at(5, 2))));
}

#[test]
fn a_topic_that_nobody_has_lags_never_and_a_digest_under_way_is_a_lag() {
    let known = BTreeMap::from([(target("P"), head())]);
    let behind = cursors(&[]);
    for (events, lags) in [
        (behind.clone(), true),
        (cursors(&[("P", at(5, 2))]), false),
        (Cursors { version: 0, ..behind.clone() }, false),
        (Cursors { stopped: true, ..behind.clone() }, false),
    ] {
        let heads = Heads { known: known.clone(), events, ..Heads::default() };
        assert_eq!(heads.lags(Topic::Events), lags, "{:?}", heads.events);
        assert!(heads.lags(Topic::Alerts), "people get everything from the begin on");
    }
    let alerts = Cursors { message: Some("m".to_owned()), ..cursors(&[("P", at(5, 2))]) };
    let heads = Heads { known, alerts, ..Heads::default() };
    assert!(heads.lags(Topic::Alerts) && heads.lagging(Topic::Alerts).next().is_none());
}

#[test]
fn a_lease_keeps_other_runs_away_until_it_ends_or_is_of_a_clock_ahead() {
    let now = 1_000_000;
    for (lease, is_free) in [
        (None, true),
        (Some(("me", now + 60)), true),
        (Some(("other", now + 60)), false),
        (Some(("other", now)), false),
        (Some(("other", now - 1)), true),
        (Some(("other", now + 300)), false),
        (Some(("other", now + 301)), true),
    ] {
        let lease = lease.map(|(run, until): (&str, i64)| Lease { run: run.to_owned(), until });
        let cursors = Cursors { lease, ..Cursors::default() };
        assert_eq!(cursors.are_free("me", now), is_free, "{:?}", cursors.lease);
    }
    assert_eq!(Cursors::lease_of("me", now), Lease { run: "me".to_owned(), until: now + 120 });
}

#[test]
fn cursors_move_all_at_once_and_never_back() {
    let before = cursors(&[("A", at(5, 2)), ("B", at(5, 2)), ("Stays", at(1, 1))]);
    let [a, b, new] = ["A", "B", "New"].map(target);
    let after = before.moved([(&a, at(5, 1)), (&b, at(6, 1)), (&new, at(2, 1))]);
    let expected = cursors(&[("A", at(5, 2)), ("B", at(6, 1)), ("New", at(2, 1)), ("Stays", at(1, 1))]);
    assert_eq!(after, Cursors { version: 8, ..expected });
}
