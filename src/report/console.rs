//! What a person sees after a run: the verdict first, then the table, the failures, the cautions and the files.
//!
//! It returns text and prints nothing. No line exceeds [`WIDTH`] columns, paths excepted: a broken path cannot be used.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};

use crate::model::Estimator;

use super::digest::{Digest, Grid, HeadKind, Said};
use super::words;
use super::{Findings, cautions};

/// The columns of the narrowest terminal that is provided for.
pub const WIDTH: usize = 100;

/// Between two columns.
const GAP: usize = 2;
/// So many characters of a head stay in one line where it has to be broken; fewer in narrower tables.
const HEADS: [usize; 4] = [16, 13, 10, 8];

/// Colours, or none.
pub(super) struct Palette {
    pub(super) pass: Style,
    pub(super) fail: Style,
    pub(super) strong: Style,
    pub(super) faint: Style,
}

impl Palette {
    pub(super) fn new(colour: bool) -> Palette {
        if !colour {
            return Palette { pass: Style::new(), fail: Style::new(), strong: Style::new(), faint: Style::new() };
        }
        Palette {
            pass: AnsiColor::Green.on_default().bold(),
            fail: AnsiColor::Red.on_default().bold(),
            strong: Style::new().bold(),
            faint: Style::new().dimmed(),
        }
    }
}

pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Text for these findings; `folder` is where the files lie, if any were written.
pub fn render(findings: Findings<'_>, folder: Option<&Path>, colour: bool) -> String {
    let palette = Palette::new(colour);
    let digest = Digest::of(findings);
    let mut text = String::new();
    let mut line = |content: &str| {
        text.push_str(content.trim_end());
        text.push('\n');
    };

    headline(digest.holds, &digest.headline, &palette, &mut line);
    expectations(digest.verdicts.iter(), &palette, &mut line);
    for sentence in &digest.sentences {
        for (index, part) in words::wrap(sentence, WIDTH - 4).iter().enumerate() {
            line(&format!("{}{part}", if index == 0 { "  " } else { "    " }));
        }
    }

    for grid in digest.grids() {
        if grid.rows.is_empty() {
            continue;
        }
        show(grid, &palette, &mut line);
    }
    notes(&digest.notes, &mut line);
    line("");
    for part in words::wrap(&how(findings), WIDTH) {
        line(&paint(palette.faint, &part));
    }
    if let Some(folder) = folder {
        line(&format!("Results: {}", folder.display()));
    }
    text
}

/// A table behind an empty line, with its title and its remark.
pub(super) fn show(grid: &Grid, palette: &Palette, line: &mut dyn FnMut(&str)) {
    line("");
    for part in words::wrap(&grid.title, WIDTH) {
        if !part.is_empty() {
            line(&paint(palette.strong, &part));
        }
    }
    let (lines, complete) = table(grid);
    let heads = lines.len() - grid.rows.len();
    for (index, row) in lines.iter().enumerate() {
        line(&if index < heads { paint(palette.faint, row) } else { row.clone() });
    }
    let mut remark = grid.remark.clone();
    if !complete && remark.is_empty() {
        remark = format!("More columns, and names in full, are in {}.", grid.file);
    }
    if !remark.is_empty() {
        for part in words::wrap(&remark, WIDTH) {
            line(&paint(palette.faint, &part));
        }
    }
}

/// Cautions behind an empty line, if there are any.
pub(super) fn notes(notes: &[String], line: &mut dyn FnMut(&str)) {
    if !notes.is_empty() {
        line("");
    }
    for note in notes {
        for (index, part) in words::wrap(note, WIDTH - 6).iter().enumerate() {
            line(&format!("{}{part}", if index == 0 { "note: " } else { "      " }));
        }
    }
}

/// The verdict alone: the headline, and every expectation that does not hold.
pub fn verdict(findings: Findings<'_>, colour: bool) -> String {
    let palette = Palette::new(colour);
    let mut digest = Digest::of(findings);
    let imprecise = cautions::imprecise(findings.study, findings.results);
    if imprecise.is_some() {
        digest.holds = Some(false);
    }
    let mut lines = Vec::new();
    headline(digest.holds, &digest.headline, &palette, &mut |line| lines.push(line.trim_end().to_owned()));
    expectations(digest.verdicts.iter().filter(|said| !said.holds), &palette, &mut |line| {
        lines.push(line.trim_end().to_owned());
    });
    for (index, part) in imprecise.iter().flat_map(|text| words::wrap(text, WIDTH - 8)).enumerate() {
        let mark = if index == 0 { paint(palette.fail, "FAIL") } else { "    ".to_string() };
        lines.push(format!("  {mark}  {part}"));
    }
    lines.join("\n")
}

