//! Which columns of a table are shown, and how wide: what all rows share stands once, what is long loses its middle, and
//! what can be spared goes.

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const GAP: usize = 2;

/// A column.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Column {
    title: &'static str,
    is_number: bool,
    /// How narrow it may become.
    least: usize,
    /// Which is left out first where cutting is not enough; 0: none of these.
    spare: u8,
    /// As much of a text as tables show.
    pub(super) short: fn(&str) -> String,
    colour: fn(&str) -> Option<AnsiColor>,
}

impl Column {
    /// Text that is shown whole.
    pub(in crate::cli) const fn text(title: &'static str) -> Self {
        let (short, colour) = (str::to_owned as fn(&str) -> String, (|_| None) as fn(&str) -> _);
        Self { title, is_number: false, least: usize::MAX, spare: 0, short, colour }
    }

    /// Text that may be cut to so many columns.
    pub(in crate::cli) const fn long(title: &'static str, least: usize) -> Self {
        Self { least, ..Self::text(title) }
    }

    /// An id, of which the beginning is shown.
    pub(in crate::cli) const fn id(title: &'static str) -> Self {
        Self { short: |id| id.chars().take(8).collect(), ..Self::text(title) }
    }

    /// A time, in RFC 3339, of which the minute is shown.
    pub(in crate::cli) const fn time(title: &'static str) -> Self {
        Self {
            short: |time| time.chars().take(16).collect::<String>().replace('T', " "),
            ..Self::text(title)
        }
    }

    /// A number.
    pub(in crate::cli) const fn number(title: &'static str) -> Self {
        Self { is_number: true, ..Self::text(title) }
    }

    /// The same, left out where there is no room: the largest first.
    pub(in crate::cli) const fn spare(self, spare: u8) -> Self {
        Self { spare, ..self }
    }

    /// The same, in the colour of what stands in it.
    pub(in crate::cli) const fn coloured(self, colour: fn(&str) -> Option<AnsiColor>) -> Self {
        Self { colour, ..self }
    }
}

/// Rows under one heading.
#[derive(Debug, Default)]
pub(in crate::cli) struct Group {
    pub(in crate::cli) title: Option<String>,
    /// What stands below the title.
    pub(in crate::cli) about: Option<String>,
    pub(in crate::cli) rows: Vec<Vec<String>>,
    /// What stands below the rows.
    pub(in crate::cli) footing: Option<String>,
}

/// A column that is shown, by its place.
struct Shown {
    at: usize,
    column: Column,
    width: usize,
}

/// A table, line by line, and the titles of what is left out.
pub(super) fn lay_out(
    columns: &[Column],
    groups: &[Group],
    width: Option<usize>,
) -> (Vec<String>, Vec<&'static str>) {
    let (mut shown, shared) = choose(columns, groups, width.is_some());
    let left_out = width.map_or_else(Vec::new, |width| fit(&mut shown, width));
    let room = width.unwrap_or(usize::MAX);
    let bold = Style::new().bold();
    let mut lines = Vec::new();
    if !shared.is_empty() {
        lines.extend(wrapped("All: ", &shared.join("; "), room));
        lines.push(String::new());
    }
    let header = line(&shown, |column| (column.column.title, Style::new()));
    lines.push(format!("{bold}{header}{bold:#}"));
    let total = shown.iter().map(|shown| shown.width + GAP).sum::<usize>().saturating_sub(GAP);
    lines.push("─".repeat(total));
    for (n, group) in groups.iter().enumerate() {
        if n > 0 {
            lines.push(String::new());
        }
        lines.extend(group.title.iter().map(|title| format!("{bold}{}{bold:#}", cut(title, room))));
        lines.extend(group.about.iter().flat_map(|about| wrapped("  ", about, room)));
        lines.extend(group.rows.iter().map(|row| line(&shown, |shown| shown.of(row))));
        lines.extend(group.footing.iter().map(|text| cut(text, room)));
    }
    (lines, left_out)
}

/// The columns that say something, as wide as what stands in them; and, where there is not room for everything, what all
/// rows share.
fn choose(columns: &[Column], groups: &[Group], is_narrow: bool) -> (Vec<Shown>, Vec<String>) {
    let rows = || groups.iter().flat_map(|group| &group.rows);
    let (mut shown, mut shared) = (Vec::new(), Vec::new());
    for (at, column) in columns.iter().enumerate() {
        let cells = || rows().filter_map(move |row| row.get(at));
        let is_empty = |cell: &String| cell.is_empty() || (column.is_number && cell == "0");
        match cells().next().filter(|_| is_narrow) {
            Some(_) if cells().all(is_empty) => {}
            Some(first) if cells().nth(1).is_some() && cells().all(|cell| cell == first) => {
                shared.push(format!("{} {first}", column.title));
            }
            _ => {
                let widest = cells().map(|cell| cell.width()).max().unwrap_or(0);
                shown.push(Shown { at, column: *column, width: widest.max(column.title.width()) });
            }
        }
    }
    (shown, shared)
}

