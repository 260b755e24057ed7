use serde_json::{Map, Value, from_value, json, to_value};

use super::*;
use crate::model::{Status, Target};
use crate::state::log::{Notice, PackEvent, Place, Position};
use crate::state::{Row, State};

/// A head of the epoch 7 of which nothing else is known.
fn bare(fields: Value) -> Head {
    let bare = json!({ "born": "b", "epoch": 7, "people": Position::START, "machines": Position::START });
    with(&from_value(bare).unwrap(), fields)
}

/// A head of which everything is known, and where nothing is owed.
fn full(fields: Value) -> Head {
    let all = json!({
        "people": end(7), "machines": end(7), "listens": true, "life": 5, "floor": 4,
        "fingerprint": "f", "unwell": "u", "whole_at": 100, "whole_until": 200,
        "accounts": { "CREATE_FAILED": 2, "ODD": 3 }, "committed_at": "2026-11-20T10:00:00Z",
    });
    with(&bare(all), fields)
}

fn with(head: &Head, mut fields: Value) -> Head {
    let mut head = fields_of(head);
    head.append(fields.as_object_mut().unwrap());
    from_value(head.into()).unwrap()
}

fn fields_of(head: &Head) -> Map<String, Value> {
    to_value(head).unwrap().as_object().unwrap().clone()
}

/// What a write changes, and nothing that it leaves as it is.
fn change(before: &Head, after: Option<Head>) -> String {
    let Some(after) = after else { return "refused".to_owned() };
    let (before, after) = (fields_of(before), fields_of(&after));
    let set = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let set = set.map(|(name, value)| format!("{name}={value}"));
    set.chain(gone.map(|name| format!("-{name}"))).collect::<Vec<_>>().join(" ")
}

fn row(epoch: u64) -> Row {
    Row { epoch, ..Row::of(State::of(Status::new("CREATE_FAILED"))) }
}

fn notice(event: PackEvent) -> Notice {
    let at = "2026-11-20T10:00:00Z".parse().unwrap();
    Notice { event, epoch: 7, accounts: 3, observed_at: at, told: true, expires_at: at }
}

fn end(epoch: u64) -> Position {
    Position::end_of(epoch)
}

fn within(epoch: u64) -> Position {
    Position { epoch, place: Place::Account("111122223333".parse().unwrap()) }
}

#[test]
fn what_was_recorded_before_a_pack_was_deleted_counts_no_more() {
    // The first epoch whose rows count.
    for (fields, first) in [
        (json!({}), 0),
        (json!({ "life": 3 }), 0),
        (json!({ "floor": 6, "deleted": true }), 7),
        (json!({ "floor": 1, "life": 7 }), 2),
    ] {
        let head = bare(fields.clone());
        let counting: Vec<u64> = (0..9).filter(|epoch| head.counts(&row(*epoch))).collect();
        assert_eq!(counting, (first..9).collect::<Vec<_>>(), "{fields}");
    }
}

#[test]
fn each_topic_lacks_what_is_beyond_its_mark() {
    let both = |people, machines| json!({ "life": 2, "listens": true, "people": end(people), "machines": end(machines) });
    // Where what people lack begins, and what machines lack.
    for (fields, people, machines) in [
        // Nobody hears of half a baseline; machines get it, if they listen.
        (json!({ "listens": true }), None, Some(end(0))),
        (json!({ "listens": false }), None, None),
        (json!({}), None, None),
        (json!({ "life": 7 }), Some(end(0)), None),
        (both(7, 7), None, None),
        (both(7, 6), None, Some(end(6))),
        (both(3, 7), Some(end(3)), None),
        (both(4, 5), Some(end(4)), Some(end(5))),
        (both(5, 4), Some(end(5)), Some(end(4))),
        // Within an epoch.
        (json!({ "life": 2, "people": within(4) }), Some(within(4)), None),
        (json!({ "machines": within(4), "listens": true }), None, Some(within(4))),
        // Of a pack that is gone, up to its end.
        (json!({ "floor": 6, "deleted": true, "people": end(5) }), Some(end(5)), None),
        (json!({ "floor": 6, "deleted": true, "people": end(6) }), None, None),
    ] {
        let head = bare(fields.clone());
        assert_eq!(head.owes_people().then_some(head.people), people, "people: {fields}");
        assert_eq!(head.owes_machines().then_some(head.machines), machines, "machines: {fields}");
        assert_eq!(head.owes(), people.is_some() || machines.is_some(), "{fields}");
        assert_eq!(head.owes_after(), people.into_iter().chain(machines).min(), "{fields}");
    }
}

