use super::*;
use crate::model::Kind;

/// The Lambda's settings: what is required, and one more variable.
fn with(variable: &str, value: &str) -> Result<(Settings, Destinations), String> {
    let read = |name: &str| match name {
        _ if name == variable => Some(value.to_owned()),
        "PACKWATCH_TABLE" => Some("packwatch".to_owned()),
        "PACKWATCH_ALERTS_TOPIC_ARN" => Some("arn:aws:sns:eu-west-1:111122223333:alerts".to_owned()),
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        _ => None,
    };
    of_lambda(&read).map_err(|faults| faults.to_string())
}

#[test]
fn what_is_required_suffices_and_empty_counts_as_absent() {
    for empty in ["PACKWATCH_PACKS", "PACKWATCH_EVENTS_TOPIC_ARN", "PACKWATCH_FULL_SCAN_EVERY"] {
        let (settings, destinations) = with(empty, " ").unwrap();
        assert_eq!(settings.regions, ["eu-west-1".parse().unwrap()]);
        assert_eq!(settings.thresholds.stuck_after, Duration::from_secs(7200));
        assert_eq!(settings.full_scan_every, Some(Duration::from_secs(3600)));
        assert_eq!(settings.history, Duration::from_secs(90 * 86400));
        assert_eq!(destinations.events_topic, None);
    }
    assert!(with("PACKWATCH_TABLE", "").unwrap_err().contains("PACKWATCH_TABLE: is required and not set"));
}

#[test]
fn a_time_zone_is_one_of_the_iana_database_in_its_spelling() {
    let zone = |zone| with("PACKWATCH_TIME_ZONE", zone).map(|(settings, _)| settings.time_zone().to_owned());
    assert_eq!(zone(""), Ok("UTC".to_owned()));
    assert_eq!(zone("europe/berlin"), Ok("Europe/Berlin".to_owned()));
    let refused = zone("Berlin").unwrap_err();
    let wanted = "PACKWATCH_TIME_ZONE: \"Berlin\" is no time zone of the IANA database";
    assert!(refused.contains(wanted), "{refused}");
    let (settings, _) = with("PACKWATCH_TIME_ZONE", "Europe/Berlin").unwrap();
    assert!(settings.shared.contains_key("PACKWATCH_TIME_ZONE"));
}

#[test]
fn globs_choose_and_exclude() {
    let filter: PackFilter = "Op-*,*-CIS*,!*-old".parse().unwrap();
    let watched = |name: &str| filter.matches(&name.parse().unwrap());
    assert!(watched("Op-1") && watched("Best-CIS") && watched("A-CIS-b"));
    assert!(!watched("Other") && !watched("Op-old") && !watched("xOp-1"));
    let only_exclude: PackFilter = "!a*b*c".parse().unwrap();
    assert!(only_exclude.matches(&"abx".parse().unwrap()));
    assert!(!only_exclude.matches(&"a1b2c".parse().unwrap()));
}

#[test]
fn durations_are_what_people_write() {
    for (text, seconds) in [("90s", 90), ("1h30m", 5400), ("7d", 7 * 86400), ("5 minutes", 300)] {
        assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
    }
    assert!(duration("-2h").is_err() && duration("2").is_err());
    let every = |text| with("PACKWATCH_FULL_SCAN_EVERY", text).map(|(settings, _)| settings.full_scan_every);
    assert_eq!(every("15m"), Ok(Some(Duration::from_secs(900))));
    assert_eq!(every("always"), Ok(None));
    for wrong in ["0s", "59s", "never", "-1h"] {
        let error = every(wrong).unwrap_err();
        assert!(error.contains("PACKWATCH_FULL_SCAN_EVERY") && error.contains("always"), "{wrong}: {error}");
    }
}

#[test]
fn an_unknown_status_is_reported_whatever_is_asked_for() {
    let notify: Notify = "failed".parse().unwrap();
    assert!(
        notify.includes(Kind::Failed) && notify.includes(Kind::Unrecognised) && !notify.includes(Kind::Left)
    );
    assert!(!notify.includes_baseline());
}
