//! Makes text from AWS harmless wherever it is shown. Error messages and codes can hold anything that
//! a member account's template or resource names put there.

/// Cuts to at most `limit` bytes at a character's boundary, and marks the cut.
pub fn bounded(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let mark = '…';
        text.truncate(text.floor_char_boundary(limit.saturating_sub(mark.len_utf8())));
        text.push(mark);
    }
    text
}

/// Cuts out the middle of what is longer than `limit` bytes: between words, where their ends are near.
pub fn abridged(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let half = limit.saturating_sub(" … ".len()) / 2;
    let begin = text.get(..text.floor_char_boundary(half)).unwrap_or_default();
    let end = text.get(text.ceil_char_boundary(text.len() - half)..).unwrap_or_default();
    let begin = begin.rsplit_once(' ').filter(|(_, cut)| cut.len() < 20).map_or(begin, |(words, _)| words);
    let end = end.split_once(' ').filter(|(cut, _)| cut.len() < 20).map_or(end, |(_, words)| words);
    format!("{begin} … {end}")
}

/// On one line, without control characters, and without the invisible characters that reorder text
/// (Unicode TR 9) or hide in it.
pub fn plain(text: &str) -> String {
    // As nearly every text is.
    let is_ascii = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if is_ascii && text.trim_ascii().len() == text.len() && !text.contains("  ") {
        return text.to_owned();
    }
    let visible = text.chars().filter_map(|c| match c {
        c if c.is_whitespace() || c.is_control() => Some(' '),
        '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => None,
        '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}' => None,
        c => Some(c),
    });
    visible.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As inline code in Slack's markup: there neither mentions, links nor formatting are acted on. The
/// three characters that Slack parses everywhere are escaped as it documents ("Formatting text for app
/// surfaces", Slack), and a back quote, which would end the code, becomes an apostrophe.
pub fn slack_code(text: &str) -> String {
    let escaped = slack_text(&plain(text).replace('`', "'"));
    if escaped.is_empty() { escaped } else { format!("`{escaped}`") }
}

/// With Slack's three special characters escaped.
pub fn slack_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// With nothing in it that a mail client, a phone or a chat makes a link of: `https[:]//example[.]com`, `someone[@]x`, as
/// reports of attacks spell them. What people must follow are packwatch's own links alone. A domain ends with letters, so
/// a dot before a digit makes none.
pub fn defused(text: &str) -> String {
    let mut defused = String::with_capacity(text.len());
    let mut rest = text.chars();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        let after = rest.clone().next().unwrap_or(' ');
        let is_inside = before.is_alphanumeric() || matches!(before, '-' | '_');
        match c {
            '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}' if is_inside && after.is_alphabetic() => {
                defused.push_str("[.]")
            }
            ':' if rest.as_str().starts_with("//") => defused.push_str("[:]"),
            '@' if is_inside && after.is_alphanumeric() => defused.push_str("[@]"),
            _ => defused.push(c),
        }
        before = c;
    }
    defused
}

/// Somebody else's text, on one line, without links, and not too long.
pub fn shown(text: &str, limit: usize) -> String {
    bounded(defused(&plain(text)), limit)
}

/// Printable ASCII only, everything else as `?`, within `limit` bytes: for a subject and text messages.
pub fn ascii_within(text: &str, limit: usize) -> String {
    let line = plain(text)
        .replace('…', "...")
        .chars()
        .map(|c| if matches!(c, ' '..='~') { c } else { '?' })
        .collect();
    // The mark of a cut has three bytes in either form.
    bounded(line, limit).replace('…', "...")
}

/// Text from the right to the left, kept apart from what stands around it (Unicode TR 9): without that,
/// the numbers beside an Arabic or Hebrew name change places with it.
pub fn isolated(text: &str) -> String {
    let is_right_to_left = |c: char| {
        matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
            | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
    };
    if text.chars().any(is_right_to_left) { format!("\u{2068}{text}\u{2069}") } else { text.to_owned() }
}

