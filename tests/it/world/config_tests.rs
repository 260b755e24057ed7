//! The model of AWS Config, asked as the wire asks it.

use super::World;
use super::config::respond;
use super::packs::{account, rows_from_cli};
use serde_json::{Value, json};

const REGION: &str = "eu-west-1";

fn world(accounts: usize) -> World {
    let world = World::new();
    world.set_clock(1_767_225_600.5).add_pack(REGION, "pack-01", accounts);
    world
}

fn ask(world: &World, operation: &str, body: Value) -> Result<Value, String> {
    let answer = respond(&mut world.lock(), REGION, operation, body.to_string().as_bytes());
    answer.map(|bytes| serde_json::from_slice(&bytes).unwrap()).map_err(|error| error.code)
}

fn statuses(world: &World, extra: Value) -> Result<Value, String> {
    let mut body = json!({"OrganizationConformancePackName": "pack-01"});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    ask(world, "GetOrganizationConformancePackDetailedStatus", body)
}

fn ids(answer: &Value) -> Vec<String> {
    let rows = answer["OrganizationConformancePackDetailedStatuses"].as_array().unwrap();
    rows.iter().map(|row| row["AccountId"].as_str().unwrap().to_owned()).collect()
}

/// Reads to the end; gives the accounts and the number of pages.
fn read(world: &World, limit: usize, filters: &Value) -> Result<(Vec<String>, usize), String> {
    let (mut seen, mut pages, mut token) = (Vec::new(), 0, Value::Null);
    loop {
        let page = statuses(world, json!({"Limit": limit, "Filters": filters, "NextToken": token}))?;
        seen.extend(ids(&page));
        pages += 1;
        match page.get("NextToken") {
            Some(next) if pages < 100 => token = next.clone(),
            _ => return Ok((seen, pages)),
        }
    }
}

#[test]
fn pages_hold_a_hundred_rows_unless_told_otherwise_and_are_in_order() {
    let world = world(250);
    let all: Vec<_> = (1..=250).map(account).collect();
    assert_eq!(read(&world, 0, &Value::Null).unwrap(), (all.clone(), 3));
    assert_eq!(read(&world, 100, &Value::Null).unwrap(), (all.clone(), 3));
    assert_eq!(read(&world, 50, &Value::Null).unwrap(), (all.clone(), 5));
    world.page_cap(30);
    assert_eq!(read(&world, 100, &Value::Null).unwrap(), (all.clone(), 9));
    world.heal_config().trailing_token();
    assert_eq!(read(&world, 50, &Value::Null).unwrap(), (all, 6));
}

#[test]
fn a_row_has_the_members_of_the_reference() {
    let world = world(1);
    world.fail(REGION, "pack-01", &account(1), "UPDATE_FAILED", "AccessDenied", "no");
    let row = &statuses(&world, json!({})).unwrap()["OrganizationConformancePackDetailedStatuses"][0];
    let name = row["ConformancePackName"].as_str().unwrap();
    assert!(name.starts_with("OrgConformsPack-pack-01-"), "{name}");
    let expected = json!({
        "AccountId": account(1), "ConformancePackName": name, "Status": "UPDATE_FAILED",
        "ErrorCode": "AccessDenied", "ErrorMessage": "no", "LastUpdateTime": 1_767_225_600.5,
    });
    assert_eq!(*row, expected);
}

#[test]
fn filters_are_the_service_s() {
    let world = world(250);
    world.set_status(REGION, "pack-01", &account(7), "CREATE_FAILED");
    let failed = json!({"Status": "CREATE_FAILED"});
    assert_eq!(read(&world, 100, &failed).unwrap(), (vec![account(7)], 1));
    assert_eq!(read(&world, 100, &json!({"AccountId": account(9)})).unwrap(), (vec![account(9)], 1));
    world.filter_after_paging();
    assert_eq!(read(&world, 100, &failed).unwrap(), (vec![account(7)], 3));
    for wrong in [json!({"Status": "FAILED"}), json!({"AccountId": "123"})] {
        assert_eq!(statuses(&world, json!({"Filters": wrong})).unwrap_err(), "ValidationException");
    }
}

