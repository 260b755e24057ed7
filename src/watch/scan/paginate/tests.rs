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
fn a_cut_inside_the_first_page_is_botocores_token() {
    let (items, token) = read(&[&[1, 2, 3, 4]], &cut(2, None));
    assert_eq!(items, [1, 2]);
    let json = STANDARD.decode(token.unwrap()).unwrap();
    assert_eq!(String::from_utf8(json).unwrap(), r#"{"NextToken": null, "boto_truncate_amount": 2}"#);
}

#[test]
fn a_resumed_cut_counts_from_the_start_of_the_page() {
    let (_, token) = read(&[&[1, 2, 3, 4], &[5, 6]], &cut(1, None));
    let (items, token) = read(&[&[1, 2, 3, 4], &[5, 6]], &cut(1, token));
    assert_eq!(items, [2]);
    let (items, token) = read(&[&[1, 2, 3, 4], &[5, 6]], &cut(9, token));
    assert_eq!((items, token), (vec![3, 4, 5, 6], None));
}

#[test]
fn a_cut_at_a_page_boundary_has_no_truncation() {
    let (_, token) = read(&[&[1, 2], &[3]], &cut(2, None));
    let json = STANDARD.decode(token.unwrap()).unwrap();
    assert_eq!(String::from_utf8(json).unwrap(), r#"{"NextToken": "1"}"#);
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
fn tokens_outside_ascii_are_escaped_as_python_does() {
    let position = Position { token: Some("é\u{1F600}\"/\u{7f}".to_owned()), skip: None };
    let json = String::from_utf8(STANDARD.decode(position.encode()).unwrap()).unwrap();
    assert_eq!(json, "{\"NextToken\": \"\\u00e9\\ud83d\\ude00\\\"/\\u007f\"}");
    assert_eq!(Position::decode(&position.encode()).unwrap(), position);
}

#[test]
fn old_and_raw_tokens_are_taken_as_botocore_takes_them() {
    let old = Position { token: Some("abc".to_owned()), skip: Some(2) };
    assert_eq!(Position::decode("abc___2").unwrap(), old);
    let raw = Position { token: Some("abc___x".to_owned()), skip: None };
    assert_eq!(Position::decode("abc___x").unwrap(), raw);
    let first = Position { token: None, skip: Some(2) };
    assert_eq!(Position::decode("None___2").unwrap(), first);
}

#[test]
fn a_token_that_is_not_of_this_operation_is_refused_with_what_is_wrong() {
    for (token, why) in [
        (r#"{"Marker": "x"}"#, "it holds \"Marker\", so it is of another operation"),
        (r#"{"NextToken": 1}"#, "its NextToken is not a string"),
        (r#"{"NextToken": null, "boto_truncate_amount": -1}"#, "its boto_truncate_amount is not a count"),
        (r#"{"boto_truncate_amount": "2"}"#, "its boto_truncate_amount is not a count"),
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