impl Shown {
    /// What stands in it, and how.
    fn of<'a>(&self, row: &'a [String]) -> (&'a str, Style) {
        let text = row.get(self.at).map_or("", String::as_str);
        (text, Style::new().fg_color((self.column.colour)(text).map(Into::into)))
    }
}

/// Cuts columns, the widest first, and where that is not enough leaves some out: those are returned.
fn fit(shown: &mut Vec<Shown>, width: usize) -> Vec<&'static str> {
    let least = |shown: &Shown| shown.width.min(shown.column.least.max(shown.column.title.width()));
    let total = |widths: &mut dyn Iterator<Item = usize>| widths.map(|width| width + GAP).sum::<usize>();
    let room = width + GAP;
    let mut left_out = Vec::new();
    while total(&mut shown.iter().map(least)) > room {
        let spare = shown.iter().enumerate().filter(|(_, shown)| shown.column.spare > 0);
        let Some((at, _)) = spare.max_by_key(|(_, shown)| shown.column.spare) else { break };
        left_out.push(shown.remove(at).column.title);
    }
    let mut over = total(&mut shown.iter().map(|shown| shown.width)).saturating_sub(room);
    while over > 0 {
        let wider = shown.iter_mut().filter(|shown| shown.width > least(shown));
        let Some(widest) = wider.max_by_key(|shown| shown.width) else { break };
        widest.width -= 1;
        over -= 1;
    }
    left_out
}

fn line<'a>(shown: &[Shown], cell: impl Fn(&Shown) -> (&'a str, Style)) -> String {
    let mut line = String::new();
    for shown in shown {
        let (text, style) = cell(shown);
        let text = cut(text, shown.width);
        let padding = " ".repeat(shown.width.saturating_sub(text.width()));
        let (before, after) = if shown.column.is_number { (&*padding, "") } else { ("", &*padding) };
        line.push_str(&format!("{before}{style}{text}{style:#}{after}{:GAP$}", ""));
    }
    line.trim_end().to_owned()
}

/// Text in lines of at most `width` columns; all but the first are indented as far as `before` is wide.
fn wrapped(before: &str, text: &str, width: usize) -> Vec<String> {
    let room = width.saturating_sub(before.width());
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= room => line.push_str(&format!(" {word}")),
            _ => lines.push(word.to_owned()),
        }
    }
    let begins = std::iter::once(before.to_owned()).chain(std::iter::repeat(" ".repeat(before.width())));
    begins.zip(lines).map(|(begin, line)| cut(&format!("{begin}{line}"), width)).collect()
}

/// As many characters from the front as `width` columns hold.
fn front(characters: impl Iterator<Item = char>, width: usize) -> Vec<char> {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    characters.take_while(fits).collect()
}

/// Text in at most `width` columns. The beginning and the end of a name or a message say most.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let begin: String = front(text.chars(), kept - kept / 2).into_iter().collect();
    let end: String = front(text.chars().rev(), kept / 2).into_iter().rev().collect();
    format!("{begin}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_in_the_middle_until_they_fit() {
        const COLUMNS: [Column; 3] =
            [Column::text("Region"), Column::long("Pack", 7), Column::long("Error", 8)];
        let rows = [
            ["eu", "Operational-Best-Practices", "There is no recorder"],
            ["us", "Cost", "a 漢字漢字漢字漢字漢字漢字"],
        ];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        let group = Group { rows, ..Group::default() };
        for width in 25..60 {
            let (lines, left_out) = lay_out(&COLUMNS, std::slice::from_ref(&group), Some(width));
            let plain = |line: &String| anstream::adapter::strip_str(line).to_string();
            let lines: Vec<String> = lines.iter().map(plain).collect();
            assert!(lines.iter().all(|line| line.width() <= width), "{width}: {lines:#?}");
            assert!(left_out.is_empty());
            if width == 34 {
                assert_eq!(lines[2], "eu      Operat…tices  There …order");
            }
        }
    }

    #[test]
    fn a_word_that_does_not_fit_is_cut() {
        assert_eq!(wrapped("", "in Security-Baseline", 9), ["in", "Secu…line"]);
    }
}