/// Which of the names that there are was meant by one that there is not, if one is near: the end of an error.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |meant| format!(". Did you mean {meant:?}?"))
}

fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // By Winkler, a common beginning counts more: who writes "Securty" may mean "Security-Baseline".
    let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase());
    let alike =
        known.into_iter().map(|known| (likeness(known), known)).filter(|(likeness, _)| *likeness > 0.8);
    alike.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, known)| known)
}

/// So many of something: `1 page`, `2 pages`, `18,000 accounts`.
pub fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A number with commas between its thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        for limit in 3..12 {
            let cut = bounded("añ€😀añ€😀".to_owned(), limit);
            assert!(cut.len() <= limit && cut.ends_with('…'), "{cut:?} at {limit}");
        }
        assert_eq!(bounded("whole".to_owned(), 5), "whole");
        assert_eq!(abridged("it was denied by the policy that denies it", 30), "it was … denies it");
        assert_eq!(abridged(&"n".repeat(90), 29), format!("{0} … {0}", "n".repeat(12)));
        for limit in 5..60 {
            let cut = abridged("añ€😀 añ€😀 añ€😀añ€😀 añ€😀", limit);
            assert!(cut.len() <= limit, "{cut:?} at {limit}");
        }
    }

    #[test]
    fn control_and_reordering_characters_go() {
        assert_eq!(plain("a\r\nb\u{0}c\u{202E}d\u{2066}e\u{200B}f\u{1b}[31mg"), "a b cdef [31mg");
    }

    #[test]
    fn only_text_from_the_right_is_isolated() {
        assert_eq!(isolated("payments"), "payments");
        assert_eq!(isolated("تجريبي"), "\u{2068}تجريبي\u{2069}");
    }

    #[test]
    fn what_was_meant_is_the_nearest_name() {
        let known = ["Security-Baseline", "Cost", "Security-Baseline-2"];
        assert_eq!(nearest("security-basline", known), Some("Security-Baseline"));
        assert_eq!(nearest("Cots", known), Some("Cost"));
        assert_eq!(nearest("Operations", known), None);
        assert_eq!(nearest("Securty", ["Cost", "Security-Baseline"]), Some("Security-Baseline"));
        assert_eq!(nearest("000000000000", ["740507300070"]), None);
    }

    #[test]
    fn thousands_are_kept_apart() {
        let cases = [(0, "0 pages"), (1, "1 page"), (999, "999 pages"), (1000, "1,000 pages")];
        for (n, text) in cases.into_iter().chain([(18_000, "18,000 pages"), (1_234_567, "1,234,567 pages")]) {
            assert_eq!(counted(n, "page"), text);
        }
    }

    #[test]
    fn nothing_is_left_that_becomes_a_link() {
        for (text, expected) in [
            ("https://evil.example/a.b?c=d.e", "https[:]//evil[.]example/a[.]b?c=d[.]e"),
            ("www.example.com", "www[.]example[.]com"),
            ("mailto:a.b@example.com", "mailto:a[.]b[@]example[.]com"),
            ("HTTP://1.2.3.4", "HTTP[:]//1.2.3.4"),
            ("evil\u{3002}example", "evil[.]example"),
            ("1.example.com x1.2y", "1[.]example[.]com x1.2y"),
            ("It failed. See rule 1.5 (1000 rules), e.g", "It failed. See rule 1.5 (1000 rules), e[.]g"),
            ("arn:aws:iam::111122223333:role/x", "arn:aws:iam::111122223333:role/x"),
            ("@channel . :/", "@channel . :/"),
        ] {
            assert_eq!(defused(text), expected);
        }
    }

    #[test]
    fn slack_acts_on_nothing() {
        assert_eq!(slack_code("<!here> `*b*` & <@U1>"), "`&lt;!here&gt; '*b*' &amp; &lt;@U1&gt;`");
    }
}
