//! A starting token of any shape: what is taken and handed out again goes on at the same place, what is refused is
//! refused in few and harmless words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packwatch::model::text::plain;
use packwatch::watch::scan::paginate::{PaginationConfig, Paginator};
use packwatch::ports::Page;

const ITEMS: u16 = 300;

fuzz_target!(|token: &str| {
    match cut(token) {
        Ok((page, Some(next))) => {
            let (page_again, next_again) = cut(&next).expect("its own token is taken");
            assert_eq!((page_again, next_again.as_ref()), (page, Some(&next)), "it goes on where it was cut");
            let (skipped, of_next) = (first_item(token), first_item(&next));
            assert_eq!(skipped, of_next);
        }
        // The token skips more than the page has: there was nothing to cut.
        Ok((_, None)) => {}
        Err(error) => {
            assert!(error.len() < 4096, "{} bytes", error.len());
            assert_eq!(error, plain(&error), "no control character, and none that reorders text");
        }
    }
});

fn paginator(token: &str, max_items: u64) -> Result<Paginator, String> {
    let (max_items, starting_token) = (Some(max_items), Some(token.to_owned()));
    let config = PaginationConfig { max_items, starting_token, ..PaginationConfig::default() };
    Paginator::new(&config).map_err(|error| error.to_string())
}

fn page() -> Page<u16> {
    Page { items: (0..ITEMS).collect(), next_token: None }
}

/// The page that is asked for, and the token of a read that is cut before its first item.
fn cut(token: &str) -> Result<(Option<String>, Option<String>), String> {
    let mut read = paginator(token, 0)?;
    let request = read.next_request().expect("a read begins with a page");
    assert!(read.accept(page()).expect("a first page").is_empty());
    Ok((request.token, read.resume_token()))
}

/// Where in its page a token goes on.
fn first_item(token: &str) -> Option<u16> {
    let mut read = paginator(token, 1).expect("it was taken before");
    read.accept(page()).expect("a first page").first().copied()
}
