//! What a recording may look like: the AWS CLI's document, its pages, the rows alone (`--query`), and what PowerShell's
//! `ConvertTo-Json` makes of them. Whatever is not whole for certain is an error that names it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::time;
use crate::model::text::{bounded, plain};
use crate::model::{AccountId, DetailedStatus, Status};

const LIST: &str = "OrganizationConformancePackDetailedStatuses";

/// Longest description of what is wrong, in bytes: it quotes the document.
const LONGEST_ERROR: usize = 600;

/// The rows of a recording, in its order.
pub(super) fn rows(text: &str) -> Result<Vec<DetailedStatus>, String> {
    let mut recording = Recording::default();
    for piece in serde_json::Deserializer::from_str(text).into_iter() {
        recording.take(piece.map_err(|error| explain(text, &error))?)?;
    }
    let Recording { rows, cut } = recording;
    match cut.as_slice() {
        [] if rows.is_empty() => Err("it is empty".to_owned()),
        [before @ .., false] if before.iter().all(|cut| *cut) => Ok(rows),
        [.., true] => {
            Err("it has a NextToken, so it is only a part. --no-paginate and --max-items cut so".to_owned())
        }
        [] => Ok(rows),
        _ => Err(format!(
            "it holds {} recordings: give each a file of its own",
            cut.iter().filter(|cut| !**cut).count()
        )),
    }
}

/// What was read until now, and of each page whether another one follows.
#[derive(Default)]
struct Recording {
    rows: Vec<DetailedStatus>,
    cut: Vec<bool>,
}

impl Recording {
    fn take(&mut self, piece: Piece) -> Result<(), String> {
        match piece {
            Piece::Row(row) => self.rows.push(row),
            Piece::Page { list, is_cut } => {
                let pages = self.cut.len();
                self.take(*list)?;
                self.cut.truncate(pages);
                self.cut.push(is_cut);
            }
            Piece::List(pieces) => {
                let pages = self.cut.len();
                for piece in pieces {
                    self.take(piece)?;
                }
                if self.cut.len() == pages {
                    self.cut.push(false);
                }
            }
        }
        Ok(())
    }
}

/// A JSON value of a recording.
enum Piece {
    Row(DetailedStatus),
    Page { list: Box<Piece>, is_cut: bool },
    List(Vec<Piece>),
}

impl<'de> Deserialize<'de> for Piece {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Piece;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{LIST}, or its rows (a --query may have left them out)")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Piece, A::Error> {
                let mut pieces = Vec::new();
                while let Some(piece) = items.next_element()? {
                    pieces.push(piece);
                }
                Ok(Piece::List(pieces))
            }
            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Piece, A::Error> {
                Object::deserialize(MapAccessDeserializer::new(fields))?.piece()
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Piece, E> {
                match text.starts_with("@{") {
                    true => Err(E::custom("a row is text: ConvertTo-Json cut it, and -Depth 5 does not")),
                    false => Err(E::invalid_type(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The fields of all objects that a recording may have.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    #[serde(rename = "OrganizationConformancePackDetailedStatuses")]
    list: Option<Box<Piece>>,
    next_token: Option<String>,
    /// Of `ConvertTo-Json`, around a list.
    #[serde(rename = "value")]
    value: Option<Box<Piece>>,
    account_id: Option<AccountId>,
    conformance_pack_name: Option<String>,
    status: Option<Constant>,
    error_code: Option<String>,
    error_message: Option<String>,
    #[serde(default, deserialize_with = "time::deserialize")]
    last_update_time: Option<jiff::Timestamp>,
}

/// A status as AWS prints it, or as `ConvertTo-Json` does with that of the AWS Tools for PowerShell.
#[derive(Deserialize)]
#[serde(untagged)]
enum Constant {
    Text(Status),
    Object {
        #[serde(rename = "Value")]
        value: Status,
    },
}

impl Object {
    fn piece<E: Error>(self) -> Result<Piece, E> {
        if let Some(list) = self.list {
            return Ok(Piece::Page { list, is_cut: self.next_token.is_some_and(|token| !token.is_empty()) });
        }
        if let Some(value) = self.value {
            return Ok(*value);
        }
        let missing =
            |field: &str| E::custom(format!("missing field `{field}` (a --query may have left it out)"));
        let (Some(account), status) = (self.account_id, self.status) else { return Err(missing(LIST)) };
        Ok(Piece::Row(DetailedStatus {
            account,
            conformance_pack_name: self
                .conformance_pack_name
                .ok_or_else(|| missing("ConformancePackName"))?,
            status: match status.ok_or_else(|| missing("Status"))? {
                Constant::Text(status) | Constant::Object { value: status } => status,
            },
            error_code: self.error_code,
            error_message: self.error_message,
            last_update: self.last_update_time,
        }))
    }
}

/// What a text is that cannot be read.
fn explain(text: &str, error: &serde_json::Error) -> String {
    let start = text.trim_start();
    let first_line = bounded(plain(start.lines().next().unwrap_or_default()), 200);
    let is_cli_error = ["An error occurred", "aws: error", "usage: aws", "Unable to locate"];
    let format =
        |format: &str| format!("it is what --output {format} prints, and not JSON: use --output json");
    match error.classify() {
        Category::Syntax if start.starts_with('<') => format!("it is HTML or XML: {first_line}"),
        Category::Syntax if is_cli_error.iter().any(|words| start.starts_with(words)) => {
            format!("the AWS CLI failed, and said: {first_line}")
        }
        Category::Syntax if start.starts_with(&LIST.to_uppercase()) => format("text"),
        Category::Syntax if start.starts_with(LIST) || start.starts_with("- AccountId") => {
            format("yaml (YAML)")
        }
        Category::Syntax if ["-----", "|", "+-"].iter().any(|line| start.starts_with(line)) => {
            format("table")
        }
        Category::Eof => format!("it ends in the middle: {error}"),
        Category::Data => {
            let fields = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(text).unwrap_or_default();
            let fields: Vec<String> = fields.into_keys().filter(|name| name != LIST).take(5).collect();
            let has =
                if fields.is_empty() { String::new() } else { format!(". It has {}", fields.join(", ")) };
            bounded(plain(&format!("{error}{has}")), LONGEST_ERROR)
        }
        _ => bounded(plain(&error.to_string()), LONGEST_ERROR),
    }
}
