//! What the documents say is so: the tests that they name, the places to which they link, and the English.

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
        // A part of the contract is a function that a macro makes a test of.
        let functions = [format!("fn {test}()"), format!("fn {test}(store: &impl Store)")];
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
