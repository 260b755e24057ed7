//! AWS Config's words as types: regions, organization conformance packs, member accounts and the statuses of
//! deployments.

pub(crate) mod glob;
mod ids;
mod kind;
pub mod rejection;
mod status;
pub mod text;

use jiff::Timestamp;

pub use glob::PackGlob;
pub use ids::{AccountId, Invalid, PackName, Region, Target};
pub(crate) use ids::{Text, stored_as_text};
pub use kind::{Kind, Severity};
pub use status::{Phase, Status};

/// One row of `GetOrganizationConformancePackDetailedStatus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailedStatus {
    /// The member account.
    pub account: AccountId,
    /// The pack's name in the member account, `OrgConformsPack-…`.
    pub conformance_pack_name: String,
    /// The deployment's status there.
    pub status: Status,
    /// AWS Config's code of what went wrong; an open set.
    pub error_code: Option<String>,
    /// AWS Config's words for what went wrong; may hold request ids.
    pub error_message: Option<String>,
    /// When the status was last updated.
    pub last_update: Option<Timestamp>,
}
