use serde_json::{Map, Value, from_value, json, to_value};

use super::*;
use crate::model::{Kind, Status, Target};
use crate::state::log::{Notice, PackEvent, Place, Position};
use crate::state::{Row, State, Transition};

/// A head of the epoch 7 of which nothing else is known.
fn bare(fields: Value) -> Head {
    let bare = json!({ "born": "b", "epoch": 7, "announced": 0, "events_announced": 0 });
    with(&from_value(bare).unwrap(), fields)
}

/// A head of which everything is known, and where nothing is owed.
fn full(fields: Value) -> Head {
    let all = json!({
        "schema": 2, "announced": 7, "events_announced": 7, "listens": true, "life": 5, "floor": 4,
        "fingerprint": "f", "unwell": "u", "unwell_epoch": 7, "whole_at": 100, "whole_until": 200,
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

fn within(epoch: u64) -> Position {
    Position { epoch, place: Place::Account("111122223333".parse().unwrap()) }
}

#[test]
fn a_life_begins_with_a_baseline_and_ends_with_the_pack() {
    for (fields, life) in [
        (json!({}), None),
        (json!({ "life": 3 }), Some(3)),
        (json!({ "floor": 5, "deleted": true }), None),
        (json!({ "floor": 5, "life": 7 }), Some(7)),
        // Of packwatch 0.1, which knows no lives.
        (json!({ "announced": 1 }), Some(1)),
        (json!({ "announced": 7 }), Some(1)),
        (json!({ "announced": 7, "deleted": true }), None),
    ] {
        assert_eq!(bare(fields.clone()).life(), life, "{fields}");
    }
}

#[test]
fn what_was_recorded_before_a_pack_was_deleted_counts_no_more() {
    // The first epoch whose rows count.
    for (fields, first) in [
        (json!({ "announced": 5 }), 0),
        (json!({ "announced": 5, "life": 3 }), 0),
        (json!({ "announced": 4, "floor": 6, "deleted": true }), 7),
        (json!({ "announced": 7, "floor": 5, "deleted": true }), 6),
        (json!({ "announced": 7, "floor": 1, "life": 7 }), 2),
        // Deleted by packwatch 0.1, which leaves a life as it is.
        (json!({ "announced": 5, "deleted": true }), 6),
        (json!({ "announced": 5, "floor": 2, "life": 3, "deleted": true }), 6),
    ] {
        let head = bare(fields.clone());
        let counting: Vec<u64> = (0..9).filter(|epoch| head.counts(&row(*epoch))).collect();
        assert_eq!(counting, (first..9).collect::<Vec<_>>(), "{fields}");
    }
}

#[test]
fn each_topic_lacks_what_is_beyond_its_mark() {
    let (end, both) = (
        Position::end_of,
        |people, machines| json!({ "life": 2, "listens": true, "announced": people, "events_announced": machines }),
    );
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
        // Within an epoch; and where packwatch 0.1 told more since.
        (json!({ "announced": 3, "people": within(4) }), Some(within(4)), None),
        (json!({ "announced": 6, "people": within(4) }), Some(end(6)), None),
        (json!({ "events_announced": 3, "machines": within(4), "listens": true }), None, Some(within(4))),
        (json!({ "events_announced": 6, "machines": within(4), "listens": true }), None, Some(end(6))),
        // Of a pack that is gone, up to its end.
        (json!({ "floor": 6, "deleted": true, "announced": 5 }), Some(end(5)), None),
        (json!({ "floor": 6, "deleted": true, "announced": 6 }), None, None),
    ] {
        let head = bare(fields.clone());
        assert_eq!(head.owes_people().then(|| head.people_mark()), people, "people: {fields}");
        assert_eq!(head.owes_machines().then(|| head.machines_mark()), machines, "machines: {fields}");
        assert_eq!(head.owes(), people.is_some() || machines.is_some(), "{fields}");
        assert_eq!(head.owes_after(), people.into_iter().chain(machines).min(), "{fields}");
    }
}

#[test]
fn a_pack_that_is_gone_is_asked_for_until_everything_is_told() {
    assert!(full(json!({})).is_unfinished(), "it is not gone");
    let gone = full(json!({ "floor": 7, "deleted": true, "life": null }));
    assert!(!gone.is_unfinished());
    assert!(with(&gone, json!({ "announced": 6 })).is_unfinished());
    assert!(with(&gone, json!({ "events_announced": 6 })).is_unfinished());
    assert!(with(&gone, json!({ "floor": 6 })).is_unfinished(), "a run began to record it again");
}

#[test]
fn the_fingerprint_of_a_quick_look_counts_in_its_own_epoch_only() {
    let unwell = |epoch| full(json!({ "unwell_epoch": epoch })).unwell().cloned();
    assert_eq!(unwell(Some(7)).as_deref(), Some("u"));
    assert_eq!((unwell(Some(6)), unwell(None)), (None, None), "packwatch 0.1 claimed since");
}

#[test]
fn a_claim_takes_the_head_that_was_loaded_and_forgets_what_was_read() {
    let claim = |seen| Claim { seen, born: "n".to_owned(), listens: Some(true), run: "r".to_owned() };
    let first = claim(0).applied_to(None).unwrap();
    assert_eq!((first.born.as_str(), first.epoch, first.schema, first.listens), ("n", 1, SCHEMA, Some(true)));
    assert_eq!(claim(7).applied_to(None), None, "the table was lost");
    let head = full(json!({ "schema": 1 }));
    let claimed = "epoch=8 schema=2 -fingerprint -unwell -unwell_epoch";
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
    for (mark, whole, to, moved) in [
        (None, 0, within(1), (Some(within(1)), 0)),
        (Some(within(4)), 3, within(3), (Some(within(4)), 3)),
        (Some(within(4)), 3, within(4), (Some(within(4)), 3)),
        (Some(within(4)), 3, within(5), (Some(within(5)), 4)),
        (Some(within(4)), 3, Position::end_of(4), (Some(Position::end_of(4)), 4)),
        // Packwatch 0.1, which counts whole epochs only, told more since.
        (Some(within(4)), 6, within(5), (Some(within(4)), 6)),
        (Some(within(4)), 6, within(7), (Some(within(7)), 6)),
    ] {
        let head =
            full(json!({ "people": mark, "announced": whole, "machines": mark, "events_announced": whole }));
        let advance = |mark, born: &str, epoch| {
            let after = Advance { mark, born: born.to_owned(), epoch, to }.applied_to(&head)?;
            let people = (after.people, after.announced);
            let machines = (after.machines, after.events_announced);
            let (moved, other) = if mark == Mark::People { (people, machines) } else { (machines, people) };
            assert_eq!(other, (head.people, whole), "the other topic's stays");
            Some(moved)
        };
        assert_eq!(advance(Mark::People, "b", 7), Some(moved), "{mark:?} and {whole}, to {to}");
        assert_eq!(advance(Mark::People, "b", 6), Some(moved), "a run that was overtaken told it, too");
        assert_eq!(advance(Mark::Machines, "b", 7), Some(moved), "{mark:?} and {whole}, to {to}");
        assert_eq!(advance(Mark::Machines, "b", 6), None, "only one run sends to them");
        assert_eq!(advance(Mark::People, "another", 7), None, "of a table that was lost");
    }
}

#[test]
fn a_run_finishes_what_is_its_own_and_was_told() {
    let (at, text) = ("2026-11-21T10:00:00Z".parse().unwrap(), |text: &str| Some(text.to_owned()));
    let finish = Finish { epoch: 7, fingerprint: text("F"), unwell: text("U"), has_incidents: false, at };
    let claimed = full(json!({ "fingerprint": null, "unwell": null, "unwell_epoch": null }));
    let done = r#"committed_at="2026-11-21T10:00:00Z" fingerprint="F" unwell="U" unwell_epoch=7"#;
    for (fields, changes) in [
        (json!({}), done),
        (json!({ "epoch": 8 }), "refused"),
        (json!({ "announced": 6 }), "refused"),
        (json!({ "events_announced": 6 }), "refused"),
        (json!({ "events_announced": 6, "listens": false }), done),
        (json!({ "events_announced": 6, "listens": null }), done),
    ] {
        let head = with(&claimed, fields.clone());
        assert_eq!(change(&head, finish.applied_to(&head)), changes, "{fields}");
    }
    let partly = Finish { fingerprint: None, unwell: None, ..finish.clone() };
    assert_eq!(change(&claimed, partly.applied_to(&claimed)), r#"committed_at="2026-11-21T10:00:00Z""#);

    // Packwatch 0.1 may read it where it sees the same.
    let plain = with(&claimed, json!({ "floor": null, "listens": false }));
    let schema = |fields| finish.applied_to(&with(&plain, fields)).unwrap().schema;
    assert_eq!(schema(json!({})), FIRST_SCHEMA);
    assert_eq!(schema(json!({ "events_announced": 6 })), SCHEMA, "it would send what nobody listened to");
    assert_eq!(schema(json!({ "floor": 4 })), SCHEMA, "it would count what was before the deletion");
    assert_eq!(schema(json!({ "deleted": true })), SCHEMA);
    let ill = Finish { has_incidents: true, ..finish.clone() };
    assert_eq!(ill.applied_to(&plain).unwrap().schema, SCHEMA, "it would lose the incident");
    assert_eq!(finish.schema(&with(&plain, json!({ "announced": 6 }))), SCHEMA);
}

#[test]
fn where_machines_begin_or_cease_to_listen_everything_is_read_again() {
    let head = full(json!({}));
    assert_eq!(change(&head, Some(listening(&head, true))), "");
    let changes = "listens=false -fingerprint -unwell -unwell_epoch";
    assert_eq!(change(&head, Some(listening(&head, false))), changes);
}

#[test]
fn a_look_without_a_claim_notes_only_what_still_holds() {
    let unwell = || Note::Unwell { epoch: 7, unwell: "n".to_owned() };
    let whole = || Note::WholeAt { at: 120, now: 150 };
    for (fields, note, changes) in [
        (json!({ "unwell_epoch": 6 }), unwell(), r#"unwell="n" unwell_epoch=7"#),
        (json!({ "events_announced": 6, "listens": false }), unwell(), r#"unwell="n""#),
        (json!({ "epoch": 8 }), unwell(), ""),
        (json!({ "announced": 6 }), unwell(), ""),
        (json!({ "events_announced": 6 }), unwell(), ""),
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
fn an_item_is_stored_in_the_lowest_form_that_can_express_it() {
    let transition = |kind| -> Transition {
        let at = "2026-11-20T10:00:00Z";
        from_value(json!({ "account": "111122223333", "epoch": 7, "kind": kind, "observed_at": at, "expires_at": 0 }))
            .unwrap()
    };
    assert_eq!(Stored::new(row(7)).schema, FIRST_SCHEMA);
    assert_eq!(Stored::new(&transition(Kind::Failed)).schema, FIRST_SCHEMA);
    assert_eq!(Stored::new(&transition(Kind::FailedAgain)).schema, SCHEMA, "0.1 does not know the kind");
    assert_eq!(Stored::new(notice(PackEvent::Baseline)).schema, SCHEMA, "0.1 knows records of accounts only");
    assert_eq!(bare(json!({})).schema, FIRST_SCHEMA, "a head that does not say its form");
    let target = Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() };
    let why = newer_schema(&target, 9);
    assert!(why.contains("P in eu-west-1 have schema 9, written by a newer packwatch"), "{why}");
}
