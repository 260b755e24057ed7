use serde_json::{from_value, json, to_value};

use super::*;

#[test]
fn a_row_stores_what_is_so_and_no_more() {
    for stored in [
        json!({ "status": "CREATE_SUCCESSFUL" }),
        json!({ "status": "CREATE_FAILED", "reminder": 86_400, "epoch": 1,
            "incident": { "id": "i", "tried_again": 2 } }),
    ] {
        assert_eq!(to_value(from_value::<Row>(stored.clone()).unwrap()).unwrap(), stored);
    }
}

#[test]
fn what_people_were_told_is_no_news_to_them() {
    let all = [
        ("A", json!({ "status": "CREATE_FAILED", "error_code": "A" })),
        ("B", json!({ "status": "CREATE_FAILED", "error_code": "B" })),
        ("retried", json!({ "status": "UPDATE_FAILED", "error_code": "A" })),
        ("odd", json!({ "status": "ODD" })),
        ("stuck", json!({ "status": "CREATE_IN_PROGRESS", "stuck": true })),
        ("moving", json!({ "status": "CREATE_IN_PROGRESS" })),
        ("well", json!({ "status": "CREATE_SUCCESSFUL" })),
    ];
    let all = all.map(|(name, fields)| (name, from_value::<State>(fields).unwrap()));
    // What was told, one after the other, and what of all is known by then.
    for (told, known) in [
        (vec![], vec![]),
        (vec!["A"], vec!["A"]),
        (vec!["A", "B"], vec!["B"]),
        (vec!["A", "retried"], vec!["retried"]),
        (vec!["stuck", "A", "odd", "moving"], vec!["odd", "stuck"]),
        (vec!["stuck", "well"], vec!["stuck"]),
    ] {
        let mut incident = Incident { id: "i".to_owned(), told: None, tried_again: 0 };
        for name in &told {
            let (_, state) = all.iter().find(|(it, _)| it == name).unwrap();
            incident.told = Some(incident.told.unwrap_or_default().and(state));
        }
        let is_known = all.iter().filter(|(_, state)| incident.is_known(state));
        assert_eq!(is_known.map(|(name, _)| *name).collect::<Vec<_>>(), known, "{told:?}");
    }
}

#[test]
fn an_older_row_that_is_not_well_is_in_an_incident_that_was_told() {
    let target = Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() };
    let account: AccountId = "111122223333".parse().unwrap();
    let (since, updated) = ("2026-11-19T10:00:00Z", "2026-11-20T10:00:00Z");
    // Whether its state was told, where there is one, and when it began.
    for (mut row, is_told, began) in [
        (json!({ "status": "CREATE_SUCCESSFUL" }), None, None),
        (json!({ "status": "CREATE_IN_PROGRESS" }), None, None),
        (json!({ "status": "CREATE_FAILED" }), Some(true), Some(updated)),
        (json!({ "status": "CREATE_IN_PROGRESS", "stuck": true }), Some(true), Some(updated)),
        (json!({ "status": "CREATE_FAILED", "failing_since": since }), Some(true), Some(since)),
        (json!({ "status": "CREATE_IN_PROGRESS", "failing_since": since }), Some(false), Some(since)),
    ] {
        row["last_update"] = updated.into();
        let row: Row = from_value(row).unwrap();
        let incident = row.incident(&target, "b", account);
        assert_eq!(incident.as_ref().map(|incident| incident.is_known(&row.state)), is_told, "{row:?}");
        let id = Incident::begun(&target, "b", account, 0).id;
        assert!(incident.is_none_or(|incident| incident.id == id), "the same for every reader");
        assert_eq!(row.began(), began.map(|at| at.parse().unwrap()), "{row:?}");
    }
}

#[test]
fn an_account_that_begins_to_change_too_often_is_a_warning_at_least() {
    let severity = |kind, phase| super::severity(kind, Some(phase), true, true);
    assert_eq!(severity(Kind::Recovered, Phase::Successful), Severity::Warning);
    assert_eq!(severity(Kind::Failed, Phase::Failed), Severity::Failure);
}
