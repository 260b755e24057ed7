//! An event of any shape: what is taken keeps AWS's limits and can be said again as a request, what is refused is
//! refused in few and harmless words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packwatch::event;
use packwatch::watch::request::Request;
use packwatch::model::text::plain;
use packwatch::model::Status;
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    match event::parse(&value) {
        Ok(request) if request.scheduled => assert_eq!(request, Request { scheduled: true, ..Request::default() }),
        Ok(request) => {
            assert_documented(&request);
            let again = event::parse(&as_document(&request)).expect("what was taken is taken again");
            assert_eq!(again, Request { tentative: false, ..request });
        }
        Err(error) => {
            let error = error.to_string();
            assert!(error.len() < 4096, "{} bytes", error.len());
            assert_eq!(error, plain(&error), "no control character, and none that reorders text");
        }
    }
});

/// As the references of AWS Config's operations have it.
fn assert_documented(request: &Request) {
    assert!(request.packs.len() <= 1);
    for pack in &request.packs {
        let name = pack.as_str();
        assert!((1..=128).contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_alphabetic()));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    }
    if let Some(account) = request.filters.account {
        let account = account.to_string();
        assert!(account.len() == 12 && account.chars().all(|c| c.is_ascii_digit()), "{account}");
    }
    if let Some(status) = &request.filters.status {
        assert!(Status::DOCUMENTED.contains(&status.as_str()));
    }
    assert!(request.pagination.page_size.is_none_or(|size| (1..=100).contains(&size)));
    assert!(!request.pagination.is_cut() || request.packs.len() == 1, "whose part is it?");
}

fn as_document(request: &Request) -> Value {
    json!({
        "OrganizationConformancePackName": request.packs.first(),
        "Region": request.region,
        "Filters": {"AccountId": request.filters.account, "Status": request.filters.status},
        "PaginationConfig": {
            "MaxItems": request.pagination.max_items,
            "PageSize": request.pagination.page_size,
            "StartingToken": request.pagination.starting_token,
        },
        "DryRun": request.dry_run,
    })
}
