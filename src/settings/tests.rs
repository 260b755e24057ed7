use super::*;
use crate::model::Kind;

fn lambda(vars: &[(&str, &str)]) -> Result<(Settings, Destinations), Faults> {
    of_lambda(&|name| vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
}

const TABLE: (&str, &str) = ("PACKWATCH_TABLE", "packwatch");
const TOPIC: (&str, &str) = ("PACKWATCH_ALERTS_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:alerts");
const REGION: (&str, &str) = ("AWS_REGION", "eu-west-1");

#[test]
fn what_is_required_suffices_and_empty_counts_as_absent() {
    let (settings, destinations) =
        lambda(&[TABLE, TOPIC, REGION, ("PACKWATCH_PACKS", ""), ("PACKWATCH_EVENTS_TOPIC_ARN", " ")])
            .unwrap();
    assert_eq!(settings.regions, ["eu-west-1".parse().unwrap()]);
    assert_eq!(settings.thresholds.stuck_after, Duration::from_secs(7200));
    assert_eq!(settings.history, Duration::from_secs(90 * 86400));
    assert_eq!(destinations.events_topic, None);
}

#[test]
fn a_time_zone_is_one_of_the_iana_database_in_its_spelling() {
    let of =
        |zone| lambda(&[TABLE, TOPIC, REGION, ("PACKWATCH_TIME_ZONE", zone)]).map(|(settings, _)| settings);
    let zone =
        |zone| of(zone).map(|settings| settings.time_zone().to_owned()).map_err(|faults| faults.to_string());
    assert_eq!(zone(""), Ok("UTC".to_owned()));
    assert_eq!(zone("europe/berlin"), Ok("Europe/Berlin".to_owned()));
    let refused = zone("Berlin").unwrap_err();
    assert!(
        refused.contains("PACKWATCH_TIME_ZONE: \"Berlin\" is no time zone of the IANA database"),
        "{refused}"
    );
    assert!(of("Europe/Berlin").unwrap().shared.contains_key("PACKWATCH_TIME_ZONE"));
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
    assert!(!"ab*ba".parse::<PackFilter>().unwrap().matches(&"aba".parse().unwrap()));
}

#[test]
fn durations_are_what_people_write() {
    assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
    assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
    assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86400)));
    assert!(duration("-2h").is_err() && duration("2").is_err());
    assert_eq!(period("never", "never"), Ok(None));
}

#[test]
fn everybody_is_read_once_an_hour_unless_the_setting_says_how_often_or_always() {
    let every = |text| lambda(&[TABLE, TOPIC, REGION, ("PACKWATCH_FULL_SCAN_EVERY", text)]);
    assert_eq!(every("").unwrap().0.full_scan_every, Some(Duration::from_secs(3600)));
    assert_eq!(every("15m").unwrap().0.full_scan_every, Some(Duration::from_secs(900)));
    assert_eq!(every("always").unwrap().0.full_scan_every, None);
    for wrong in ["0s", "59s", "never", "-1h"] {
        let error = every(wrong).unwrap_err().to_string();
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
