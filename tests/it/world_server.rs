//! Serves the world of the tests, for `make local`, `make e2e` and people: AWS Config and SNS without AWS.
//!
//! ```text
//! cargo run --example world -- --port 4600 --packs 2 --accounts 250 --region eu-west-1
//! AWS_ENDPOINT_URL=http://127.0.0.1:4600 aws configservice describe-organization-conformance-packs --region eu-west-1
//! curl -X PUT --data-binary @statuses.json http://127.0.0.1:4600/packs/eu-west-1/pack-01
//! curl http://127.0.0.1:4600/messages
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

#[path = "world/mod.rs"]
mod world;

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::str::FromStr;
use tokio::signal::unix::{SignalKind, signal};
use world::World;
use world::host::Host;

const USAGE: &str = "usage: world [--address 127.0.0.1] --port PORT [--dynamodb-port PORT] [--packs N] \
                     [--accounts N] [--region REGION]";

struct Options {
    address: IpAddr,
    port: u16,
    dynamodb_port: Option<u16>,
    packs: usize,
    accounts: usize,
    region: String,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)).and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("world: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, Box<dyn Error>> {
    let (mut port, mut dynamodb_port, mut packs, mut accounts) = (None, None, 0, 0);
    // Another one is for containers, which do not see this machine's loopback interface.
    let mut address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut region = "us-east-1".to_owned();
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{flag} needs a value\n{USAGE}"))?;
        match flag.as_str() {
            "--address" => address = parsed(&flag, &value)?,
            "--port" => port = Some(parsed(&flag, &value)?),
            "--dynamodb-port" => dynamodb_port = Some(parsed(&flag, &value)?),
            "--packs" => packs = parsed(&flag, &value)?,
            "--accounts" => accounts = parsed(&flag, &value)?,
            "--region" => region = value,
            _ => return Err(format!("{flag} is unknown\n{USAGE}").into()),
        }
    }
    Ok(Options { address, port: port.ok_or(USAGE)?, dynamodb_port, packs, accounts, region })
}

fn parsed<T: FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{flag} {value}: cannot be taken\n{USAGE}"))
}

#[tokio::main(flavor = "current_thread")]
async fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    // Before anything is dispatched: who waits for the dispatch may send a signal at once.
    let (mut interrupted, mut terminated) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let world = World::new();
    world.accept_any_topic();
    for n in 1..=options.packs {
        world.add_pack(&options.region, &format!("pack-{n:02}"), options.accounts);
    }
    let dynamodb_at = options.dynamodb_port.map(|port| (options.address, port));
    let _dynamodb = dynamodb_at.map(dynamodb).transpose()?;
    let served = world.serve_on((options.address, options.port))?;
    println!("listening {}", served.url);
    std::io::stdout().flush()?;
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}

/// A DynamoDB without tables.
fn dynamodb(at: (IpAddr, u16)) -> Result<Host, Box<dyn Error>> {
    let database = dynoxide::Database::memory()?;
    let host = Host::run(at, |listener| {
        dynoxide::server::serve_with_shutdown(listener, database, std::future::pending())
    })?;
    Ok(host)
}
