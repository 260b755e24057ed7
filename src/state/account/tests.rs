use serde_json::{from_value, json};

use super::*;

#[test]
fn what_people_were_notified_of_is_no_news_to_them() {
    let all = [
        ("A", json!({ "Status": "CREATE_FAILED", "ErrorCode": "A" })),
        ("B", json!({ "Status": "CREATE_FAILED", "ErrorCode": "B" })),
        ("retried", json!({ "Status": "UPDATE_FAILED", "ErrorCode": "A" })),
        ("odd", json!({ "Status": "ODD" })),
        ("stuck", json!({ "Status": "CREATE_IN_PROGRESS", "Stuck": true })),
        ("in progress", json!({ "Status": "CREATE_IN_PROGRESS" })),
        ("healthy", json!({ "Status": "CREATE_SUCCESSFUL" })),
    ];
    let all = all.map(|(name, fields)| (name, from_value::<State>(fields).unwrap()));
    // What was reported, one after the other, and what of all is known by then.
    for (notified, known) in [
        (vec![], vec![]),
        (vec!["A"], vec!["A", "retried"]),
        (vec!["A", "B"], vec!["B"]),
        (vec!["retried"], vec!["A", "retried"]),
        (vec!["stuck", "A", "odd", "in progress"], vec!["odd", "stuck"]),
        (vec!["stuck", "healthy"], vec!["stuck"]),
    ] {
        let mut incident = Incident { id: "i".to_owned(), notified: None, tried_again: 0 };
        for name in &notified {
            let (_, state) = all.iter().find(|(it, _)| it == name).unwrap();
            incident.notified = Some(incident.notified.unwrap_or_default().and(state, 0));
        }
        let is_known = all.iter().filter(|(_, state)| incident.is_known(state));
        assert_eq!(is_known.map(|(name, _)| *name).collect::<Vec<_>>(), known, "{notified:?}");
    }
}

#[test]
fn an_account_that_settles_matters_as_it_stands_and_one_that_begins_to_flap_at_least_as_a_warning() {
    for (kind, phase, is_in_incident, flaps, expected) in [
        (Kind::Settled, Phase::Failed, true, false, Severity::Failure),
        (Kind::Settled, Phase::InProgress, true, false, Severity::Warning),
        (Kind::Settled, Phase::Unrecognised, true, false, Severity::Warning),
        (Kind::Settled, Phase::InProgress, false, false, Severity::Info),
        (Kind::Settled, Phase::Successful, false, false, Severity::Resolved),
        (Kind::Recovered, Phase::Successful, true, true, Severity::Warning),
        (Kind::Failed, Phase::Failed, true, true, Severity::Failure),
    ] {
        assert_eq!(severity(kind, Some(phase), is_in_incident, flaps), expected, "{kind:?} {phase:?}");
    }
}
