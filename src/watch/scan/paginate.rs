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
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::text::{bounded, plain};
use crate::ports::{Page, PageRequest};

/// More pages than any organization has: 50 packs × 10,000 accounts are 5,000 of 100 rows.
const MOST_PAGES: u64 = 20_000;

/// The caller's `PaginationConfig`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct PaginationConfig {
    /// Stop after this many items.
    pub max_items: Option<u64>,
    /// Ask for this many items a page (1–100).
    #[serde(deserialize_with = "page_size")]
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

fn page_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let size = Option::<u64>::deserialize(deserializer)?;
    size.map(PaginationConfig::page_size).transpose().map_err(D::Error::custom)
}

/// Where a cut read goes on: the service's token of a page, and how many of its items to skip.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Position {
    #[serde(rename = "NextToken")]
    token: Option<String>,
    #[serde(rename = "boto_truncate_amount")]
    skip: Option<u64>,
}

impl Position {
    /// botocore's `TokenEncoder`: `json.dumps` with its default separators.
    fn encode(&self) -> String {
        let token = Value::from(self.token.as_deref());
        let json = match self.skip {
            Some(skip) => format!(r#"{{"NextToken": {token}, "boto_truncate_amount": {skip}}}"#),
            None => format!(r#"{{"NextToken": {token}}}"#),
        };
        STANDARD.encode(json)
    }

    /// botocore's base64 of JSON, else the service's own token.
    fn decode(text: &str) -> Result<Self, PaginationError> {
        let json = STANDARD.decode(text).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let Some(json @ Value::Object(_)) = json else {
            return Ok(Self { token: Some(text.to_owned()), skip: None });
        };
        serde_json::from_value(json).map_err(|error| PaginationError::StartingToken {
            token: bounded(plain(text), 200),
            why: bounded(plain(&error.to_string()), 200),
        })
    }
}

/// One read, page by page.
///
/// ```
/// use packwatch::watch::scan::paginate::{PaginationConfig, Paginator};
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
/// # Ok::<(), packwatch::watch::scan::paginate::PaginationError>(())
/// ```
#[derive(Debug)]
pub struct Paginator {
    max_items: Option<u64>,
    page_size: Option<u8>,
    /// What is read next; `None`: the read has ended.
    next: Option<Position>,
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
            next: Some(start),
            items: 0,
            pages: 0,
            resume: None,
        })
    }

    /// The page to ask for, or `None` when the read has ended.
    pub fn next_request(&self) -> Option<PageRequest> {
        let token = self.next.as_ref()?.token.clone();
        Some(PageRequest { limit: self.page_size, token, before: self.pages })
    }

    /// Takes the page that was asked for, and gives its items that are wanted.
    pub fn accept<T>(&mut self, page: Page<T>) -> Result<Vec<T>, PaginationError> {
        let here = self.next.take().unwrap_or_default();
        self.pages += 1;
        if self.pages > MOST_PAGES {
            return Err(PaginationError::TooManyPages);
        }
        let mut items = page.items;
        let skipped = here.skip.unwrap_or(0);
        items.drain(..to_index(skipped).min(items.len()));

        let wanted = self.max_items.map_or(u64::MAX, |max| max.saturating_sub(self.items));
        if items.len() as u64 > wanted {
            items.truncate(to_index(wanted));
            self.resume = Some(Position { skip: Some(skipped + wanted), ..here });
            return Ok(items);
        }
        self.items += items.len() as u64;
        let Some(token) = page.next_token else { return Ok(items) };
        let next = Some(Position { token: Some(token.clone()), skip: None });
        if Some(self.items) == self.max_items {
            self.resume = next;
        } else if self.seen.insert(token.clone()) {
            self.next = next;
        } else {
            return Err(PaginationError::RepeatedToken(token));
        }
        Ok(items)
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
mod tests;