#[test]
fn a_pack_that_is_gone_is_asked_for_until_everything_is_told() {
    assert!(full(json!({})).is_unfinished(), "it is not gone");
    let gone = full(json!({ "floor": 7, "deleted": true, "life": null }));
    assert!(!gone.is_unfinished());
    assert!(with(&gone, json!({ "people": end(6) })).is_unfinished());
    assert!(with(&gone, json!({ "machines": end(6) })).is_unfinished());
    assert!(with(&gone, json!({ "floor": 6 })).is_unfinished(), "a run began to record it again");
}

#[test]
fn a_claim_takes_the_head_that_was_loaded_and_forgets_what_was_read() {
    let claim = |seen| Claim { seen, born: "n".to_owned(), listens: Some(true), run: "r".to_owned() };
    let first = claim(0).applied_to(None).unwrap();
    assert_eq!((first.born.as_str(), first.epoch, first.listens), ("n", 1, Some(true)));
    assert_eq!(claim(7).applied_to(None), None, "the table was lost");
    let head = full(json!({}));
    let claimed = "epoch=8 -fingerprint -unwell";
    assert_eq!(change(&head, claim(7).applied_to(Some(&head))), claimed);
    assert_eq!([0, 6, 8].map(|seen| claim(seen).applied_to(Some(&head))), [None, None, None]);
}

