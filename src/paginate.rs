//! botocore's pagination, exactly, without its I/O: a [`Paginator`] says which page to ask for, is
//! given the page, and gives back what of it the caller wants. `MaxItems` may cut inside a page; the
//! token that resumes there is botocore's own (base64 of JSON with `NextToken` and
//! `boto_truncate_amount`), so it works in the AWS CLI and boto3, and theirs work here.
//!
//! It differs on purpose in one thing: botocore notices a token that is repeated at once, this one
//! every token that was seen before, so that a cycle of tokens ends too.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::harmless::bounded;
use crate::ports::{Page, PageRequest};

/// More pages than any organization has: 50 packs × 10,000 accounts are 5,000 of 100 rows.
const MOST_PAGES: u64 = 20_000;

/// The caller's `PaginationConfig`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaginationConfig {
    /// Stop after this many items.
    pub max_items: Option<u64>,
    /// Ask for this many items a page (1–100).
    pub page_size: Option<u8>,
    /// Go on where an earlier read was cut.
    pub starting_token: Option<String>,
}

/// Why a read cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaginationError {
    /// `PageSize` outside what AWS Config takes.
    #[error("PageSize {0} is not valid: from 1 to 100")]
    PageSize(u64),
    /// `StartingToken` has botocore's form, but not its content.
    #[error("StartingToken {token:?} is not valid: {why}. Pass the NextToken of an earlier answer, whole")]
    StartingToken {
        /// As it was given.
        token: String,
        /// What is wrong with it.
        why: String,
    },
    /// The service would have this go on for ever.
    #[error("AWS Config returned a NextToken that it had returned before ({0:?}); the read is not complete")]
    RepeatedToken(String),
    /// The service does not end.
    #[error("AWS Config returned more than {MOST_PAGES} pages; the read is not complete")]
    TooManyPages,
}

impl PaginationConfig {
    /// Whether the read may begin after the first item or end before the last.
    pub fn is_cut(&self) -> bool {
        self.max_items.is_some() || self.starting_token.is_some()
    }

    /// Checks `PageSize`, before any call is made.
    pub fn page_size(size: u64) -> Result<u8, PaginationError> {
        u8::try_from(size).ok().filter(|n| (1..=100).contains(n)).ok_or(PaginationError::PageSize(size))
    }
}

/// Where a cut read goes on: the service's token of a page, and how many of its items to skip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Position {
    token: Option<String>,
    skip: Option<u64>,
}

impl Position {
    /// botocore's `TokenEncoder`: `json.dumps` with its default separators and ASCII escapes.
    fn encode(&self) -> String {
        let token = self.token.as_ref().map_or_else(|| "null".to_owned(), |token| ascii_json(token));
        let json = match self.skip {
            Some(skip) => format!(r#"{{"NextToken": {token}, "boto_truncate_amount": {skip}}}"#),
            None => format!(r#"{{"NextToken": {token}}}"#),
        };
        STANDARD.encode(json)
    }

    /// botocore's `_parse_starting_token`: the base64 JSON, else its deprecated `token___2`, else the
    /// service's own token.
    fn decode(text: &str) -> Result<Self, PaginationError> {
        let json = STANDARD.decode(text).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let Some(Value::Object(fields)) = json else {
            return Ok(Self::decode_deprecated(text));
        };
        let refuse = |why: &str| PaginationError::StartingToken {
            token: bounded(text.to_owned(), 200),
            why: bounded(why.to_owned(), 200),
        };
        let mut position = Self::default();
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("NextToken", Value::String(token)) => position.token = Some(token),
                ("NextToken", Value::Null) => {}
                ("boto_truncate_amount", Value::Number(n)) if n.is_u64() => position.skip = n.as_u64(),
                ("NextToken", _) => return Err(refuse("its NextToken is not a string")),
                ("boto_truncate_amount", _) => return Err(refuse("its boto_truncate_amount is not a count")),
                (other, _) => {
                    return Err(refuse(&format!("it holds {other:?}, so it is of another operation")));
                }
            }
        }
        Ok(position)
    }

    fn decode_deprecated(text: &str) -> Self {
        match text.split_once("___") {
            Some((token, skip)) if skip.trim().parse::<u64>().is_ok() => Self {
                token: Some(token.to_owned()).filter(|token| token != "None"),
                skip: skip.trim().parse().ok(),
            },
            _ => Self { token: Some(text.to_owned()), skip: None },
        }
    }
}