/// The sentence that is read if only one is, with what came of the expectations, if there were any.
pub(super) fn headline(holds: Option<bool>, text: &str, palette: &Palette, line: &mut dyn FnMut(&str)) {
    for (index, part) in words::wrap(text, WIDTH - 6).iter().enumerate() {
        match (holds, index) {
            (None, _) => line(&paint(palette.strong, part)),
            (Some(true), 0) => line(&format!("{}  {}", paint(palette.pass, "PASS"), paint(palette.strong, part))),
            (Some(false), 0) => line(&format!("{}  {}", paint(palette.fail, "FAIL"), paint(palette.strong, part))),
            (Some(_), _) => line(&format!("      {}", paint(palette.strong, part))),
        }
    }
}

fn expectations<'a>(said: impl Iterator<Item = &'a Said>, palette: &Palette, line: &mut dyn FnMut(&str)) {
    for said in said {
        let (word, style) = if said.holds { ("pass", palette.pass) } else { ("FAIL", palette.fail) };
        for (index, part) in words::wrap(&said.text, WIDTH - 8).iter().enumerate() {
            let mark = if index == 0 { paint(style, word) } else { "    ".to_string() };
            line(&format!("  {mark}  {part}"));
        }
        if !said.holds {
            for part in words::wrap(&said.why, WIDTH - 8) {
                line(&format!("        {part}"));
            }
            line(&format!("        {}", paint(palette.faint, &said.place)));
        }
    }
}

/// Seed and effort, which anybody needs who wants the same numbers again.
pub(crate) fn how(findings: Findings<'_>) -> String {
    let Some(run) = findings.study.points.first().map(|point| &point.model.run) else { return String::new() };
    let replications = findings.results.iter().map(|result| result.replications);
    let (fewest, most) = (replications.clone().min().unwrap_or(0), replications.max().unwrap_or(0));
    let replications = if fewest == most {
        words::counted(u64::from(most), "replication")
    } else {
        format!("{fewest} to {most} replications")
    };
    let estimator = match run.estimator {
        Estimator::Counting => "",
        Estimator::Conditional => " Rates are what each job had to expect given its times, not counts.",
    };
    format!("Seed {}, {replications} of {}.{estimator}", run.seed, words::duration(run.duration))
}

/// The lines of a table, cut until they fit; and whether everything is in them.
fn table(grid: &Grid) -> (Vec<String>, bool) {
    let optional = grid.heads.iter().filter(|head| matches!(head.kind, HeadKind::Optional(_))).count();
    // Heads give way first, into several lines, and lose nothing; then the labels, but not beyond recognition; then the
    // optional columns; then the labels again.
    let narrow = HEADS[HEADS.len() - 1];
    let attempts = std::iter::once(usize::MAX)
        .chain(HEADS)
        .map(|head| (usize::MAX, 0, head))
        .chain([60, 44, 30, 22, 16].into_iter().map(|cap| (cap, 0, narrow)))
        .chain((1..=optional).flat_map(|drop| HEADS.map(|head| (16, drop, head))))
        .chain([12, 9, 7, 5, 3, 1].into_iter().map(|cap| (cap, optional, narrow)));
    let mut lines = Vec::new();
    let mut complete = true;
    for (cap, drop, head) in attempts {
        complete = cap == usize::MAX;
        lines = draw(grid, cap, drop, head);
        if lines.iter().all(|(_, width)| *width <= WIDTH) {
            break;
        }
    }
    let lines = lines.into_iter().map(|(line, _)| words::cut(&line, WIDTH).into_owned()).collect();
    (lines, complete)
}

