use super::*;

/// A service with `pages` of items, whose token is the page's number.
fn read(pages: &[&[u32]], config: &PaginationConfig) -> (Vec<u32>, Option<String>) {
    let mut read = Paginator::new(config).unwrap();
    let mut items = Vec::new();
    for _ in pages {
        let Some(request) = read.next_request() else { break };
        let n: usize = request.token.map_or(0, |token| token.parse().unwrap());
        let next_token = (n + 1 < pages.len()).then(|| (n + 1).to_string());
        items.extend(read.accept(Page { items: pages[n].to_vec(), next_token }).unwrap());
    }
    assert_eq!(read.next_request(), None, "it has ended");
    (items, read.resume_token())
}

fn cut(max_items: u64, starting_token: Option<String>) -> PaginationConfig {
    PaginationConfig { max_items: Some(max_items), starting_token, ..Default::default() }
}

#[test]
fn a_cut_is_botocores_token_and_counts_from_the_start_of_the_page() {
    let pages: &[&[u32]] = &[&[1, 2, 3, 4], &[5, 6]];
    for (max_items, json) in [
        (2, r#"{"NextToken": null, "boto_truncate_amount": 2}"#),
        (4, r#"{"NextToken": "1"}"#),
        (5, r#"{"NextToken": "1", "boto_truncate_amount": 1}"#),
    ] {
        let (items, token) = read(pages, &cut(max_items, None));
        assert_eq!(items.len() as u64, max_items);
        assert_eq!(STANDARD.decode(token.unwrap()).unwrap(), json.as_bytes());
    }
}

#[test]
fn every_cut_resumes_to_the_whole() {
    let pages: &[&[u32]] = &[&[0, 1, 2], &[3], &[], &[4, 5, 6, 7]];
    for step in 1..10 {
        let (mut all, mut token) = (Vec::new(), None);
        for _ in 0..8 {
            let (items, next) = read(pages, &cut(step, token));
            all.extend(items);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(all, (0..8).collect::<Vec<_>>(), "in steps of {step}");
    }
}

#[test]
fn a_token_seen_before_ends_the_read_with_an_error() {
    let mut read = Paginator::new(&PaginationConfig::default()).unwrap();
    for token in ["a", "b"] {
        read.accept(Page { items: vec![()], next_token: Some(token.to_owned()) }).unwrap();
    }
    let again = read.accept(Page { items: vec![()], next_token: Some("a".to_owned()) });
    assert_eq!(again, Err(PaginationError::RepeatedToken("a".to_owned())));
}

#[test]
fn the_services_own_token_is_taken_and_one_of_another_operation_is_not() {
    for token in ["abc", "MTIz", "AAAA"] {
        let raw = Position { token: Some(token.to_owned()), skip: None };
        assert_eq!(Position::decode(token), Ok(raw));
    }
    for (token, why) in [
        (r#"{"Marker": "x"}"#, "unknown field `Marker`"),
        (r#"{"NextToken": 1}"#, "expected a string"),
        (r#"{"NextToken": null, "boto_truncate_amount": -1}"#, "expected u64"),
        (r#"{"boto_truncate_amount": "2"}"#, "expected u64"),
    ] {
        let error = Position::decode(&STANDARD.encode(token)).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_service_that_does_not_end_is_given_up_after_20_000_pages() {
    let mut read = Paginator::new(&PaginationConfig::default()).unwrap();
    let mut page = |n: u64| read.accept(Page { items: vec![()], next_token: Some(n.to_string()) });
    assert!((1..=20_000).all(|n| page(n).is_ok()));
    assert_eq!(page(20_001), Err(PaginationError::TooManyPages));
}

#[test]
fn page_sizes_outside_the_services_are_refused() {
    assert_eq!(PaginationConfig::page_size(100), Ok(100));
    assert_eq!(PaginationConfig::page_size(0), Err(PaginationError::PageSize(0)));
    assert_eq!(PaginationConfig::page_size(356), Err(PaginationError::PageSize(356)));
}
