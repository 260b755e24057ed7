//! Wrong usage, all of it at once: clap stops at the first value that it cannot take.

use std::ffi::OsString;
use std::io::{self, Write};
use std::ops::Range;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Parses arguments; in an error, everything that is wrong with them, or the help that was asked for.
pub(super) fn parse<T: Parser>(mut args: Vec<OsString>) -> Result<T, Vec<clap::Error>> {
    let mut errors: Vec<clap::Error> = Vec::new();
    loop {
        let error = match T::try_parse_from(&args) {
            Ok(parsed) if errors.is_empty() => return Ok(parsed),
            Ok(_) => return Err(errors),
            Err(error) => error,
        };
        let wrong = place(&error, &args);
        // What is missing now may have been there.
        if wrong.is_some() || errors.is_empty() || error.kind() != ErrorKind::MissingRequiredArgument {
            errors.push(error);
        }
        match wrong {
            Some(place) => drop(args.drain(place)),
            None => return Err(errors),
        }
    }
}

/// Where the value is that an error is about, with its flag.
fn place(error: &clap::Error, args: &[OsString]) -> Option<Range<usize>> {
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else { return None };
    let is_flag = |arg: &OsString| arg.to_string_lossy().starts_with("--");
    let is_apart = |pair: &[OsString]| matches!(pair, [flag, arg] if is_flag(flag) && *arg == **value);
    let apart = args.windows(2).position(is_apart);
    let ends = format!("={value}");
    let joined = || args.iter().position(|arg| is_flag(arg) && arg.to_string_lossy().ends_with(&ends));
    apart.map(|at| at..at + 2).or_else(|| joined().map(|at| at..at + 1))
}

/// Prints the errors, or the help; whether it was help.
pub(super) fn print(errors: &[clap::Error]) -> io::Result<bool> {
    let [before @ .., last] = errors else { return Ok(false) };
    let mut err = anstream::stderr().lock();
    for error in before {
        let text = error.render().ansi().to_string();
        let text = text.split("\n\nFor more information").next().unwrap_or_default();
        writeln!(err, "{}", text.trim_end())?;
    }
    drop(err);
    last.print().map(|()| !last.use_stderr())
}
