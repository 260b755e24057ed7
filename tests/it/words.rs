//! One word for one thing: the words that `docs/glossary.md` replaces stay out of the code and the docs.

use std::path::{Path, PathBuf};

/// A word that is replaced, the one to use, and the phrases in which it means something else.
const WORDS: &[(&str, &str, &[&str])] = &[
    (
        "look",
        "scan",
        &[
            "look at",
            "look for",
            "look up",
            "look it up",
            "look like",
            "look the key",
            "look into",
            "look after",
            "look from",
            "look_up",
            "look_after",
            "look-like",
            "look where",
            "one look",
        ],
    ),
    (
        "looks",
        "scans",
        &[
            "looks after",
            "looks at",
            "looks like",
            "looks up",
            "looks back",
            "looks by default",
            "it looks",
            "class looks",
            "looks (",
            "looks in",
        ],
    ),
    ("tick", "scheduled run", &["enable_steady_tick"]),
    ("ticks", "scheduled runs", &[]),
    ("unwell", "active", &[]),
    ("not well", "unhealthy", &[]),
    ("ill", "unhealthy", &[]),
    ("born", "history_id", &[]),
    ("disproved", "violated", &[]),
    ("disproof", "filter violation", &[]),
    ("tempo", "page time", &[]),
    ("patience", "timeout", &[]),
    ("pace", "rate limiter", &[]),
    ("told", "notified, reported", &["is not told what to do", "as told", "told otherwise"]),
    ("telling", "notification policy", &[]),
    ("unsaid", "pending", &[]),
    ("untold", "not notified", &[]),
    ("lesser", "minimal", &[]),
    ("reduced", "minimal", &[]),
    ("owed", "lagging", &[]),
    ("owes", "lags", &[]),
    ("announce", "dispatch", &[]),
    ("announces", "dispatches", &[]),
    ("announced", "dispatched", &[]),
    ("announcer", "dispatcher", &[]),
    ("unannounced", "undispatched", &[]),
    ("rooms", "layers, modules", &[]),
    ("floors", "layers", &[]),
    ("doors", "entry points", &[]),
    ("whole look", "full scan", &[]),
    ("whole scan", "full scan", &[]),
];

fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let extension = entry.extension().and_then(|extension| extension.to_str());
        if entry.is_dir() {
            texts(&entry, found);
        } else if matches!(extension, Some("rs" | "js" | "css" | "html" | "md" | "json"))
            && !entry.ends_with("docs/glossary.md")
        {
            found.push(entry);
        }
    }
}

/// The places at which a word stands by itself. The parts of a snake_case name are words, too.
fn places(text: &str, word: &str) -> Vec<usize> {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let stands = |at: usize| {
        !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + word.len()..].chars().next())
    };
    text.match_indices(word).map(|(at, _)| at).filter(|at| stands(*at)).collect()
}

fn wrong(line: &str) -> Option<(&'static str, &'static str)> {
    let line = line.to_lowercase();
    WORDS.iter().find_map(|(word, better, excepted)| {
        let mut rest = line.clone();
        excepted.iter().for_each(|phrase| rest = rest.replace(phrase, ""));
        (!places(&rest, word).is_empty()).then_some((*word, *better))
    })
}

#[test]
fn the_code_and_the_docs_use_the_words_of_the_glossary() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    ["src", "docs"].iter().for_each(|folder| texts(&root.join(folder), &mut files));
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root).unwrap().display();
        for (number, line) in text.lines().enumerate() {
            if let Some((word, better)) = wrong(line) {
                found.push(format!("{name}:{}: {word:?}, better {better:?}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "see docs/glossary.md:\n{}", found.join("\n"));
}

#[test]
fn a_word_is_found_by_itself_and_not_in_a_longer_one() {
    for line in ["a quick look", "fn last_look()", "Ill: it failed", "the mark is owed"] {
        assert!(wrong(line).is_some(), "{line}");
    }
    for line in ["look at the log", "lookup", "it will fill", "enable_steady_tick(TICKING)", "a space"] {
        assert_eq!(wrong(line), None, "{line}");
    }
}
