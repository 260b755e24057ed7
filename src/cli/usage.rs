//! Wrong usage, all of it at once: clap stops at the first value that it cannot take.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::ops::Range;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Parses arguments; in an error, everything that is wrong with them, or the help that was asked for.
pub(super) fn parse<T: Parser>(mut args: Vec<OsString>) -> Result<T, Vec<clap::Error>> {
    let mut errors: Vec<clap::Error> = Vec::new();
    loop {
        match T::try_parse_from(&args) {
            Ok(parsed) if errors.is_empty() => return Ok(parsed),
            Ok(_) => return Err(errors),
            Err(error) => match place(&error, &args) {
                Some(place) => {
                    args.drain(place);
                    errors.push(error);
                }
                None => {
                    // What is missing now may have been there.
                    if errors.is_empty() || error.kind() != ErrorKind::MissingRequiredArgument {
                        errors.push(error);
                    }
                    return Err(errors);
                }
            },
        }
    }
}

/// Where the value is that an error is about, with its flag.
fn place(error: &clap::Error, args: &[OsString]) -> Option<Range<usize>> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    let (value, name) = (text(ContextKind::InvalidValue)?, text(ContextKind::InvalidArg)?);
    let flag = name.split(' ').next().unwrap_or_default();
    let is_flag = |arg: &OsString| arg.to_string_lossy().starts_with("--");
    // By its own name, or by another one that clap knows for it.
    let found = |wanted: &dyn Fn(&OsString) -> bool| {
        let pairs = args.windows(2).enumerate();
        let mut pairs = pairs.filter(|(_, pair)| pair.first().is_some_and(wanted));
        pairs
            .find(|(_, pair)| pair.last().is_some_and(|arg| arg == OsStr::new(value)))
            .map(|(at, _)| at..at + 2)
    };
    let joined =
        |name: &str| args.iter().position(|arg| *arg == *format!("{name}={value}")).map(|at| at..at + 1);
    let ends = format!("={value}");
    let other = || args.iter().position(|arg| is_flag(arg) && arg.to_string_lossy().ends_with(&ends));
    found(&|arg| arg == flag)
        .or_else(|| joined(flag))
        .or_else(|| found(&is_flag))
        .or_else(|| other().map(|at| at..at + 1))
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
