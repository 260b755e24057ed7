//! The heads: what is known of each target as a whole, and the writes that change it. Each write is a pure function of
//! the head that it finds: the stores apply them, or say the same in their own conditions.

mod head;
mod schema;
mod writes;

pub use head::{Counts, Head, Heads, counts};
pub use schema::{SCHEMA, Stored, newer_schema};
pub use writes::{Advance, Change, Claim, Closing, Finish, ITEMS_PER_TRANSACTION, Mark, Note, listening};

#[cfg(test)]
mod tests;
