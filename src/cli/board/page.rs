//! The board as a page for a browser: one file, without the network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::pin::pin;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::TryStreamExt;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::data::{Data, MOST_MOVES};
use super::names::KnownNames;
use crate::cli::outcome::Failure;
use crate::history::{History, Window};
use crate::model::Target;
use crate::ports::{Order, SnapshotStore};
use crate::state::head::Head;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(include_str!("model.js"), include_str!("grid.js"), include_str!("page.js"));

/// What the page is about.
pub(super) struct Page<'a> {
    pub(super) wanted: &'a BTreeMap<Target, Head>,
    /// The packs whose past is shown, each with its `history_id`: those that were deleted, too.
    pub(super) past: Vec<(Target, String)>,
    pub(super) names: &'a KnownNames,
    /// The options of a command that reads the same store.
    pub(super) from: Vec<String>,
    /// What to say where packs are out of date.
    pub(super) late: Option<String>,
}

/// Writes the page into a file, whole or not at all, or to stdout.
pub(super) async fn write(
    store: &impl SnapshotStore,
    page: Page<'_>,
    out: Option<&Path>,
) -> Result<(), Failure> {
    let Some(file) = out else {
        return page.write(store, BufWriter::new(io::stdout().lock())).await;
    };
    let wrong = |error: io::Error| format!("{}: {error}", file.display());
    // A new file, which is no link to another one, and beside the page, so that it can take its name.
    let name = file.file_name().ok_or_else(|| format!("{}: not the name of a file", file.display()))?;
    let unfinished = file.with_file_name(format!(".{}.{:016x}.part", name.display(), fastrand::u64(..)));
    let created = File::create_new(&unfinished).map_err(wrong)?;
    let written = page.write(store, BufWriter::new(created)).await;
    let written = written.and_then(|()| Ok(std::fs::rename(&unfinished, file).map_err(wrong)?));
    if written.is_err() {
        // Nothing is left to do when not even that can be removed.
        let _ = std::fs::remove_file(unfinished);
    }
    written
}

impl Page<'_> {
    async fn write(self, store: &impl SnapshotStore, mut out: impl Write) -> Result<(), Failure> {
        let (before, after) = frame();
        out.write_all(before.as_bytes())?;
        let mut data = Data::begin(out, Timestamp::now(), &self.from, self.late.as_deref())?;
        let mut packs = pin!(super::pack::read(store, self.wanted));
        while let Some(pack) = packs.try_next().await? {
            data.pack(&pack)?;
        }
        data.begin_moves()?;
        let mut history = History::new(store, self.past, Order::Newest, Window::default());
        let mut records = 0;
        let cut = loop {
            match history.next().await? {
                None => break false,
                Some(_) if records == MOST_MOVES => break true,
                Some(entry) => data.record(&entry)?,
            }
            records += 1;
        };
        data.end_moves(cut)?;
        self.names.look_up(data.unhealthy().collect::<BTreeSet<_>>().into_iter()).await;
        let mut out = data.finish(self.names)?;
        out.write_all(after.as_bytes())?;
        Ok(out.flush()?)
    }
}

/// What stands before and after the data. The page's policy lets nothing run and nothing style but what is here, by
/// its hash, and lets nothing be loaded or sent at all.
fn frame() -> (String, String) {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let page = PAGE.replace("{{policy}}", &policy).replace("{{style}}", STYLE).replace("{{script}}", SCRIPT);
    let (before, after) = page.split_once("{{data}}").unwrap_or((&page, ""));
    (before.to_owned(), after.to_owned())
}
