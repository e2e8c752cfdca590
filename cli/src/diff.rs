//! A line diff in the unified style: three lines of context, ` `, `-` and `+` in front, `@@` between distant changes.

const CONTEXT: usize = 3;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// Empty when nothing differs.
pub fn unified(before: &str, after: &str) -> String {
    let lines = compare(before, after);
    let changed: Vec<usize> = (0..lines.len()).filter(|&at| !matches!(lines[at], Line::Same(_))).collect();
    let near = |at: usize| changed.iter().any(|&change| change.abs_diff(at) <= CONTEXT);
    let mut text = String::new();
    let mut skipped = false;
    for (at, line) in lines.iter().enumerate() {
        if !near(at) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) {
            text.push_str("@@\n");
        }
        let (mark, line) = match line {
            Line::Same(line) => (' ', line),
            Line::Gone(line) => ('-', line),
            Line::New(line) => ('+', line),
        };
        text.push(mark);
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Equal ends are set aside first, so that the table covers only what differs.
fn compare<'a>(before: &'a str, after: &'a str) -> Vec<Line<'a>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let mut lines: Vec<Line> = old[..head].iter().map(|line| Line::Same(line)).collect();
    lines.extend(middle(&old[head..old.len() - tail], &new[head..new.len() - tail]));
    lines.extend(old[old.len() - tail..].iter().map(|line| Line::Same(line)));
    lines
}

/// Keeps a longest common subsequence.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let common = common_lengths(old, new);
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::with_capacity(old.len() + new.len());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(Line::Gone(old[i]));
            i += 1;
        } else {
            lines.push(Line::New(new[j]));
            j += 1;
        }
    }
    lines
}

/// `[i][j]`: how many lines `old[i..]` and `new[j..]` can have in common.
fn common_lengths(old: &[&str], new: &[&str]) -> Vec<Vec<u32>> {
    let mut lengths = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i][j] =
                if old[i] == new[j] { lengths[i + 1][j + 1] + 1 } else { lengths[i + 1][j].max(lengths[i][j + 1]) };
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_changed_line_shows_with_its_surroundings() {
        let check = |before: &str, after: &str, expected: &str| assert_eq!(unified(before, after), expected);
        check("a\nb\nc\n", "a\nb\nc\n", "");
        check("a\nb\nc\n", "a\nB\nc\n", " a\n-b\n+B\n c\n");
        check("", "a\n", "+a\n");
        check("a\n", "", "-a\n");
        check("1\n2\n3\n4\n5\nx\n", "1\n2\n3\n4\n5\ny\n", "@@\n 3\n 4\n 5\n-x\n+y\n");
        check("a\nb\nc\nd\n", "b\nc\nd\ne\n", "-a\n b\n c\n d\n+e\n");
    }

    proptest! {
        #[test]
        fn both_sides_can_be_read_back(before in "([abc]\n){0,12}", after in "([abc]\n){0,12}") {
            let lines = compare(&before, &after);
            let side = |wanted: fn(&Line) -> bool| -> String {
                lines.iter().filter(|line| wanted(line)).map(|line| match line {
                    Line::Same(text) | Line::Gone(text) | Line::New(text) => format!("{text}\n"),
                }).collect()
            };
            prop_assert_eq!(side(|line| !matches!(line, Line::New(_))), before.as_str());
            prop_assert_eq!(side(|line| !matches!(line, Line::Gone(_))), after.as_str());
        }
    }
}
