//! packwatch tells an AWS organization's people, within one poll, when the deployment status of an
//! organization conformance pack changes in any member account.
//!
//! Data flows one way. An [`event`] asks for a look; [`plan`] says at which targets (an organization
//! conformance pack in a region); [`observe`] reads AWS Config with botocore's pagination
//! ([`paginate`]); [`effective`] adds what follows from the time; [`fingerprint`] says whether anything
//! is new at all; [`compare`] says what; [`record`] writes it, fenced; [`announce`] gathers, publishes
//! and commits; [`report`] answers. [`watch`] and, for one target, [`look`] know the order.
//!
//! What comes from outside comes through [`ports`]. [`aws`] is the only place that knows the
//! AWS SDK, [`local`] the only one that knows files, SQLite and the terminal.
//! [`notification`] is what a reader is told, [`render`] lays it out, [`message`] fits it into SNS.

// A run is one task of one thread: nobody needs the futures of the ports to be `Send`.
#![expect(async_fn_in_trait, reason = "the ports are implemented and called here only")]

pub mod announce;
#[cfg(feature = "aws")]
pub mod aws;
pub mod batch;
pub mod budget;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod compare;
#[cfg(feature = "doctor")]
pub mod deployment;
pub mod effective;
pub mod event;
pub mod fan_out;
pub mod fingerprint;
pub mod flap;
pub mod harmless;
pub mod hints;
pub mod history;
pub mod keys;
#[cfg(feature = "cli")]
pub mod local;
pub mod logs;
pub mod look;
pub mod message;
pub mod model;
pub mod names;
pub mod notification;
pub mod observe;
pub mod owed;
pub mod pace;
pub mod paginate;
pub mod plan;
pub mod ports;
pub mod queued;
pub mod record;
pub mod render;
pub mod report;
pub mod settings;
pub mod silence;
pub mod snapshot;
pub mod watch;
