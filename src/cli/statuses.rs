//! `packwatch statuses`: the paginator for people. Prints what the AWS CLI prints, with tokens that go
//! both ways.

use std::io::{self, Write};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::Global;
use super::outcome::{Failure, note};
use super::outside::{Source, region};
use super::progress::Progress;
use super::table::{Column, Field, Output, Printer, present};
use crate::model::{DetailedStatus, PackName, Region, Status, Target};
use crate::ports::{Filters, StatusSource};
use crate::watch::scan::paginate::{PaginationConfig, Paginator};

/// What `statuses` takes: the AWS CLI's own options.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatusesArgs {
    /// The pack
    #[arg(long = "pack", visible_alias = "organization-conformance-pack-name", value_name = "NAME")]
    organization_conformance_pack_name: PackName,
    /// Only these accounts: AccountId=…,Status=…
    #[arg(long, value_name = "FILTERS", value_parser = filters)]
    filters: Option<Filters>,
    /// Stop after this many accounts, and print the token to continue with
    #[arg(long, value_name = "N")]
    max_items: Option<u64>,
    /// Accounts in each call, 1 to 100
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    page_size: Option<u8>,
    /// Continue from a NextToken that packwatch, the AWS CLI or boto3 printed
    #[arg(long, value_name = "TOKEN")]
    starting_token: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value = "json")]
    output: Output,
}

const EXAMPLES: &str = "\
Examples:
  packwatch statuses --pack Security-Baseline --output table
  packwatch statuses --pack Security-Baseline --filters Status=CREATE_FAILED --output csv
  packwatch statuses --pack Security-Baseline --max-items 250";

const FIELDS: [Field; 6] = [
    ("AccountId", Some(Column::text("Account"))),
    ("ConformancePackName", Some(Column::long("Pack in the account", 20).spare(2))),
    ("Status", Some(Column::text("Status"))),
    ("ErrorCode", Some(Column::long("Error", 14))),
    ("ErrorMessage", Some(Column::long("Message", 16).spare(3))),
    ("LastUpdateTime", Some(Column::time("Updated (UTC)").spare(1))),
];

/// Reads the AWS CLI's shorthand, `AccountId=…,Status=…`.
pub(super) fn filters(text: &str) -> Result<Filters, String> {
    let mut filters = Filters::default();
    for item in text.split(',') {
        match item.split_once('=') {
            Some(("AccountId", id)) => {
                let account = id.parse().map_err(|error| format!("AccountId: {error}"))?;
                filters.account = Some(account);
            }
            Some(("Status", status)) => {
                let documented = Status::DOCUMENTED.iter().find(|known| known.eq_ignore_ascii_case(status));
                let wrong = || format!("Status {status:?} is not one of {}", Status::DOCUMENTED.join(", "));
                filters.status = Some(Status::new(documented.ok_or_else(wrong)?));
            }
            _ => return Err(format!("{item:?} is neither AccountId=… nor Status=…")),
        }
    }
    Ok(filters)
}

pub(super) async fn statuses(global: &Global, args: &StatusesArgs) -> Result<(), Failure> {
    let region = region(global).await?.ok_or("name the region with --region")?.parse::<Region>()?;
    let progress = Progress::start("reading the pack");
    let source = Source::of_aws(global, std::slice::from_ref(&region), &progress).await?;
    let target = Target { region, pack: args.organization_conformance_pack_name.clone() };
    let pagination = PaginationConfig {
        max_items: args.max_items,
        page_size: args.page_size,
        starting_token: args.starting_token.clone(),
    };
    let filters = args.filters.clone().unwrap_or_default();

    let mut rows = Vec::new();
    let mut paginator = Paginator::new(&pagination)?;
    while let Some(request) = paginator.next_request() {
        rows.extend(paginator.accept(source.statuses(&target, &filters, &request).await?)?);
    }
    progress.end();
    print(&rows, paginator.resume_token(), args)
}

fn print(rows: &[DetailedStatus], next_token: Option<String>, args: &StatusesArgs) -> Result<(), Failure> {
    let rows = rows.iter().map(document);
    if args.output == Output::Json {
        let rows: Vec<Value> = rows.collect();
        let document = json!({"OrganizationConformancePackDetailedStatuses": rows, "NextToken": next_token});
        return Ok(writeln!(io::stdout(), "{:#}", present(document))?);
    }
    let mut printer = Printer::new(args.output, &FIELDS)?;
    for row in rows {
        printer.print(&row)?;
    }
    printer.finish()?;
    if let Some(token) = next_token {
        note(&format!("There are more. Continue with --starting-token {token}"));
    }
    Ok(())
}

/// A row as version 2 of the AWS CLI prints it.
fn document(row: &DetailedStatus) -> Value {
    let as_aws = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string();
    present(json!({
        "AccountId": row.account,
        "ConformancePackName": row.conformance_pack_name,
        "Status": row.status,
        "ErrorCode": row.error_code,
        "ErrorMessage": row.error_message,
        "LastUpdateTime": row.last_update.map(as_aws),
    }))
}