#[test]
fn an_epoch_ends_with_counts_a_baseline_or_the_end_of_the_pack() {
    let two = || counts([State::of(Status::new("ODD")), State::of(Status::new("ODD"))].iter());
    let (begun, gone) = (notice(PackEvent::Baseline), notice(PackEvent::PackDeleted));
    let (alive, dead) = (full(json!({})), full(json!({ "deleted": true, "life": null })));
    assert_eq!(alive.account_count(), 5);
    for (head, closing, changes, record) in [
        (&alive, Closing::Counted(two()), r#"accounts={"ODD":2}"#, None),
        (&dead, Closing::Begun(two(), begun.clone()), r#"accounts={"ODD":2} life=7 -deleted"#, Some(&begun)),
        (&alive, Closing::Gone(Some(gone.clone())), "accounts={} deleted=true floor=7 -life", Some(&gone)),
        (&alive, Closing::Gone(None), "accounts={} deleted=true floor=7 -life", None),
    ] {
        assert_eq!(change(head, Some(closing.applied_to(head.clone()))), changes);
        assert_eq!(closing.notice(), record, "{changes}");
    }
}

#[test]
fn a_mark_moves_forward_in_its_own_history_and_never_back() {
    for (mark, to, moved) in [
        (Position::START, within(1), within(1)),
        (within(4), within(3), within(4)),
        (within(4), within(4), within(4)),
        (within(4), within(5), within(5)),
        (within(4), end(4), end(4)),
    ] {
        let head = full(json!({ "people": mark, "machines": mark }));
        let advance = |which, born: &str, epoch| {
            let after = Advance { mark: which, born: born.to_owned(), epoch, to }.applied_to(&head)?;
            let marks = [after.people, after.machines];
            let [moved, other] = if which == Mark::People { marks } else { [marks[1], marks[0]] };
            assert_eq!(other, mark, "the other topic's stays");
            Some(moved)
        };
        assert_eq!(advance(Mark::People, "b", 7), Some(moved), "{mark:?}, to {to}");
        assert_eq!(advance(Mark::People, "b", 6), Some(moved), "a run that was overtaken told it, too");
        assert_eq!(advance(Mark::Machines, "b", 7), Some(moved), "{mark:?}, to {to}");
        assert_eq!(advance(Mark::Machines, "b", 6), None, "only one run sends to them");
        assert_eq!(advance(Mark::People, "another", 7), None, "of a table that was lost");
    }
}

#[test]
fn a_run_finishes_what_is_its_own_and_was_told() {
    let (at, text) = ("2026-11-21T10:00:00Z".parse().unwrap(), |text: &str| Some(text.to_owned()));
    let finish = Finish { epoch: 7, fingerprint: text("F"), unwell: text("U"), at };
    let claimed = full(json!({ "fingerprint": null, "unwell": null }));
    let done = r#"committed_at="2026-11-21T10:00:00Z" fingerprint="F" unwell="U""#;
    for (fields, changes) in [
        (json!({}), done),
        (json!({ "epoch": 8 }), "refused"),
        (json!({ "people": end(6) }), "refused"),
        (json!({ "machines": end(6) }), "refused"),
        (json!({ "machines": end(6), "listens": false }), done),
        (json!({ "machines": end(6), "listens": null }), done),
    ] {
        let head = with(&claimed, fields.clone());
        assert_eq!(change(&head, finish.applied_to(&head)), changes, "{fields}");
    }
    let partly = Finish { fingerprint: None, unwell: None, ..finish.clone() };
    assert_eq!(change(&claimed, partly.applied_to(&claimed)), r#"committed_at="2026-11-21T10:00:00Z""#);
}

#[test]
fn where_machines_begin_or_cease_to_listen_everything_is_read_again() {
    let head = full(json!({}));
    assert_eq!(change(&head, Some(listening(&head, true))), "");
    let changes = "listens=false -fingerprint -unwell";
    assert_eq!(change(&head, Some(listening(&head, false))), changes);
}

#[test]
fn a_look_without_a_claim_notes_only_what_still_holds() {
    let unwell = || Note::Unwell { epoch: 7, unwell: "n".to_owned() };
    let whole = || Note::WholeAt { at: 120, now: 150 };
    for (fields, note, changes) in [
        (json!({}), unwell(), r#"unwell="n""#),
        (json!({ "machines": end(6), "listens": false }), unwell(), r#"unwell="n""#),
        (json!({ "epoch": 8 }), unwell(), ""),
        (json!({ "people": end(6) }), unwell(), ""),
        (json!({ "machines": end(6) }), unwell(), ""),
        (json!({ "whole_at": null }), whole(), "whole_at=120"),
        (json!({ "whole_at": 119 }), whole(), "whole_at=120"),
        (json!({ "whole_at": 121 }), whole(), ""),
        (json!({ "whole_at": 150 }), whole(), ""),
        // Of a clock that was ahead.
        (json!({ "whole_at": 151 }), whole(), "whole_at=120"),
        (json!({}), Note::WholeUntil(300), "whole_until=300"),
    ] {
        let head = full(fields.clone());
        assert_eq!(change(&head, Some(note.applied_to(&head))), changes, "{note:?} in {fields}");
    }
}

#[test]
fn an_item_says_its_schema_and_a_newer_one_what_to_do() {
    assert_eq!(to_value(Stored::new(notice(PackEvent::Baseline))).unwrap()["schema"], SCHEMA);
    let target = Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() };
    let why = newer_schema(&target, 9);
    assert!(why.contains("P in eu-west-1 have schema 9, written by a newer packwatch"), "{why}");
    assert!(why.contains("deploy the newer version again, or restore the table"), "{why}");
}
