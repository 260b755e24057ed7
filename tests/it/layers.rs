//! The plan of the house, as `use` lines show it: which module may know which, and that no two files know each other in a
//! circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The modules of `src/`, layer by layer from the ground up. A module knows only the layers below its own: what is on one
/// layer does not know each other.
const LAYERS: &[(&[&str], &str)] = &[
    (&["model"], "AWS's words know nothing but themselves"),
    (&["settings", "state"], "what is set and what is kept are said in AWS's words"),
    (&["notify"], "what is reported is made of what is kept, as the settings want it"),
    (&["ports"], "the traits speak of what is kept and told"),
    (&["history", "rate_limit", "doctor"], "pure parts: no AWS, no files, no run"),
    (
        &["aws", "local", "watch"],
        "the run knows the outside by its traits alone, and AWS and a laptop do not know each other",
    ),
    (&["event"], "an event asks for a run"),
    (&["lambda", "cli"], "the two entry points put the outside and the run together"),
    (&["bin"], "two lines each"),
];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every Rust file of `src/`, by its module's path: `watch::plan`, and `watch` for `watch/mod.rs`.
fn files() -> BTreeMap<Vec<String>, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![src()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let path = entry.strip_prefix(src()).unwrap().with_extension("");
                let names = path.iter().map(|name| name.to_str().unwrap().to_owned());
                let module = names.filter(|name| name != "mod" && name != "lib").collect();
                found.insert(module, std::fs::read_to_string(&entry).unwrap());
            }
        }
    }
    found
}

/// The paths that a file's `use` declarations name, with groups taken apart. Its tests may use what they like.
fn used(module: &[String], text: &str, is_file: &dyn Fn(&[String]) -> bool) -> Vec<Vec<String>> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut paths = Vec::new();
    for line in code.split(';') {
        let Some(at) = line.rfind("use ").filter(|at| is_declaration(&line[..*at])) else { continue };
        for path in apart(&line[at + 4..].split_whitespace().collect::<Vec<_>>().join(" ")) {
            paths.extend(absolute(module, &path, is_file));
        }
    }
    paths
}

/// Whether a `use` that follows this begins a declaration, and not a word of a comment.
fn is_declaration(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.trim_start().is_empty() || line.trim_start().starts_with("pub")
}

fn apart(path: &str) -> Vec<String> {
    let Some((before, group)) = path.split_once('{') else { return vec![path.to_owned()] };
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut depth, mut item, mut items) = (0, String::new(), Vec::new());
    for c in group.chars().chain([',']) {
        match c {
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                item.push(c);
            }
        }
    }
    items
        .iter()
        .filter(|item| !item.trim().is_empty())
        .flat_map(|item| apart(&format!("{before}{}", item.trim())))
        .collect()
}

/// The path from the crate's root; `None` where another crate is meant.
fn absolute(module: &[String], path: &str, is_file: &dyn Fn(&[String]) -> bool) -> Option<Vec<String>> {
    let path = path.split(" as ").next().unwrap_or(path);
    let mut names: Vec<&str> = path.split("::").map(str::trim).collect();
    let mut base: Vec<String> = Vec::new();
    match names.first() {
        Some(&"crate") => drop(names.remove(0)),
        Some(&("self" | "super")) => {
            base = module.to_vec();
            while let Some(first @ ("self" | "super")) = names.first().copied() {
                names.remove(0);
                if first == "super" {
                    base.pop();
                }
            }
        }
        // A child of this very module, as in `use names::KnownNames`.
        Some(first) if is_file(&[module, &[(*first).to_owned()]].concat()) => base = module.to_vec(),
        _ => return None,
    }
    Some(base.into_iter().chain(names.into_iter().map(str::to_owned)).collect())
}

/// Which file uses which, by their modules.
fn arrows() -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let files = files();
    let mut arrows = BTreeMap::new();
    for (module, text) in &files {
        let file_of = |path: Vec<String>| {
            let longest = (1..=path.len()).rev().map(|n| path[..n].to_vec());
            longest.filter(|name| name != module).find(|name| files.contains_key(name))
        };
        // A child's items by way of their parent are the parent's; a name of one's own file is no arrow.
        let is_file = |name: &[String]| files.contains_key(name);
        let targets = used(module, text, &is_file).into_iter().filter_map(file_of);
        arrows.insert(module.clone(), targets.collect::<BTreeSet<_>>());
    }
    arrows
}

fn layer(module: &str) -> usize {
    let layer = LAYERS.iter().position(|(modules, _)| modules.contains(&module));
    layer.unwrap_or_else(|| panic!("src/{module} is on no layer: give it one in tests/it/layers.rs"))
}

#[test]
fn every_module_knows_only_the_layers_below() {
    let mut forbidden = Vec::new();
    for (from, targets) in arrows() {
        for to in targets {
            let (Some(a), Some(b)) = (from.first(), to.first()) else { continue };
            if a != b && layer(b) >= layer(a) {
                forbidden.push(format!("{} uses {}: {}", from.join("::"), to.join("::"), LAYERS[layer(a)].1));
            }
        }
    }
    assert!(forbidden.is_empty(), "forbidden imports:\n{}", forbidden.join("\n"));
}

#[test]
fn no_files_know_each_other_in_a_circle() {
    let mut left = arrows();
    // A file that uses nothing, or that nobody uses, of those that are left is in no circle.
    loop {
        let used: BTreeSet<_> = left.values().flatten().cloned().collect();
        let is_loose = |(file, uses): &(&Vec<String>, &BTreeSet<_>)| {
            !used.contains(*file) || !uses.iter().any(|to| left.contains_key(to))
        };
        let Some(loose) = left.iter().find(is_loose).map(|(file, _)| file.clone()) else { break };
        left.remove(&loose);
    }
    let arrow = |(from, to): (&Vec<String>, &BTreeSet<Vec<String>>)| format!("{} -> {to:?}", from.join("::"));
    let circles: Vec<String> = left.iter().map(arrow).collect();
    assert!(circles.is_empty(), "these files know each other in a circle:\n{}", circles.join("\n"));
}

#[test]
fn src_fits_on_one_screen() {
    let entries = std::fs::read_dir(src()).unwrap().count();
    assert!(
        entries <= 16,
        "src/ has {entries} entries: a new file belongs into a module, or is one that replaces others"
    );
}

#[test]
fn the_rules_see_what_is_forbidden() {
    let module = ["watch".to_owned(), "plan".to_owned()];
    let text = "//! use crate::aws::No;\nuse std::fmt;\nuse crate::{aws::{Connection, sns as s}, model::PackName};\n\
                use super::super::local;\npub use self::x::Y;\nuse child::Z;\n#[cfg(test)]\nmod tests { use crate::cli::Cli; }";
    let paths: Vec<String> = used(&module, text, &|name| name.last().is_some_and(|last| last == "child"))
        .iter()
        .map(|path| path.join("::"))
        .collect();
    assert_eq!(
        paths,
        [
            "aws::Connection",
            "aws::sns",
            "model::PackName",
            "local",
            "watch::plan::x::Y",
            "watch::plan::child::Z"
        ]
    );
}
