//! What a person sees who waits: a line on the terminal's stderr, from the second second on.

use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::text::counted;

/// What takes no longer needs no line.
const LATE: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_millis(120);

/// A line that says what is being done. Clones are the same line; it is gone with the last of them.
#[derive(Clone)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn start(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let bar = bar.with_style(ProgressStyle::default_spinner()).with_message(what);
        let waiting = bar.downgrade();
        // A thread, since reading a file holds up the runtime.
        thread::spawn(move || {
            thread::sleep(LATE);
            if let Some(bar) = waiting.upgrade().filter(|bar| !bar.is_finished()) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(INTERVAL);
            }
        });
        Self(bar)
    }

    /// One more of these has been read.
    pub(super) fn read(&self, what: &str) {
        self.0.inc(1);
        self.0.set_message(format!("{} read", counted(self.0.position(), what)));
    }

    /// Makes room for what is printed.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
