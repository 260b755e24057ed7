//! The board as a page for a browser: one file, without the network.

use std::collections::BTreeMap;
use std::pin::pin;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::TryStreamExt;
use sha2::{Digest, Sha256};

use super::data::{Data, MOST_MOVES};
use crate::history::{History, Window};
use crate::model::Target;
use crate::ports::{Order, SnapshotStore, StoreError};
use crate::state::head::Head;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(include_str!("model.js"), include_str!("grid.js"), include_str!("page.js"));

/// Gathers what the page shows: the packs that are wanted, and the past of these and of those that were deleted, each with
/// its `history_id`.
pub(super) async fn gather(
    mut data: Data,
    store: &impl SnapshotStore,
    wanted: &BTreeMap<Target, Head>,
    past: Vec<(Target, String)>,
) -> Result<Data, StoreError> {
    let mut packs = pin!(super::pack::read(store, wanted));
    while let Some(pack) = packs.try_next().await? {
        data.pack(&pack);
    }
    let mut history = History::new(store, past, Order::Newest, Window::default());
    let mut records = 0;
    while let Some(entry) = history.next().await? {
        if records == MOST_MOVES {
            data.cut = true;
            break;
        }
        data.record(&entry);
        records += 1;
    }
    Ok(data)
}

/// The page around its data. Its policy lets nothing run and nothing style but what is here, by its hash, and lets nothing
/// be loaded or sent at all.
pub(super) fn framed(data: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let page = PAGE.replace("{{policy}}", &policy).replace("{{style}}", STYLE).replace("{{script}}", SCRIPT);
    page.replace("{{data}}", data)
}
