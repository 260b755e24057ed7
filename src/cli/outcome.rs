//! How a command ends, and what is said on the way.

use std::fmt::Display;
use std::io::{self, Write};

/// A failure that is reported to the user and ends the program with 1.
pub(super) type Failure = Box<dyn std::error::Error>;

/// Whether the reader of our output has seen enough, as `head` does.
pub(super) fn is_broken_pipe(failure: &(dyn std::error::Error + 'static)) -> bool {
    failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

pub(super) fn tell(failure: &impl Display) {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    // Nothing is left to do when not even that can be written.
    let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {failure}");
}

/// Something that may not be what was meant.
pub(super) fn warn(line: &impl Display) {
    let yellow = anstyle::AnsiColor::Yellow.on_default().bold();
    let _ = writeln!(anstream::stderr(), "{yellow}warning:{yellow:#} {line}");
}

/// A line for a person who watches, apart from what a program reads.
pub(super) fn note(line: &impl Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
