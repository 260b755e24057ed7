//! One vocabulary: what one command calls a thing is what every other command and the AWS CLI call it.

use serde_json::Value;

use crate::commands::cli::{Desk, recorded, stderr, stdout};

fn desk() -> Desk {
    let desk = Desk::new();
    for (now, status) in [("2026-11-16", "CREATE_SUCCESSFUL"), ("2026-11-17", "UPDATE_FAILED")] {
        let row = serde_json::json!({"AccountId": "000000000001", "ConformancePackName": "x", "Status": status,
            "ErrorCode": "Code", "ErrorMessage": "why", "LastUpdateTime": "2026-11-16T09:00:00+00:00"});
        let document = serde_json::json!({"OrganizationConformancePackDetailedStatuses": [row]});
        let file = desk.write("Security.json", &document.to_string());
        assert_eq!(desk.run(&file, &["--now", now]).status.code(), Some(2));
    }
    desk
}

#[test]
fn a_pack_is_a_pack_everywhere_and_may_have_its_long_name() {
    let desk = desk();
    let store = desk.store().display().to_string();
    for command in ["run", "statuses", "history", "board"] {
        let help = stdout(&desk.packwatch(&[command, "--help"]));
        assert!(
            help.contains("--pack <NAME>") && help.contains("organization-conformance-pack-name"),
            "{help}"
        );
    }
    let help = stdout(&desk.packwatch(&["silence", "add", "--help"]));
    assert!(help.contains("--pack <NAME>") && help.contains("organization-conformance-pack-name"), "{help}");
    for flag in ["--pack", "--organization-conformance-pack-name"] {
        for command in ["history", "board"] {
            let output = desk.packwatch(&[command, "--store", &store, flag, "Security"]);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
        }
    }
}

/// The columns that two lists share are called the same, and as the fields of their documents.
#[test]
fn csv_and_json_name_the_same_things_the_same() {
    let desk = desk();
    let store = desk.store().display().to_string();
    let list =
        |command: &str, form: &str| stdout(&desk.packwatch(&[command, "--store", &store, "--output", form]));
    for (command, nested) in [("board", None), ("history", Some("To"))] {
        let csv = list(command, "csv");
        let document: Value = serde_json::from_str(list(command, "json").lines().next().unwrap()).unwrap();
        let (header, row) = csv.split_once('\n').unwrap();
        for (name, cell) in header.split(',').zip(row.lines().next().unwrap().split(',')) {
            let field = match &document[name] {
                Value::Null => nested.map_or(&Value::Null, |nested| &document[nested][name]),
                Value::Object(state) => &state["Status"],
                field => field,
            };
            let field = match field {
                Value::Number(number) => number.to_string(),
                field => field.as_str().unwrap_or_default().to_owned(),
            };
            assert_eq!(field, cell, "{command}: {name}");
        }
        for name in ["Region", "OrganizationConformancePackName", "AccountId", "ErrorCode", "ErrorMessage"] {
            assert!(header.split(',').any(|column| column == name), "{command}: {header}");
        }
    }
}

#[test]
fn kinds_statuses_and_days_are_taken_as_people_write_them() {
    let desk = desk();
    let store = desk.store().display().to_string();
    for kind in ["failed", "Failed", "FAILED"] {
        let output = desk.packwatch(&["history", "--store", &store, "--kind", kind, "--since", "2026-11-17"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let file = desk.write("Cost.json", &recorded(&[(1, "CREATE_FAILED"), (2, "CREATE_SUCCESSFUL")]));
    for notify in ["in-progress,pack-deleted", "InProgress,PackDeleted", "inprogress"] {
        // A failure is found, and nobody wants it told.
        let output = desk.run(&file, &["--dry-run", "--notify", notify]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).ends_with("1 change; would send nothing\n"), "{output:?}");
    }
    for status in ["CREATE_FAILED", "create_failed", "Create_Failed"] {
        let filters = format!("Status={status}");
        let output = desk.run(&file, &["--dry-run", "--filters", &filters]);
        assert!(stderr(&output).contains("1 pack: 1 deployment;"), "{output:?}");
    }
}
