//! The command line.

fn main() -> std::process::ExitCode {
    packwatch::cli::main()
}
