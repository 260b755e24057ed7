//! packwatch notifies an AWS organization's people, within one poll, when the deployment status of an
//! organization conformance pack changes in any member account.
//!
//! The layers, from the top to the bottom; each knows only what is below it:
//!
//! - [`lambda`] and [`cli`]: the two entry points. [`event`] is what Lambda hands in.
//! - [`watch`]: one run, in its order. It knows the outside only through [`ports`].
//! - [`aws`] and [`local`]: the outside, over the AWS SDK, and over SQLite, recorded
//!   statuses and the terminal. They know neither each other nor the run.
//! - [`history`], [`rate_limit`] and [`doctor`]: the log of many packs as one list, how fast AWS Config is asked, and what is
//!   wrong with a deployment.
//! - [`ports`]: the traits between the two.
//! - [`notify`]: what is reported, and in which form. [`state`]: what is kept. [`settings`], and [`model`], AWS's words.
//!
//! Begin with [`watch::run`].

// A run is one task of one thread: nobody needs the futures of the ports to be `Send`.
#![expect(async_fn_in_trait, reason = "the ports are implemented and called here only")]

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "doctor")]
pub mod doctor;
pub mod event;
pub mod history;
#[cfg(feature = "aws")]
pub mod lambda;
#[cfg(feature = "cli")]
pub mod local;
pub mod model;
pub mod notify;
pub mod ports;
pub mod rate_limit;
pub mod settings;
pub mod state;
pub mod watch;
