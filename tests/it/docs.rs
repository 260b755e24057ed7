//! What the documents say is so: the tests, files and log lines that they name, the places to which they link, and the
//! English.

use std::collections::BTreeSet;
use std::path::Path;

pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The `module::test` between back quotes.
fn named(document: &str) -> BTreeSet<(String, String)> {
    let quoted = document.split('`').skip(1).step_by(2);
    let pairs = quoted.filter_map(|name| name.rsplit_once("::"));
    pairs.map(|(module, test)| (module.to_owned(), test.to_owned())).collect()
}

#[test]
fn every_test_that_failures_md_names_exists() {
    let named = named(&text("docs/failures.md"));
    assert!(named.len() > 20, "{named:?}");
    for (module, test) in named {
        let source = text(&format!("tests/it/{}.rs", module.replace("::", "/")));
        // A part of the contract is a function with a parameter, of which a macro makes a test.
        let functions = [format!("fn {test}("), format!("fn {test}<")];
        assert!(functions.iter().any(|f| source.contains(f)), "tests/it/{module}.rs has no test {test}");
    }
}

/// Every document of the repository, and every message that a test renders.
fn documents() -> Vec<String> {
    let files = |folder: &str, end: &str| -> Vec<String> {
        let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(end)).map(|name| format!("{folder}/{name}")).collect()
    };
    [
        files(".", ".md"),
        files("docs", ".md"),
        files("deploy/dist", ".md"),
        files("deploy/terraform", ".md"),
        files("tests/it/snapshots", ".snap"),
    ]
    .concat()
}

/// As GitHub makes an anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for document in documents().into_iter().filter(|name| name.ends_with(".md")) {
        let folder = Path::new(&document).parent().unwrap();
        let source = text(&document);
        let targets =
            source.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")) {
            let (file, section) = target.split_once('#').unwrap_or((target, ""));
            let place =
                if file.is_empty() { document.clone() } else { folder.join(file).display().to_string() };
            let is_there = Path::new(env!("CARGO_MANIFEST_DIR")).join(&place).exists();
            assert!(is_there, "{document}: {target} leads nowhere");
            if !section.is_empty() {
                let there = text(&place);
                let mut headings = there.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(
                    headings.any(|heading| heading == section),
                    "{document}: {target} has no such heading"
                );
            }
            links += 1;
        }
    }
    assert!(links > 100, "{links}");
}

/// What stands between back quotes in a document, apart from its blocks of code.
fn quoted(document: &str) -> Vec<String> {
    let text: Vec<&str> = document.split("```").step_by(2).collect();
    text.concat().split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The folders of the repository that paths in documents begin with.
const FOLDERS: [&str; 10] =
    [".cargo", ".github", "benches", "deploy", "docs", "events", "fuzz", "requirements", "scripts", "src"];

/// Whether somebody who reads this between back quotes takes it for a file of the repository.
fn is_path(quoted: &str) -> bool {
    let is_plain = quoted.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let begins = |folder: &str| quoted.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let is_within = FOLDERS.into_iter().chain(["tests"]).any(begins);
    let ends = |end| Path::new(quoted).extension().is_some_and(|extension| extension == end);
    is_plain && (is_within || ["md", "rs", "toml", "yaml"].into_iter().any(ends))
}

#[test]
fn every_path_between_back_quotes_exists() {
    let mut paths = 0;
    for document in documents().into_iter().filter(|name| name.ends_with(".md")) {
        for path in quoted(&text(&document)).into_iter().filter(|quoted| is_path(quoted)) {
            let is_there = Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).exists();
            assert!(is_there, "{document}: there is no {path}");
            paths += 1;
        }
    }
    assert!(paths > 60, "{paths}");
}

#[test]
fn no_setting_and_no_parameter_has_two_rows() {
    let page = text("docs/settings.md");
    let first = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let mut names = BTreeSet::new();
    for name in first.flat_map(|cell| cell.split('`').step_by(2)) {
        assert!(names.insert(name), "docs/settings.md has two rows of {name}");
    }
    assert!(names.len() > 35, "{names:?}");
}

