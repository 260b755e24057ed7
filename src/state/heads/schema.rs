//! The forms in which items are stored, and which packwatch can read them.

use serde::Serialize;

use crate::model::{Kind, Target};
use crate::state::account::{Row, Transition};
use crate::state::log::Notice;
use crate::state::silence::Silence;

/// The newest form of the stored items that this packwatch knows. It refuses what is newer, and reads what is older.
pub const SCHEMA: u32 = 2;

/// The form that packwatch 0.1 knew. What it can express is stored in it, so that 0.1 can read that, too.
pub const FIRST_SCHEMA: u32 = 1;

/// An item that packwatch 0.1 may be able to read.
pub trait Versioned {
    /// The lowest form that can express it.
    fn schema(&self) -> u32 {
        FIRST_SCHEMA
    }
}

impl<T: Versioned> Versioned for &T {
    fn schema(&self) -> u32 {
        (**self).schema()
    }
}

impl Versioned for Row {}

impl Versioned for Silence {}

impl Versioned for Transition {
    fn schema(&self) -> u32 {
        if self.kind == Kind::FailedAgain { SCHEMA } else { FIRST_SCHEMA }
    }
}

impl Versioned for Notice {
    fn schema(&self) -> u32 {
        SCHEMA
    }
}

/// The form in which an item is stored: its schema first, then its fields. A head has the field itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stored<T> {
    /// The form's number.
    pub schema: u32,
    /// The item.
    #[serde(flatten)]
    pub item: T,
}

impl<T: Versioned> Stored<T> {
    /// An item in the lowest form that can express it.
    pub fn new(item: T) -> Self {
        Self { schema: item.schema(), item }
    }
}

/// What to tell of an item that a newer packwatch wrote.
pub fn newer_schema(target: &Target, schema: u64) -> String {
    format!(
        "the items of {target} have schema {schema}, written by a newer packwatch; this one knows schema \
         {SCHEMA}. Nothing of this pack was touched: deploy the newer version again, or restore the table"
    )
}
