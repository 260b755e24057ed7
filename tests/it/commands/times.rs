//! Times as people write them: with a zone, without one, as a day; what is assumed is said.

use std::process::Output;

use crate::commands::cli::{Desk, recorded, stderr, stdout};

const BERLIN: (&str, &str) = ("PACKWATCH_TIME_ZONE", "Europe/Berlin");

fn until(zone: Option<(&str, &str)>, time: &str) -> Output {
    let desk = Desk::new();
    let args = ["silence", "add", "--pack", "P", "--reason", "r", "--store", "s.sqlite", "--until", time];
    desk.command(&args).envs(zone).output().unwrap()
}

/// (as written, in UTC, in Berlin)
const FORMS: [(&str, &str, &str); 8] = [
    ("2096-12-01T18:00", "2096-12-01 18:00", "2096-12-01 17:00"),
    ("2096-12-01T18:00:30", "2096-12-01 18:00", "2096-12-01 17:00"),
    ("2096-12-01T18:00:30.5", "2096-12-01 18:00", "2096-12-01 17:00"),
    ("2096-12-01 18:00", "2096-12-01 18:00", "2096-12-01 17:00"),
    ("2096-12-01 18:00:30", "2096-12-01 18:00", "2096-12-01 17:00"),
    ("2096-12-01T18", "2096-12-01 18:00", "2096-12-01 17:00"),
    ("20961201T180000", "2096-12-01 18:00", "2096-12-01 17:00"),
    ("2096-12-01", "2096-12-01 00:00", "2096-11-30 23:00"),
];

#[test]
fn an_hour_without_a_zone_is_that_hour_and_its_zone_is_said() {
    for (time, utc, berlin) in FORMS {
        let here = until(None, time);
        assert!(stderr(&here).contains(&format!("silenced until {utc} UTC")), "{time}: {here:?}");
        assert!(
            stderr(&here).contains("--until is 2096-12-01 ") && stderr(&here).contains("UTC"),
            "{here:?}"
        );
        let there = until(Some(BERLIN), time);
        assert!(stderr(&there).contains(&format!("silenced until {berlin} UTC")), "{time}: {there:?}");
        assert!(stderr(&there).contains("Europe/Berlin"), "{time}: {there:?}");
    }
    for time in [
        "2096-12-01T18:00Z",
        "2096-12-01 18:00 UTC",
        "2096-12-01 19:00+01:00",
        "2096-12-01T19:00[Europe/Berlin]",
        "2096-12-01T19:00+01:00[Europe/Berlin]",
    ] {
        let exact = until(Some(BERLIN), time);
        assert!(stderr(&exact).contains("silenced until 2096-12-01 18:00 UTC"), "{time}: {exact:?}");
        assert!(!stderr(&exact).contains("--until is"), "nothing is assumed: {exact:?}");
    }
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
        let output = until(None, time);
        assert_eq!(output.status.code(), Some(1), "{time}: {output:?}");
        assert!(stderr(&output).contains("2026-12-01T18:00"), "{time}: {output:?}");
    }
    let mars = until(Some(("PACKWATCH_TIME_ZONE", "Mars/Base")), "2096-12-01T18:00");
    assert!(stderr(&mars).contains("PACKWATCH_TIME_ZONE") && stderr(&mars).contains("Mars/Base"), "{mars:?}");
    assert_eq!(mars.status.code(), Some(1));
}

#[test]
fn histories_and_runs_take_the_same_times() {
    let desk = Desk::new();
    let file = desk.write("Security.json", &recorded(&[(1, "CREATE_SUCCESSFUL")]));
    desk.run(&file, &["--now", "2026-11-01T08:00"]);
    let failed = desk.write("Security.json", &recorded(&[(1, "UPDATE_FAILED")]));
    // Berlin is an hour ahead of UTC.
    let mut run = desk.command(&["run", "--statuses", &failed, "--region", "eu-west-1"]);
    let run =
        run.args(["--store", "store.sqlite", "--now", "2026-11-01 18:30"]).envs([BERLIN]).output().unwrap();
    assert!(stderr(&run).contains("--now is 2026-11-01 18:30:00 +01:00 (Europe/Berlin)"), "{run:?}");
    let history = |zone: Option<(&str, &str)>, args: &[&str]| {
        let mut command =
            desk.command(&["history", "--store", "store.sqlite", "--output", "csv", "--kind", "failed"]);
        command.args(args).envs(zone).output().unwrap()
    };
    let all = history(None, &[]);
    assert!(stdout(&all).contains("2026-11-01T17:30:00Z"), "{all:?}");
    for (zone, args, found) in [
        (None, ["--since", "2026-11-01T17:00"], true),
        (None, ["--since", "2026-11-01T18:00"], false),
        (Some(BERLIN), ["--since", "2026-11-01T18:00"], true),
        (Some(BERLIN), ["--until", "2026-11-01T18:00"], false),
    ] {
        let output = history(zone, &args);
        assert_eq!(output.status.success(), found, "{args:?} {zone:?}: {output:?}");
        assert!(stderr(&output).contains(&format!("{} is 2026-11-01", args[0])), "{output:?}");
    }
}

#[test]
fn help_names_every_form() {
    let desk = Desk::new();
    for command in [&["run", "--help"][..], &["history", "--help"], &["silence", "add", "--help"]] {
        let help = stdout(&desk.packwatch(command)).split_whitespace().collect::<Vec<_>>().join(" ");
        for form in ["2026-12-01T18:00Z", "2026-12-01T18:00", "2026-12-01", "PACKWATCH_TIME_ZONE"] {
            assert!(help.contains(form), "{command:?}: {form} is missing in {help}");
        }
    }
}
