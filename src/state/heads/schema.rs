//! The form in which items are stored, and which packwatch can read it.

use serde::Serialize;

use crate::model::Target;

/// The form of the stored items. An item of a newer one is refused.
pub const SCHEMA: u32 = 1;

/// The form in which an item is stored: its schema first, then its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stored<T> {
    schema: u32,
    #[serde(flatten)]
    item: T,
}

impl<T> Stored<T> {
    /// An item with the schema of this packwatch.
    pub fn new(item: T) -> Self {
        Self { schema: SCHEMA, item }
    }
}

/// What to tell of an item that a newer packwatch wrote.
pub fn newer_schema(target: &Target, schema: u64) -> String {
    format!(
        "the items of {target} have schema {schema}, written by a newer packwatch; this one knows schema \
         {SCHEMA}. Nothing of this pack was touched: deploy the newer version again, or restore the table"
    )
}
