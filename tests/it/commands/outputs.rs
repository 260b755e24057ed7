//! What leaves a command: into a pipe that closes early, a spreadsheet, or the next command.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::commands::cli::{Desk, recorded, stderr, stdout};

/// A command's output when nobody reads its stdout any more.
fn unread(desk: &Desk, args: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    desk.command(args).stdout(writer).stderr(Stdio::piped()).output().unwrap()
}

#[test]
fn a_reader_who_has_seen_enough_ends_every_command_quietly() {
    let desk = Desk::new();
    let file = desk.write("Security.json", &recorded(&[(1, "CREATE_FAILED"), (2, "CREATE_SUCCESSFUL")]));
    desk.run(&file, &[]);
    let changed = desk.write("Security.json", &recorded(&[(1, "CREATE_FAILED"), (2, "UPDATE_FAILED")]));
    let region = ["--region", "eu-west-1"];
    let preview = desk.run(&changed, &["--dry-run", "--output", "json"]);
    let event = desk.write("event.json", &stdout(&preview));
    let dry = [&["run", "--dry-run", "--statuses", &changed][..], &region].concat();
    desk.run(&changed, &[]);
    let store = ["--store", "store.sqlite"];
    let list =
        |command: &'static str, output: &'static str| [&[command, "--output", output][..], &store].concat();
    desk.packwatch(
        &[&["silence", "add", "--pack", "S", "--until", "7d", "--reason", "r"][..], &store].concat(),
    );
    let mut commands: Vec<Vec<&str>> = vec![
        vec!["--help"],
        vec!["run", "--help"],
        vec!["--version"],
        vec!["preview", &event],
        dry,
        [&["silence", "list"][..], &store].concat(),
        [&["silence", "list", "--output", "csv"][..], &store].concat(),
        [&["silence", "list", "--output", "json"][..], &store].concat(),
        [&["silence", "add", "--pack", "T", "--until", "7d", "--reason", "r"][..], &store].concat(),
    ];
    commands.extend(["bash", "zsh", "fish", "elvish", "powershell"].map(|shell| vec!["completions", shell]));
    commands.extend(["table", "csv", "json", "html"].map(|output| list("board", output)));
    commands.extend(["table", "csv", "json"].map(|output| list("history", output)));
    for args in commands {
        let output = unread(&desk, &args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        for word in ["panicked", "error"] {
            assert!(!stderr(&output).contains(word), "{args:?}: {}", stderr(&output));
        }
    }
}

#[test]
fn no_control_character_reaches_a_spreadsheet() {
    let desk = Desk::new();
    let message = "broken\u{1b}[31m\nred\u{202e}\u{0}\u{9b}2J";
    let text = recorded(&[(1, "CREATE_FAILED")]);
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    document["OrganizationConformancePackDetailedStatuses"][0]["ErrorMessage"] = message.into();
    let file = desk.write("Security.json", &recorded(&[(1, "CREATE_SUCCESSFUL")]));
    desk.run(&file, &[]);
    let file = desk.write("Security.json", &document.to_string());
    desk.run(&file, &[]);
    let store = ["--store", "store.sqlite"];
    let reason = "=1+1\u{1b}]0;title\u{7}\r\nnext\u{202e}";
    let add = ["silence", "add", "--pack", "S", "--until", "7d", "--by", "\u{9b}31mada", "--reason", reason];
    desk.packwatch(&[&add[..], &store].concat());
    for command in [&["silence", "list"][..], &["board"], &["history", "--kind", "failed"]] {
        let output = desk.packwatch(&[command, &["--output", "csv"], &store].concat());
        let text = stdout(&output);
        assert_eq!(text.lines().count(), 2, "{text:?}");
        let is_bad = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(is_bad), "{command:?}: {text:?}");
        assert!(!text.contains(",=1"), "{text:?}");
    }
}

/// A pipeline of two commands, as a shell makes it.
fn previewed(desk: &Desk, document: &str) -> Output {
    let mut command = desk.command(&["preview", "--channel", "sms", "-"]);
    let piped = Stdio::piped;
    let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_quiet_day_can_be_previewed() {
    let desk = Desk::new();
    let file = desk.write("Security.json", &recorded(&[(1, "CREATE_SUCCESSFUL")]));
    let first = desk.run(&file, &["--output", "json"]);
    let quiet = desk.run(&file, &["--dry-run", "--output", "json"]);
    assert_eq!(quiet.status.code(), Some(0));
    let preview = previewed(&desk, &stdout(&quiet));
    assert_eq!((preview.status.code(), stdout(&preview).as_str()), (Some(0), ""), "{preview:?}");
    assert!(stderr(&preview).contains("nothing to show"), "{preview:?}");
    // A run may print several.
    let twice = previewed(&desk, &stdout(&first).repeat(2));
    assert_eq!(stdout(&twice).matches("Now watching").count(), 2, "{twice:?}");
}
