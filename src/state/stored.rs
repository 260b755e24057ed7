//! How both stores have an item, beside its keys and its zipped `data`.

use serde::{Deserialize, Serialize};

use super::head::{SCHEMA, SharedSettings};

/// An item with the number of its form.
#[derive(Debug, Serialize)]
pub struct Stored<T> {
    schema: u32,
    #[serde(flatten)]
    item: T,
}

impl<T> Stored<T> {
    /// An item in the form that this packwatch knows.
    pub fn new(item: T) -> Self {
        Self { schema: SCHEMA, item }
    }
}

/// The scheduled function's settings.
#[derive(Debug, Serialize, Deserialize)]
pub struct SettingsItem {
    /// Each that is set, as text.
    pub settings: SharedSettings,
}