#[test]
fn each_filter_may_be_applied_to_pages_that_were_cut() {
    let failed = json!({"Status": "CREATE_FAILED"});
    let one = json!({"AccountId": account(9)});
    for (late, pages) in [("status", (3, 1)), ("account", (1, 3))] {
        let world = world(250);
        world.set_status(REGION, "pack-01", &account(7), "CREATE_FAILED");
        match late {
            "status" => world.filter_status_after_paging(),
            _ => world.filter_account_after_paging(),
        };
        assert_eq!(read(&world, 100, &failed).unwrap(), (vec![account(7)], pages.0), "{late}");
        assert_eq!(read(&world, 100, &one).unwrap(), (vec![account(9)], pages.1), "{late}");
    }
}

#[test]
fn a_filter_violates_for_as_many_filtered_calls_as_told() {
    let world = world(3);
    world.filter_violates(2);
    let count = |filters: Value| read(&world, 100, &filters).unwrap().0.len();
    assert_eq!(count(Value::Null), 3, "not filtered");
    assert_eq!(count(json!({"Status": "CREATE_FAILED"})), 3);
    assert_eq!(count(json!({"AccountId": account(2)})), 3);
    assert_eq!(count(json!({"Status": "CREATE_FAILED"})), 0);
    assert_eq!(count(json!({"AccountId": account(2)})), 1);
}

#[test]
fn an_account_moves_between_two_reads() {
    let world = world(3);
    world.set_status(REGION, "pack-01", &account(1), "CREATE_FAILED");
    world.set_clock(1_767_225_700.0).move_after(2, REGION, "pack-01", &account(1), "UPDATE_IN_PROGRESS");
    let seen = || {
        let in_status = |status| read(&world, 100, &json!({"Status": status})).unwrap().0.len();
        (in_status("CREATE_FAILED"), in_status("UPDATE_IN_PROGRESS"))
    };
    assert_eq!(seen(), (1, 0), "two calls");
    assert_eq!(seen(), (0, 1), "before the third");
    assert_eq!(world.rows(REGION, "pack-01")[&account(1)].last_update, Some(1_767_225_700.0));
    // Seen twice: in the first read of a scan, and again in its second.
    world.move_after(1, REGION, "pack-01", &account(2), "CREATE_FAILED");
    let healthy = read(&world, 100, &json!({"Status": "CREATE_SUCCESSFUL"})).unwrap().0;
    let failed = read(&world, 100, &json!({"Status": "CREATE_FAILED"})).unwrap().0;
    assert!(healthy.contains(&account(2)) && failed.contains(&account(2)));
}

#[test]
fn a_status_that_aws_has_added_can_be_asked_for() {
    let world = world(3);
    world.set_status(REGION, "pack-01", &account(1), "CREATE_PAUSED");
    let paused = json!({"Status": "CREATE_PAUSED"});
    assert_eq!(read(&world, 100, &paused).unwrap_err(), "ValidationException");
    world.know_status("CREATE_PAUSED");
    assert_eq!(read(&world, 100, &paused).unwrap(), (vec![account(1)], 1));
}

#[test]
fn what_is_refused() {
    let world = world(3);
    let get = "GetOrganizationConformancePackDetailedStatus";
    assert_eq!(statuses(&world, json!({"Limit": 101})).unwrap_err(), "InvalidLimitException");
    assert_eq!(statuses(&world, json!({"Limit": -1})).unwrap_err(), "InvalidLimitException");
    assert_eq!(statuses(&world, json!({"Limit": "5"})).unwrap_err(), "SerializationException");
    assert_eq!(statuses(&world, json!({"NextToken": "x"})).unwrap_err(), "InvalidNextTokenException");
    assert_eq!(ask(&world, get, json!({})).unwrap_err(), "ValidationException");
    for (name, code) in
        [("1x", "ValidationException"), ("gone", "NoSuchOrganizationConformancePackException")]
    {
        assert_eq!(ask(&world, get, json!({"OrganizationConformancePackName": name})).unwrap_err(), code);
    }
    assert_eq!(ask(&world, "PutConfigRule", json!({})).unwrap_err(), "UnknownOperationException");
}