/// Every Rust file of `src/`, with its text.
fn sources() -> Vec<(String, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// The texts of the warnings in a source: the last literal of each `warn!`.
fn warnings(source: &str) -> Vec<String> {
    let calls = source.split("warn!(").skip(1);
    let literals = calls.map(|rest| {
        let mut last = None;
        // Up to the end of the macro, literals are every other part.
        for (n, part) in rest.split('"').enumerate() {
            if n % 2 == 1 {
                last = Some(part);
            } else if part.contains(");") || part.contains("),\n") || part.contains("))") {
                break;
            }
        }
        last.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    });
    literals.collect()
}

#[test]
fn every_warning_has_a_row_in_logging_md() {
    let page = text("docs/logging.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| WARN ")).collect();
    let mut found = 0;
    for (path, source) in sources() {
        for warning in warnings(&source) {
            let warning = warning.replace("\\ ", "");
            let is_there = rows.iter().any(|row| row.contains(&format!("`{warning}`")));
            assert!(is_there, "docs/logging.md has no row for {warning:?} of {path}");
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
}

/// Words that the glossary has replaced, and that mean nothing else here.
const REPLACED: [&str; 14] = [
    " tick",
    "quick look",
    "whole look",
    "disproof",
    "unwell",
    "not well",
    " owed",
    " owes",
    "announcer",
    "announces",
    "announcing",
    "unsaid",
    "patience",
    "tempo ",
];

#[test]
fn no_document_has_a_word_that_the_glossary_has_replaced() {
    for document in documents().into_iter().filter(|name| name.ends_with(".md")) {
        // Names of tests are not the document's words, and the bench writes its own.
        let source = text(&document);
        let source = source.split("<!-- make bench RECORD=1: ").step_by(2).collect::<String>();
        let words = source.split('`').step_by(2).collect::<Vec<_>>().concat().to_lowercase();
        let found: Vec<&str> = REPLACED.into_iter().filter(|word| words.contains(word)).collect();
        let is_glossary = document == "docs/glossary.md";
        assert!(is_glossary || found.is_empty(), "{document}: {found:?}");
    }
}

/// Turns of phrase that are translated, not English.
const TRANSLATED: [&str; 14] = [
    "tells of ",
    "told of ",
    "mended",
    "to be had",
    "is it well",
    "nobody is to ",
    "keeps and sends",
    "watching the watcher",
    "still failed",
    "as it came",
    "accounts more",
    "packs more",
    "a fault of packwatch",
    "goes on with",
];

#[test]
fn no_document_or_message_has_a_translated_turn_of_phrase() {
    for document in documents() {
        let source = text(&document).to_lowercase();
        let found: Vec<&str> = TRANSLATED.into_iter().filter(|phrase| source.contains(phrase)).collect();
        assert!(found.is_empty(), "{document}: {found:?}");
    }
}

/// Somebody who has just heard of packwatch: what it is instead of, which way is theirs, and how it is upgraded.
#[test]
fn a_newcomer_finds_the_way_the_alternatives_and_the_upgrade() {
    let (readme, faq, deploy) = (text("README.md"), text("docs/faq.md"), text("docs/deploy.md"));
    for what in ["polling script", "Security Hub", "aggregator", "Steampipe", "StackSets"] {
        assert!(
            faq.to_lowercase().contains(&what.to_lowercase()),
            "docs/faq.md does not compare with {what}"
        );
    }
    for (document, way) in
        [(&faq, "Lambda, laptop or CI? SAM or Terraform?"), (&deploy, "SAM"), (&deploy, "Terraform")]
    {
        assert!(document.contains(way), "{way}");
    }
    for link in
        ["docs/faq.md", "docs/deploy.md#which-way-is-right-for-me", "docs/runbook.md#how-do-i-upgrade"]
    {
        assert!(readme.contains(link), "README.md does not lead to {link}");
    }
}
