//! `packwatch cost`, and the page that shows what it prints.

use std::process::Command;

use serde_json::Value;

fn cost(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_packwatch")).env_clear().arg("cost").args(args).output();
    let output = output.unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn the_cost_page_shows_what_the_command_prints() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cost.md")).unwrap();
    let command = "packwatch cost --accounts 100,1000,10000 --packs 20 --every 5m";
    assert!(page.contains(command), "the page names the command");
    let (code, printed) = cost(&command.split(' ').skip(2).collect::<Vec<_>>());
    assert_eq!(code, Some(0), "{printed}");
    assert!(page.contains(&printed), "docs/cost.md does not show what the command prints:\n{printed}");
}

#[test]
fn a_program_gets_the_same_bill() {
    let (code, printed) = cost(&["--accounts", "1000", "--packs", "5", "--every", "10m", "--output", "json"]);
    assert_eq!(code, Some(0), "{printed}");
    let bill: Value = serde_json::from_str(&printed).unwrap();
    for (items, total) in [("Items", "Total"), ("ItemsBeyondFree", "TotalBeyondFree")] {
        let items = bill[0][items].as_object().unwrap().values().map(|item| item.as_f64().unwrap());
        assert!((items.sum::<f64>() - bill[0][total].as_f64().unwrap()).abs() < 0.001, "{bill}");
    }
}

#[test]
fn whole_looks_only_cost_more() {
    let total = |whole_every: &str| {
        let args =
            ["--accounts", "10000", "--packs", "20", "--every", "5m", "--output", "json", "--whole-every"];
        let bill: Value = serde_json::from_str(&cost(&[&args[..], &[whole_every]].concat()).1).unwrap();
        (bill[0]["CallsPerRun"].as_f64().unwrap(), bill[0]["Total"].as_f64().unwrap())
    };
    let (quick, always) = (total("1h"), total("always"));
    assert_eq!((quick.0, always.0), (121.0, 2001.0));
    assert!(quick.1 < always.1);
}

#[test]
fn less_than_a_minute_is_no_interval() {
    let (code, printed) = cost(&["--accounts", "1", "--packs", "1", "--every", "10s"]);
    assert_eq!(code, Some(1));
    assert!(printed.contains("a minute or more"), "{printed}");
}
