//! Which columns of a table are shown, and how wide: what all rows share stands once, names and texts are cut, and what
//! can be spared goes.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::parts::{Cell, Column, Cut, Group};

/// A table, line by line.
pub(super) struct Layout<'a> {
    pub(super) lines: Vec<String>,
    pub(super) left_out: Vec<&'a str>,
}

const GAP: usize = 2;

/// A column that is shown, by its place.
struct Shown<'a> {
    at: usize,
    column: Column<'a>,
    width: usize,
}

pub(super) fn lay_out<'a>(columns: &[Column<'a>], groups: &[Group], width: Option<usize>) -> Layout<'a> {
    let cells = |at: usize| groups.iter().flat_map(|group| &group.rows).filter_map(move |row| row.get(at));
    let count: usize = groups.iter().map(|group| group.rows.len()).sum();
    let mut constants = Vec::new();
    let mut shown: Vec<Shown<'_>> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let first = cells(at).next();
        let is_constant = |first: &Cell| count > 1 && cells(at).all(|cell| cell.text == first.text);
        match first {
            Some(_) if width.is_some() && cells(at).all(|cell| cell.is_empty) => {}
            Some(first) if width.is_some() && is_constant(first) => {
                constants.push(format!("{} {}", column.title, first.text));
            }
            _ => {
                let widest = match column.cut {
                    Cut::Id if width.is_some() => column.least,
                    _ => cells(at).map(|cell| cell.text.width()).max().unwrap_or(0),
                };
                shown.push(Shown { at, column: *column, width: widest.max(column.title.width()) });
            }
        }
    }
    let left_out = width.map_or_else(Vec::new, |width| fit(&mut shown, width));
    let room = width.unwrap_or(usize::MAX);
    let bold = Style::new().bold();
    let mut lines = Vec::new();
    if !constants.is_empty() {
        lines.extend(wrapped("All: ", &constants.join("; "), room));
        lines.push(String::new());
    }
    let header = |shown: &Shown<'_>| Cell::from(shown.column.title.to_owned());
    let header: Vec<Cell> = shown.iter().map(header).collect();
    lines.push(format!("{bold}{}{bold:#}", line(&shown, header.iter())));
    let total = shown.iter().map(|shown| shown.width + GAP).sum::<usize>().saturating_sub(GAP);
    lines.push("─".repeat(total));
    for group in groups {
        lines.extend(group.title.iter().map(|title| format!("{bold}{}{bold:#}", cut_end(title, room))));
        lines.extend(group.about.iter().flat_map(|about| wrapped("  ", about, room)));
        lines.extend(group.rows.iter().map(|row| line(&shown, shown.iter().filter_map(|s| row.get(s.at)))));
        lines.extend(group.footing.iter().map(|text| cut_end(text, room)));
        if group.title.is_some() {
            lines.push(String::new());
        }
    }
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    Layout { lines, left_out }
}

/// Cuts columns, the widest first, and where that is not enough leaves some out: those are returned.
fn fit<'a>(shown: &mut Vec<Shown<'a>>, width: usize) -> Vec<&'a str> {
    let least = |shown: &Shown<'_>| match shown.column.cut {
        Cut::Never | Cut::Id => shown.width,
        Cut::Middle | Cut::End => shown.width.min(shown.column.least.max(shown.column.title.width())),
    };
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

fn line<'a>(shown: &[Shown<'_>], cells: impl Iterator<Item = &'a Cell>) -> String {
    let mut line = String::new();
    let last = shown.len().saturating_sub(1);
    for (place, (shown, cell)) in shown.iter().zip(cells).enumerate() {
        let text = match shown.column.cut {
            Cut::Middle => cut_middle(&cell.text, shown.width),
            Cut::End => cut_end(&cell.text, shown.width),
            Cut::Id => cell.text.chars().take(shown.width).collect(),
            Cut::Never => cell.text.clone(),
        };
        let padding = " ".repeat(shown.width.saturating_sub(text.width()));
        let (before, after) =
            if shown.column.is_number { (padding, String::new()) } else { (String::new(), padding) };
        let style = cell.style;
        line.push_str(&format!("{before}{style}{text}{style:#}"));
        if place < last {
            line.push_str(&after);
            line.push_str(&" ".repeat(GAP));
        }
    }
    line.trim_end().to_owned()
}

/// Text in lines of at most `width` columns; all but the first are indented as far as `before` is wide.
fn wrapped(before: &str, text: &str, width: usize) -> Vec<String> {
    let indent = " ".repeat(before.width());
    let mut lines = Vec::new();
    let mut line = before.to_owned();
    let mut is_new = true;
    for word in text.split(' ') {
        if !is_new && line.width() + 1 + word.width() > width {
            lines.push(std::mem::replace(&mut line, indent.clone()));
            is_new = true;
        }
        if !is_new {
            line.push(' ');
        }
        line.push_str(word);
        is_new = false;
    }
    lines.push(line);
    lines.iter().map(|line| cut_end(line, width)).collect()
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

fn cut_end(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let kept = front(text.chars(), width.saturating_sub(1));
    format!("{}…", kept.into_iter().collect::<String>().trim_end())
}

fn cut_middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let mut tail = front(text.chars().rev(), room / 2);
    tail.reverse();
    let head = front(text.chars(), room - room / 2);
    head.into_iter().chain(std::iter::once('…')).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[[&str; 3]]) -> Vec<Group> {
        let row = |row: &[&str; 3]| row.iter().map(|cell| Cell::from((*cell).to_owned())).collect();
        vec![Group { rows: rows.iter().map(row).collect(), ..Group::default() }]
    }

    fn shown<'a>(
        columns: &[Column<'a>],
        groups: &[Group],
        width: Option<usize>,
    ) -> (Vec<String>, Vec<&'a str>) {
        let Layout { lines, left_out } = lay_out(columns, groups, width);
        (lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect(), left_out)
    }

    const COLUMNS: [Column<'_>; 3] =
        [Column::text("Region"), Column::name("Pack", 7), Column::prose("Error", 8)];

    #[test]
    fn names_are_cut_in_the_middle_and_prose_at_its_end_until_it_fits() {
        let groups = rows(&[
            ["eu", "Operational-Best-Practices", "There is no recorder"],
            ["us", "Cost", "a 漢字漢字漢字漢字漢字漢字"],
        ]);
        for width in 25..60 {
            let (lines, left_out) = shown(&COLUMNS, &groups, Some(width));
            assert!(lines.iter().all(|line| line.width() <= width), "{width}: {lines:#?}");
            assert!(left_out.is_empty());
        }
        let (lines, _) = shown(&COLUMNS, &groups, Some(34));
        assert_eq!(lines[2], "eu      Operat…tices  There is no…");
    }

    #[test]
    fn text_is_broken_between_words() {
        let text = "Region eu-west-1, Pack Security-Baseline";
        assert_eq!(wrapped("All: ", text, 28), ["All: Region eu-west-1, Pack", "     Security-Baseline"]);
        assert_eq!(wrapped("  ", text, usize::MAX), [format!("  {text}")]);
        assert_eq!(wrapped("", "Security-Baseline", 9), ["Security…"]);
    }
}
