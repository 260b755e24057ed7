//! A statuses file of any shape: what is taken can be written again, what is refused is refused in
//! few and harmless words.
#![no_main]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use packwatch::model::text::plain;
use packwatch::local::RecordedStatuses;
use packwatch::model::{DetailedStatus, Target};
use packwatch::ports::{Filters, PageRequest, StatusSource};
use serde_json::{Value, json};

fuzz_target!(|document: &str| {
    match rows(document) {
        Ok(rows) => {
            for row in &rows {
                assert!(row.status.as_str().chars().count() <= 64);
                assert_eq!(row.account.to_string().len(), 12);
            }
            let written = json!({"OrganizationConformancePackDetailedStatuses":
                rows.iter().map(as_document).collect::<Vec<_>>()});
            assert_eq!(self::rows(&written.to_string()), Ok(rows));
        }
        Err(error) => {
            assert!(error.len() < 4096, "{} bytes", error.len());
            assert_eq!(error, plain(&error), "no control character, and none that reorders text");
        }
    }
});

fn rows(document: &str) -> Result<Vec<DetailedStatus>, String> {
    let target = Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() };
    let mut recorded = RecordedStatuses::new(target.region.clone());
    recorded.add(target.pack.clone(), document)?;
    let (filters, request) = (Filters::default(), PageRequest::default());
    Ok(at_once(recorded.statuses(&target, &filters, &request)).expect("it is recorded").items)
}

/// Recorded statuses keep nobody waiting.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

fn as_document(row: &DetailedStatus) -> Value {
    json!({
        "AccountId": row.account,
        "ConformancePackName": row.conformance_pack_name,
        "Status": row.status,
        "ErrorCode": row.error_code,
        "ErrorMessage": row.error_message,
        "LastUpdateTime": row.last_update,
    })
}