/// A JSON string as Python writes it: everything outside ASCII as `\uXXXX`.
fn ascii_json(text: &str) -> String {
    let mut out = String::new();
    for c in Value::from(text).to_string().chars() {
        if matches!(c, ' '..='~') {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// One read, page by page.
///
/// ```
/// use packwatch::paginate::{PaginationConfig, Paginator};
/// use packwatch::ports::Page;
///
/// let config = PaginationConfig { max_items: Some(3), ..Default::default() };
/// let mut read = Paginator::new(&config)?;
/// let mut items = Vec::new();
/// while let Some(request) = read.next_request() {
///     // ask the service for the page that `request` names …
///     let page = match request.token.as_deref() {
///         None => Page { items: vec![1, 2], next_token: Some("b".to_owned()) },
///         Some(_) => Page { items: vec![3, 4], next_token: None },
///     };
///     items.extend(read.accept(page)?);
/// }
/// assert_eq!(items, [1, 2, 3]);
/// assert!(read.resume_token().is_some(), "the fourth item was cut off");
/// # Ok::<(), packwatch::paginate::PaginationError>(())
/// ```
#[derive(Debug)]
pub struct Paginator {
    max_items: Option<u64>,
    page_size: Option<u8>,
    /// The token of the page that is read next, unless done.
    token: Option<String>,
    /// How many items to drop from the front of the first page.
    skip: Option<u64>,
    done: bool,
    items: u64,
    pages: u64,
    seen: HashSet<String>,
    resume: Option<Position>,
}

impl Paginator {
    /// A read that starts where `config` says.
    pub fn new(config: &PaginationConfig) -> Result<Self, PaginationError> {
        let start = config.starting_token.as_deref().map(Position::decode).transpose()?.unwrap_or_default();
        Ok(Self {
            max_items: config.max_items,
            page_size: config.page_size,
            seen: start.token.iter().cloned().collect(),
            token: start.token,
            skip: start.skip,
            done: false,
            items: 0,
            pages: 0,
            resume: None,
        })
    }

    /// The page to ask for, or `None` when the read has ended.
    pub fn next_request(&self) -> Option<PageRequest> {
        (!self.done).then(|| PageRequest { limit: self.page_size, token: self.token.clone() })
    }

    /// Takes the page that was asked for, and gives its items that are wanted.
    pub fn accept<T>(&mut self, page: Page<T>) -> Result<Vec<T>, PaginationError> {
        self.pages += 1;
        if self.pages > MOST_PAGES {
            return Err(PaginationError::TooManyPages);
        }
        let mut items = page.items;
        let skipped = self.skip.take().unwrap_or(0);
        items.drain(..to_index(skipped).min(items.len()));

        let wanted = self.max_items.map_or(u64::MAX, |max| max.saturating_sub(self.items));
        let found = items.len() as u64;
        if found > wanted {
            items.truncate(to_index(wanted));
            self.items += wanted;
            self.stop(Some(Position { token: self.token.clone(), skip: Some(skipped + wanted) }));
            return Ok(items);
        }
        self.items += found;
        match page.next_token {
            None => self.stop(None),
            Some(token) if Some(self.items) == self.max_items => {
                self.stop(Some(Position { token: Some(token), skip: None }));
            }
            Some(token) if !self.seen.insert(token.clone()) => {
                return Err(PaginationError::RepeatedToken(token));
            }
            Some(token) => self.token = Some(token),
        }
        Ok(items)
    }

    fn stop(&mut self, resume: Option<Position>) {
        self.done = true;
        self.resume = resume;
    }

    /// How many pages were read.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// The token that goes on where `MaxItems` cut, if it did.
    pub fn resume_token(&self) -> Option<String> {
        self.resume.as_ref().map(Position::encode)
    }
}

fn to_index(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service with `pages` of items, whose token is the page's number.
    fn read(pages: &[&[u32]], config: &PaginationConfig) -> (Vec<u32>, Option<String>) {
        let mut read = Paginator::new(config).unwrap();
        let mut items = Vec::new();
        while let Some(request) = read.next_request() {
            let n: usize = request.token.map_or(0, |token| token.parse().unwrap());
            let next_token = (n + 1 < pages.len()).then(|| (n + 1).to_string());
            items.extend(read.accept(Page { items: pages[n].to_vec(), next_token }).unwrap());
        }
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
            loop {
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
    }

    #[test]
    fn a_token_of_another_operation_is_refused_by_name() {
        let token = STANDARD.encode(r#"{"Marker": "x"}"#);
        let error = Position::decode(&token).unwrap_err().to_string();
        assert!(error.contains("\"Marker\""), "{error}");
    }

    #[test]
    fn page_sizes_outside_the_services_are_refused() {
        assert_eq!(PaginationConfig::page_size(100), Ok(100));
        assert_eq!(PaginationConfig::page_size(0), Err(PaginationError::PageSize(0)));
        assert_eq!(PaginationConfig::page_size(356), Err(PaginationError::PageSize(356)));
    }
}
