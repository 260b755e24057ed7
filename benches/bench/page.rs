//! The tables, on the terminal and in `docs/performance.md`.

use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
const BEGIN: &str = "<!-- make bench RECORD=1: begin -->";
const END: &str = "<!-- make bench RECORD=1: end -->";

/// What was measured until now.
#[derive(Default)]
pub(crate) struct Page(String);

impl Page {
    /// Shows a section, and keeps it.
    pub(crate) fn add(&mut self, section: &str) {
        println!("{section}");
        self.0.push('\n');
        self.0.push_str(section);
    }

    /// Puts everything between the marks of the page.
    pub(crate) fn record(&self) {
        let page = fs::read_to_string(PAGE).expect("docs/performance.md is there");
        let (before, rest) = page.split_once(BEGIN).expect("it has the mark of the beginning");
        let (_, after) = rest.split_once(END).expect("it has the mark of the end");
        let page = format!("{before}{BEGIN}\n{}\n{END}{after}", self.0.trim_end_matches('\n'));
        fs::write(PAGE, page).expect("docs/performance.md can be written");
    }
}
