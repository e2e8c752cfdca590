//! What is printed: a figure, its target, what was measured, and whether that reaches it.

use std::fmt;

/// A line of the table.
pub struct Row {
    figure: String,
    target: String,
    measured: String,
    reached: &'static str,
}

impl Row {
    /// A figure that must not be above its target.
    pub fn at_most(figure: &str, target: f64, measured: f64, unit: &str) -> Self {
        Self {
            figure: figure.into(),
            target: format!("<= {} {unit}", number(target)),
            measured: format!("{} {unit}", number(measured)),
            reached: if measured <= target { "yes" } else { "NO" },
        }
    }

    /// A figure that must not be below its target.
    pub fn at_least(figure: &str, target: f64, measured: f64, unit: &str) -> Self {
        Self {
            figure: figure.into(),
            target: format!(">= {} {unit}", number(target)),
            measured: format!("{} {unit}", number(measured)),
            reached: if measured >= target { "yes" } else { "NO" },
        }
    }

    /// The same with something to add.
    pub fn with(mut self, remark: &str) -> Self {
        self.measured = format!("{} ({remark})", self.measured);
        self
    }

    /// A figure without a target.
    pub fn note(figure: &str, measured: impl fmt::Display) -> Self {
        Self { figure: figure.into(), target: "-".into(), measured: measured.to_string(), reached: "-" }
    }

    fn cells(&self) -> [&str; 4] {
        [&self.figure, &self.target, &self.measured, self.reached]
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, target {}, reached: {}", self.figure, self.measured, self.target, self.reached)
    }
}

/// At most two decimals, and only where they say something.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        v if v < 10.0 => format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').into(),
        v if v < 100.0 => format!("{value:.1}").trim_end_matches(".0").into(),
        _ => format!("{value:.0}"),
    }
}

/// All rows, in columns.
pub fn table(rows: &[Row]) -> String {
    let lines: Vec<Vec<String>> = rows.iter().map(|row| row.cells().map(str::to_owned).to_vec()).collect();
    table_of(&["figure", "target", "measured", "reached"], &lines)
}

/// Lines under a head, in columns.
pub fn table_of(head: &[&str], lines: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let lines = || std::iter::once(&head).chain(lines);
    let width = |column: usize| lines().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
    };
    lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The value below which so many of a hundred lie (nearest rank); sorts.
pub fn quantile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * percent / 100.0).ceil() as usize;
    values.get(rank.saturating_sub(1).min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
