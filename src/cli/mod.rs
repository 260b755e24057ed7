//! The command line, `packwatch`: the same run as the Lambda's on a laptop, and ways to look at what it
//! reads, keeps and sends. Conventions are the AWS CLI's.

mod args;
mod board;
#[cfg(feature = "doctor")]
mod doctor;
mod history;
mod outcome;
mod outside;
mod preview;
mod progress;
mod run;
mod selection;
mod silence;
mod statuses;
mod table;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use self::args::Global;
use self::outcome::{Failure, is_broken_pipe, tell};

/// Reports when the deployment status of an organization conformance pack changes in a member account.
#[derive(Debug, Parser)]
#[command(name = "packwatch", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  packwatch run --dry-run                   show what has changed; record nothing
  packwatch run --statuses Security.json    compare recorded statuses with the last ones
  packwatch statuses --pack Security --filters Status=CREATE_FAILED
  packwatch history --account 111122223333
  packwatch board --output html > board.html
  packwatch doctor --function packwatch     find out why nothing arrives

Exit codes: 0 nothing changed; 2 changes were published; 1 failure.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Read the statuses, compare them with the last ones, and notify of what changed
    Run(Box<run::RunArgs>),
    /// Print the detailed statuses of a pack, as the AWS CLI does
    Statuses(statuses::StatusesArgs),
    /// Print the recorded transitions
    History(history::HistoryArgs),
    /// Show the state of every account: on the terminal, as CSV or JSON, or as a page for a browser
    Board(board::BoardArgs),
    /// Add, list or remove silences, which keep known problems out of messages
    Silence(silence::SilenceArgs),
    /// Check a deployment: account, regions, table, topics, schedule, last run
    #[cfg(feature = "doctor")]
    Doctor(doctor::DoctorArgs),
    /// Show a notification as a channel's readers see it
    Preview(preview::PreviewArgs),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program.
pub fn main() -> ExitCode {
    let code = match Cli::try_parse() {
        Ok(cli) => run_command(cli).map(|has_changed| if has_changed { 2 } else { 0 }),
        // Wrong usage is no 2, which means something else here; help that was asked for is no failure.
        Err(error) => error.print().map(|()| error.use_stderr().into()).map_err(Into::into),
    };
    match code {
        Ok(code) => ExitCode::from(code),
        Err(failure) if is_broken_pipe(&*failure) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure);
            ExitCode::FAILURE
        }
    }
}

/// Whether something has changed, or was sent.
fn run_command(cli: Cli) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let global = &cli.global;
    runtime.block_on(async {
        match &cli.command {
            Command::Run(args) => return run::run(global, args).await,
            Command::Statuses(args) => statuses::statuses(global, args).await,
            Command::History(args) => history::history(global, args).await,
            Command::Board(args) => board::board(global, args).await,
            Command::Silence(args) => silence::silence(global, args).await,
            #[cfg(feature = "doctor")]
            Command::Doctor(args) => doctor::doctor(global, args).await,
            Command::Preview(args) => preview::preview(args),
            Command::Completions { shell } => {
                // It panics where it cannot write.
                let mut script = Vec::new();
                clap_complete::generate(*shell, &mut Cli::command(), "packwatch", &mut script);
                Ok(io::stdout().write_all(&script)?)
            }
        }?;
        Ok(false)
    })
}