/// The table with labels of at most `cap` characters, without `drop` of its optional columns, and with heads broken
/// into lines of at most `longest` characters or the width of their cells; with the width.
fn draw(grid: &Grid, cap: usize, drop: usize, longest: usize) -> Vec<(String, usize)> {
    let mut ranks: Vec<u8> = grid.heads.iter().filter_map(|head| optional_rank(head.kind)).collect();
    ranks.sort_unstable_by(|a, b| b.cmp(a));
    let gone = &ranks[..drop.min(ranks.len())];
    let kept: Vec<usize> = (0..grid.heads.len())
        .filter(|&index| optional_rank(grid.heads[index].kind).is_none_or(|rank| !gone.contains(&rank)))
        .collect();
    let columns: Vec<Vec<String>> = kept
        .iter()
        .map(|&index| {
            let cells: Vec<&str> = grid.rows.iter().map(|row| row[index].as_str()).collect();
            match grid.heads[index].kind {
                HeadKind::Label => words::shortened(&cells, cap),
                HeadKind::Number | HeadKind::Optional(_) => cells.into_iter().map(str::to_owned).collect(),
            }
        })
        .collect();
    let heads = kept.iter().zip(&columns).map(|(&index, cells)| {
        let head = &grid.heads[index];
        let widest = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        let text = words::broken(&head.text, widest.max(longest));
        let lines = text.split('\n').map(|line| match head.kind {
            HeadKind::Label => words::cut(line, cap),
            HeadKind::Number | HeadKind::Optional(_) => line.into(),
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    table.set_header(heads.collect::<Vec<_>>());
    for row in 0..grid.rows.len() {
        table.add_row(columns.iter().map(|cells| cells[row].as_str()).collect::<Vec<_>>());
    }
    for (column, &index) in table.column_iter_mut().zip(&kept) {
        column.set_padding((0, GAP as u16));
        if grid.heads[index].kind != HeadKind::Label {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let width = table.column_max_content_widths().iter().map(|&width| usize::from(width) + GAP).sum::<usize>() - GAP;
    table.lines().map(|line| (line.trim_end().to_string(), width)).collect()
}

fn optional_rank(kind: HeadKind) -> Option<u8> {
    match kind {
        HeadKind::Optional(rank) => Some(rank),
        HeadKind::Label | HeadKind::Number => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn no_line_is_too_long_whatever_the_names() {
        for (name, case) in fixture::cases() {
            let text = render(case.findings(), Some(Path::new("output/x")), false);
            if std::env::var_os("OUTLAST_SHOW").is_some() {
                println!("──── {name}\n{text}");
            }
            let place = case.study.expectations.first().map_or("no place", |expectation| &expectation.place);
            for line in text.lines().filter(|line| line.trim() != place) {
                assert!(line.chars().count() <= WIDTH, "{name}: {} columns: {line}", line.chars().count());
            }
        }
    }

    /// Two keys with long names and values that differ in their middle: each point can still be told from every other.
    #[test]
    fn points_can_be_told_apart() {
        let mut grid = Grid::new("", "summary.csv", String::new());
        grid.head("point", HeadKind::Number);
        grid.head("missed_syncs", HeadKind::Label);
        for head in ["nova.DEFAULT.block_device_allocate_retries", "cinder.DEFAULT.block_device_retries_interval"] {
            grid.head(head, HeadKind::Number);
        }
        for head in ["failure_rate", "95 % interval", "stolen token", "validations/h"] {
            grid.head(head, HeadKind::Number);
        }
        let values =
            ["[]", "[{ node = 2, from = \"2h\", until = \"10h\" }]", "[{ node = 2, from = \"2h\", until = \"28h\" }]"];
        for (point, value) in values.into_iter().enumerate() {
            let cells = [&point.to_string(), value, "2400", "3", "0.05 %", "0.04 to 0.06 %", "49 h", "1,234 (+0.1 %)"];
            grid.rows.push(cells.map(str::to_owned).to_vec());
        }
        let (lines, _) = table(&grid);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{}", lines.join("\n"));
        let text = lines.join("\n");
        for part in ["failure_", "10h", "28h", "device_", "+0.1 %"] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn the_verdict_comes_first() {
        let text = render(fixture::lifetime_by_switch().findings(), None, false);
        assert!(
            text.starts_with("FAIL  one-hour-tokens: the expectation does not hold\n  FAIL  token_failure_rate"),
            "{text}"
        );
        assert!(text.contains("scenarios/one-hour-tokens.toml:52"), "{text}");
        assert!(text.contains("exceeds 0.1 %"), "{text}");
        let passing = fixture::expect(fixture::calm(), 0.5, "calm.toml:3");
        assert!(render(passing.findings(), None, false).starts_with("PASS  calm: the expectation holds\n  pass  "));
    }

    #[test]
    fn without_expectations_the_rate_is_the_verdict() {
        let text = render(fixture::single().findings(), None, false);
        let first = text.lines().next().unwrap();
        assert!(
            first.starts_with("one-hour-tokens: ") && first.contains("% of boot-from-volume jobs fail (95 % interval "),
            "{first}"
        );
        let calm = render(fixture::calm().findings(), None, false);
        assert!(calm.starts_with("calm: no boot-from-volume job fails (at most "), "{calm}");
        assert!(!calm.contains("Failures"), "{calm}");
    }

    #[test]
    fn an_expectation_that_matches_nothing_says_so() {
        let mut case = fixture::line();
        case.verdicts[0].checks.clear();
        let text = render(case.findings(), None, false);
        assert!(text.contains("it matches no point"), "{text}");
    }

    #[test]
    fn colour_is_the_callers_choice() {
        let case = fixture::line();
        assert!(!render(case.findings(), None, false).contains('\u{1b}'));
        assert!(render(case.findings(), None, true).contains("\u{1b}["));
    }

    #[test]
    fn missing_values_are_dashes() {
        let mut case = fixture::single();
        fixture::empty(&mut case.results[0]);
        let text = render(case.findings(), None, false);
        assert!(text.starts_with("one-hour-tokens: no boot-from-volume job finished"), "{text}");
        assert!(text.contains('–'), "{text}");
    }
}
