//! What the documents say of the tests is so.

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
