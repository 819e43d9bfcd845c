//! Rows with what they stand for at the left, one column per key: the frame of charts about things that have no scale.

use super::scale::Scale;
use super::theme::{Canvas, EDGE, GRID, MUTED, Type, WHITE};
use super::{Scene, names, scale::Tick};

/// The most room that the columns may take, and that more than three of them may.
const WIDEST: f64 = 330.0;
const WIDEST_OF_MANY: f64 = 400.0;
/// Between two columns.
const GAP: f64 = 16.0;

/// The columns at the left: keys, and a value of each per row.
pub(super) struct Labels {
    heads: Vec<String>,
    /// By row, then column.
    cells: Vec<Vec<String>>,
    /// Where each column begins.
    starts: Vec<f64>,
    /// Where the last one ends.
    pub(super) right: f64,
}

impl Labels {
    const HEAD: Type = Type::LABEL.bold().muted();

    /// Columns for these axes, and for each row the indices of its values.
    pub(super) fn new(scene: &Scene<'_>, axes: &[usize], rows: &[Vec<usize>]) -> Labels {
        Labels::with(scene, axes, rows, None)
    }

    /// The same with one more column behind them: its head, and what it says in each row.
    pub(super) fn with(
        scene: &Scene<'_>,
        axes: &[usize],
        rows: &[Vec<usize>],
        last: Option<(&str, Vec<String>)>,
    ) -> Labels {
        let shorts = names::shorts(&scene.study.axes);
        let of_axis = |(column, axis): (usize, usize)| {
            let cell = |row: &Vec<usize>| names::value(&scene.study.axes[axis], row[column]);
            (names::capital(&shorts[axis]), rows.iter().map(cell).collect())
        };
        // What varies together has a column for each key.
        let together =
            |(column, &axis): (usize, &usize)| names::together(scene.study, axis).map(move |axis| (column, axis));
        let last = last.map(|(head, cells)| (head.to_string(), cells));
        let columns: Vec<(String, Vec<String>)> =
            axes.iter().enumerate().flat_map(together).map(of_axis).chain(last).collect();
        let room = if columns.len() > 3 { WIDEST_OF_MANY } else { WIDEST };
        let width = if columns.is_empty() { 0.0 } else { room / columns.len() as f64 - GAP };
        // What short columns leave is for the long ones.
        let natural = |(head, cells): &(String, Vec<String>)| {
            cells.iter().map(|cell| Type::LABEL.width(cell)).fold(Self::HEAD.width(head), f64::max)
        };
        let widths: Vec<f64> = columns.iter().map(natural).collect();
        let spare: f64 = widths.iter().map(|natural| (width - natural).max(0.0)).sum();
        let long = widths.iter().filter(|natural| **natural > width).count().max(1) as f64;
        let mut labels =
            Labels { heads: Vec::new(), cells: vec![Vec::new(); rows.len()], starts: Vec::new(), right: EDGE };
        for ((head, column), natural) in columns.iter().zip(widths) {
            let most = natural.min(width + spare / long);
            labels.starts.push(labels.right);
            labels.heads.push(Self::HEAD.cut(head, most));
            for (cells, cell) in labels.cells.iter_mut().zip(column) {
                cells.push(Type::LABEL.cut(cell, most));
            }
            labels.right += most + GAP;
        }
        labels
    }

    /// The names of the keys.
    pub(super) fn heads(&self, canvas: &mut Canvas<'_>, y: f64) {
        for (x, head) in self.starts.iter().zip(&self.heads) {
            canvas.text(*x, y, head, Self::HEAD);
        }
    }

    /// The values of a row; those that the row above says already are left out.
    pub(super) fn row(&self, canvas: &mut Canvas<'_>, row: usize, y: f64) {
        let mut same = row > 0;
        for (column, cell) in self.cells[row].iter().enumerate() {
            same = same && self.cells[row - 1][column] == *cell && column + 1 < self.cells[row].len();
            if !same {
                canvas.text(self.starts[column], y, cell, Type::LABEL);
            }
        }
    }

    /// All values of a row.
    pub(super) fn whole_row(&self, canvas: &mut Canvas<'_>, row: usize, y: f64) {
        for (x, cell) in self.starts.iter().zip(&self.cells[row]) {
            canvas.text(*x, y, cell, Type::LABEL);
        }
    }

    /// Whether a new group begins at this row: its first column differs from the row above.
    pub(super) fn starts_group(&self, row: usize) -> bool {
        let first = |row: usize| self.cells[row].first();
        row > 0 && self.cells[row].len() > 1 && first(row) != first(row - 1)
    }
}

/// Vertical lines through all rows with their labels above.
pub(super) fn grid(canvas: &mut Canvas<'_>, ticks: &[Tick], across: &Scale, top: f64, bottom: f64) {
    for (index, (number, text)) in ticks.iter().enumerate() {
        let x = across.at(*number);
        canvas.line((x, top), (x, bottom), if index == 0 { MUTED } else { GRID }, 1.0);
        canvas.text(x, top - 10.0, text, Type::LABEL.middle().muted());
    }
}

/// The number of a row right of what ends there, on its own ground, because a line of the grid may run behind it.
pub(super) fn value(canvas: &mut Canvas<'_>, end: f64, y: f64, text: &str) {
    let look = Type::LABEL.bold();
    canvas.rectangle(end + 7.0, y - 8.0, look.width(text) + 6.0, 16.0, WHITE);
    canvas.text(end + 10.0, y, text, look);
}
