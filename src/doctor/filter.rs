//! Whether AWS Config's filter can be relied on: what quick looks save, and whether they are made.

use super::finding::Finding;
use crate::doctor::facts::{Answer, FilteredPage};
use crate::model::Target;
use crate::model::text::counted;

/// Judges the first page of each status that a quick look reads, of a target whose whole look takes so many calls.
pub(crate) fn filter(target: &Target, whole: u64, pages: &Answer<Vec<FilteredPage>>) -> Finding {
    let check = format!("quick looks in {}", target.region);
    let pages = match pages {
        Ok(pages) => pages,
        Err(why) => return Finding::unanswered(check, why, "the pack no longer exists"),
    };
    match pages.iter().find_map(wrong) {
        None => {
            let calls = counted(pages.len() as u64, "call");
            let least = if pages.iter().any(|page| page.has_more) { "at least " } else { "" };
            let message = format!("{least}{calls} instead of {whole}; the filter works ({})", target.pack);
            Finding::ok(check, message)
        }
        Some(why) => Finding::warning(
            check,
            format!(
                "AWS Config's filter is unreliable: {why}. So every run reads all accounts: {whole} calls for {}",
                target.pack
            ),
        )
        .remedy("Nothing is missed. If runs are too slow, poll less often"),
    }
}

fn wrong(page: &FilteredPage) -> Option<String> {
    let FilteredPage { status, rows, other, has_more } = page;
    match other {
        Some(other) => Some(format!("a request for {status} also returned {other}")),
        None if *has_more && *rows < 100 => {
            Some(format!("a page for {status} has {rows} rows and is not the last"))
        }
        None => None,
    }
}
