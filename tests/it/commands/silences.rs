//! `packwatch silence`: what it says of what it covers.

use std::process::Output;

use serde_json::Value;

use crate::commands::cli::{Desk, recorded, stderr, stdout};

/// Security and Cost in four accounts each, of which two fail in Security.
fn desk() -> Desk {
    let desk = Desk::new();
    let accounts =
        [(1, "CREATE_FAILED"), (2, "CREATE_FAILED"), (3, "CREATE_SUCCESSFUL"), (4, "CREATE_SUCCESSFUL")];
    let security = desk.write("Security.json", &recorded(&accounts));
    let cost = desk.write("Cost.json", &recorded(&accounts.map(|(n, _)| (n, "CREATE_SUCCESSFUL"))));
    assert_eq!(desk.run(&security, &["--statuses", &cost]).status.code(), Some(2));
    desk
}

fn silence(desk: &Desk, args: &[&str]) -> Output {
    let store = desk.store().display().to_string();
    desk.packwatch(&[&["silence"], args, &["--store", &store]].concat())
}

fn add(desk: &Desk, args: &[&str]) -> Output {
    silence(desk, &[&["add", "--until", "7d", "--reason", "CHG-1042", "--by", "ada"], args].concat())
}

#[test]
fn adding_says_what_is_covered_now() {
    let desk = desk();
    for (args, wanted) in [
        (&["--pack", "Security"][..], "it covers 4 deployments, 2 of them unhealthy now"),
        (&["--account", "000000000001"], "it covers 2 deployments, 1 of them unhealthy now"),
        (&["--pack", "Cost"], "it covers 4 deployments, none of them unhealthy now"),
        (&["--pack", "Security", "--kind", "stuck"], "it covers 4 deployments, none of them unhealthy now"),
    ] {
        let output = add(&desk, args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(stderr(&output).contains(wanted), "{args:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("warning"), "{output:?}");
        // Alone on stdout, for a script.
        assert_eq!(stdout(&output).trim().len(), 8, "{output:?}");
    }
}

#[test]
fn one_that_covers_nothing_is_kept_with_a_warning() {
    let desk = desk();
    let none = add(&desk, &["--pack", "Securty", "--account", "000000000009"]);
    assert_eq!(none.status.code(), Some(0), "{none:?}");
    let said = stderr(&none);
    assert!(said.contains("warning: it matches no known account or pack"), "{said}");
    assert!(
        said.contains("warning: no recorded pack fits \"Securty\". Did you mean \"Security\"?"),
        "{said}"
    );
    assert!(stdout(&silence(&desk, &["list"])).contains(stdout(&none).trim()));
}

#[test]
fn a_reason_is_wanted_and_an_end_may_be_a_day() {
    let desk = desk();
    let bare = ["add", "--pack", "Security", "--until", "2096-12-01"];
    assert!(stderr(&silence(&desk, &bare)).contains("--reason"));
    let blank = silence(&desk, &[&bare[..], &["--reason", ""]].concat());
    assert!(blank.status.code() == Some(1) && stderr(&blank).contains("--reason"), "{blank:?}");
    let day = silence(&desk, &[&bare[..], &["--reason", "x"]].concat());
    assert!(stderr(&day).contains("silenced until 2096-12-01 00:00 UTC"), "{day:?}");
    let past = silence(&desk, &["add", "--pack", "Security", "--until", "2020-01-01", "--reason", "x"]);
    assert!(stderr(&past).contains("is in the past"), "{past:?}");
}

#[test]
fn what_is_removed_is_gone() {
    let desk = desk();
    let id = stdout(&add(&desk, &["--pack", "Security", "--account", "000000000001"])).trim().to_owned();
    let unknown = silence(&desk, &["remove", &format!("{}x", &id[..7])]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    assert!(stderr(&unknown).contains("there is no silence"), "{unknown:?}");
    let elsewhere = desk.path("elsewhere.sqlite").display().to_string();
    for action in [&["list"][..], &["remove", &id]] {
        let output = desk.packwatch(&[&["silence"], action, &["--store", &elsewhere]].concat());
        assert!(output.status.code() == Some(1) && stderr(&output).contains("no such file"), "{output:?}");
    }
    assert!(!desk.path("elsewhere.sqlite").exists());
    let removed = silence(&desk, &["remove", &id]);
    assert_eq!((removed.status.code(), stderr(&removed)), (Some(0), format!("removed {id}\n")));
    let empty = silence(&desk, &["list"]);
    assert_eq!((stdout(&empty).as_str(), stderr(&empty).as_str()), ("", "there are no silences\n"));
}

#[test]
fn programs_get_the_fields_of_the_documents() {
    let desk = desk();
    add(&desk, &["--pack", "Security", "--kind", "in-progress", "--kind", "Failed"]);
    let json = stdout(&silence(&desk, &["list", "--output", "json"]));
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["Kinds"], serde_json::json!(["Failed", "InProgress"]));
    let csv = stdout(&silence(&desk, &["list", "--output", "csv"]));
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let mut fields: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_by_key(|field| header.iter().position(|name| name == field));
    assert_eq!(header, fields);
    let region = silence(&desk, &["list", "--region", "eu-west-1"]);
    assert!(stderr(&region).contains("--pack-region"), "{region:?}");
}