#[test]
fn a_token_belongs_to_its_pack_and_filters_and_ages() {
    let world = world(250);
    world.add_pack(REGION, "pack-02", 250);
    let page = statuses(&world, json!({})).unwrap();
    let token = page["NextToken"].as_str().unwrap();
    let elsewhere = json!({"OrganizationConformancePackName": "pack-02", "NextToken": token});
    let get = "GetOrganizationConformancePackDetailedStatus";
    assert_eq!(ask(&world, get, elsewhere).unwrap_err(), "InvalidNextTokenException");
    let filtered = json!({"NextToken": token, "Filters": {"Status": "CREATE_FAILED"}});
    assert_eq!(statuses(&world, filtered).unwrap_err(), "InvalidNextTokenException");
    assert!(statuses(&world, json!({"NextToken": token, "Limit": 7})).is_ok());
    world.expire_tokens_after(std::time::Duration::ZERO);
    assert_eq!(statuses(&world, json!({"NextToken": token})).unwrap_err(), "InvalidNextTokenException");
}

#[test]
fn tokens_expire_as_often_as_told() {
    let world = world(250);
    world.expire_tokens_after_pages(2, 2);
    for _ in 0..2 {
        assert_eq!(read(&world, 100, &Value::Null).unwrap_err(), "InvalidNextTokenException");
    }
    assert_eq!(read(&world, 100, &Value::Null).unwrap().1, 3);
}

#[test]
fn tokens_repeat_or_go_round() {
    let world = world(250);
    let token = |answer: Value| answer["NextToken"].clone();
    world.repeat_token();
    let first = token(statuses(&world, json!({})).unwrap());
    assert_eq!(token(statuses(&world, json!({"NextToken": first})).unwrap()), first);
    world.cycle_tokens();
    let a = token(statuses(&world, json!({})).unwrap());
    let b = token(statuses(&world, json!({"NextToken": a})).unwrap());
    assert_ne!(a, b);
    assert_eq!(token(statuses(&world, json!({"NextToken": b})).unwrap()), a);
}

#[test]
fn packs_are_described_by_list_and_by_name() {
    let world = world(1);
    world.add_pack(REGION, "pack-02", 1).unlist_pack(REGION, "pack-02", true);
    let describe = |body| ask(&world, "DescribeOrganizationConformancePacks", body);
    let names = |answer: &Value| -> Vec<String> {
        let packs = answer["OrganizationConformancePacks"].as_array().unwrap();
        packs.iter().map(|p| p["OrganizationConformancePackName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&describe(json!({})).unwrap()), ["pack-01"]);
    let by_name = describe(json!({"OrganizationConformancePackNames": ["pack-02"]})).unwrap();
    assert_eq!(names(&by_name), ["pack-02"]);
    let unknown = describe(json!({"OrganizationConformancePackNames": ["gone"]}));
    assert_eq!(unknown.unwrap_err(), "NoSuchOrganizationConformancePackException");
    world.unlist_pack(REGION, "pack-02", false);
    let first = describe(json!({"Limit": 1})).unwrap();
    assert_eq!(names(&first), ["pack-01"]);
    let second = describe(json!({"Limit": 1, "NextToken": first["NextToken"]})).unwrap();
    assert_eq!((names(&second), second.get("NextToken")), (vec!["pack-02".to_owned()], None));
}

#[test]
fn a_hidden_account_comes_back() {
    let world = world(250);
    world.hide_account(REGION, "pack-01", &account(200), 2);
    for expected in [249, 249, 250] {
        assert_eq!(read(&world, 100, &Value::Null).unwrap().0.len(), expected);
    }
}

#[test]
fn the_cli_s_output_is_understood() {
    let rows = rows_from_cli(
        br#"{"OrganizationConformancePackDetailedStatuses": [
            {"AccountId": "111111111111", "ConformancePackName": "a", "Status": "CREATE_SUCCESSFUL",
             "LastUpdateTime": "2026-01-01T01:00:00.500000+01:00"},
            {"AccountId": "222222222222", "ConformancePackName": "a", "Status": "CREATE_FAILED",
             "ErrorCode": "E", "ErrorMessage": "m", "LastUpdateTime": 1767225600.5}]}"#,
    )
    .unwrap();
    let times: Vec<_> = rows.values().map(|row| row.last_update).collect();
    assert_eq!(times, [Some(1_767_225_600.5), Some(1_767_225_600.5)]);
}
