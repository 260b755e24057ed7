//! Times as people write them: with a zone, without one, as a day.

use std::process::Output;

use crate::commands::cli::{Desk, recorded, stderr, stdout};

fn until(time: &str) -> Output {
    let args = ["silence", "add", "--pack", "P", "--reason", "r", "--store", "s.sqlite", "--until", time];
    Desk::new().packwatch(&args)
}

#[test]
fn a_time_without_a_zone_is_in_utc() {
    for time in [
        "2096-12-01T18:00",
        "2096-12-01T18:00:30",
        "2096-12-01T18:00:30.5",
        "2096-12-01 18:00",
        "2096-12-01 18:00:30",
        "2096-12-01T18",
        "20961201T180000",
        "2096-12-01T18:00Z",
        "2096-12-01 18:00 UTC",
        "2096-12-01 19:00+01:00",
        "2096-12-01T19:00[Europe/Berlin]",
        "2096-12-01T19:00+01:00[Europe/Berlin]",
    ] {
        let said = until(time);
        assert!(stderr(&said).contains("silenced until 2096-12-01 18:00 UTC"), "{time}: {said:?}");
    }
    let day = until("2096-12-01");
    assert!(stderr(&day).contains("silenced until 2096-12-01 00:00 UTC"), "{day:?}");
}

#[test]
fn what_is_no_time_is_refused_with_the_forms() {
    for time in [
        "18:00",
        "2096-12-01T25:00",
        "2096-02-30",
        "2096-12-01T18:00 Europe/Berlin",
        "2096-12-01T18:00[Mars/Base]",
        "2096-12-01T18:00+05:00[Europe/Berlin]",
        "01.12.2096",
        "2096-12",
        "tomorrow",
    ] {
        let output = until(time);
        assert_eq!(output.status.code(), Some(1), "{time}: {output:?}");
        assert!(stderr(&output).contains("2026-12-01T18:00"), "{time}: {output:?}");
    }
}

#[test]
fn histories_and_runs_take_the_same_times() {
    let desk = Desk::new();
    for (status, now) in [("CREATE_SUCCESSFUL", "2026-11-01T08:00"), ("UPDATE_FAILED", "2026-11-01 17:30")] {
        let file = desk.write("Security.json", &recorded(&[(1, status)]));
        desk.run(&file, &["--now", now]);
    }
    let history = |args: [&str; 2]| {
        let history = ["history", "--store", "store.sqlite", "--output", "csv", "--kind", "failed"];
        desk.packwatch(&[&history[..], &args].concat())
    };
    let all = history(["--since", "2026-11-01"]);
    assert!(stdout(&all).contains("2026-11-01T17:30:00Z"), "{all:?}");
    for (args, found) in [
        (["--since", "2026-11-01T17:00"], true),
        (["--since", "2026-11-01T18:00"], false),
        (["--until", "2026-11-01T18:00"], true),
        (["--until", "2026-11-01T17:00"], false),
    ] {
        let output = history(args);
        assert_eq!(output.status.success(), found, "{args:?}: {output:?}");
    }
}

#[test]
fn help_names_every_form() {
    let desk = Desk::new();
    for command in [&["run", "--help"][..], &["history", "--help"], &["silence", "add", "--help"]] {
        let help = stdout(&desk.packwatch(command)).split_whitespace().collect::<Vec<_>>().join(" ");
        for form in ["2026-12-01T18:00Z", "2026-12-01T18:00", "2026-12-01", "in UTC"] {
            assert!(help.contains(form), "{command:?}: {form} is missing in {help}");
        }
    }
}
