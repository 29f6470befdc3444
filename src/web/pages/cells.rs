//! Cells and columns that several pages have.

use crate::domain::amount::Quantity;
use crate::report::doc::{Cell, Column, Content, Table, Tone};
use crate::report::link;
use jiff::{SignedDuration, Timestamp, civil::Date};

/// A moment.
pub(super) const fn time(at: Timestamp) -> Cell {
    Cell::new(Content::Time(at))
}

/// A day.
pub(super) const fn day(day: Date) -> Cell {
    Cell::new(Content::Date(day))
}

/// A count; one that does not fit is shown as the largest that does.
pub(super) fn count(count: impl TryInto<i64>) -> Cell {
    Cell::new(Content::Count(count.try_into().unwrap_or(i64::MAX)))
}

/// A hash, an id, an address.
pub(super) fn code(text: impl Into<String>) -> Cell {
    let text = text.into();
    if text.is_empty() { Cell::empty() } else { Cell::new(Content::Code(text)) }
}

/// A state word.
pub(super) fn state(word: impl Into<String>, tone: Tone) -> Cell {
    Cell::new(Content::State(word.into(), tone))
}

/// Units with the code of their asset.
pub(super) fn units_of(quantity: Quantity, scale: u8, asset: &str) -> Cell {
    Cell::new(Content::Units { quantity, scale, asset: Some(asset.to_owned()) })
}

/// An entry by its number.
pub(super) fn entry(no: i64) -> Cell {
    Cell::new(Content::Code(no.to_string())).to(link::entry(crate::domain::ids::EntryNo(no)))
}

/// A table; `empty` says what is missing, why, and the one next step.
pub(super) fn table(id: &str, caption: &str, columns: Vec<Column>, rows: Vec<crate::report::doc::Row>, empty: &str) -> Table {
    Table { id: id.to_owned(), caption: caption.to_owned(), columns, rows, next: None, empty: Some(empty.to_owned()) }
}

/// A span of time in its two largest units: `7 d 22 h`, `1 h 51 min`, `42 s`.
pub(super) fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let part = |of: i64, unit: i64| of.checked_div(unit).unwrap_or(0);
    let rest = |of: i64, unit: i64| of.checked_rem(unit).unwrap_or(0);
    let (days, hours) = (part(seconds, 86_400), part(rest(seconds, 86_400), 3_600));
    let (minutes, short) = (part(rest(seconds, 3_600), 60), rest(seconds, 60));
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{short} s"),
        (0, 0, _) if short == 0 => format!("{minutes} min"),
        (0, 0, _) => format!("{minutes} min {short} s"),
        (0, _, 0) => format!("{hours} h"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, 0, _) => format!("{days} d"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_reads_in_its_two_largest_units() {
        let shown = [0, 42, 60, 90, 3_600, 6_636, 86_400, 684_000].map(|seconds| span(SignedDuration::from_secs(seconds)));
        assert_eq!(shown, ["0 s", "42 s", "1 min", "1 min 30 s", "1 h", "1 h 50 min", "1 d", "7 d 22 h"]);
        assert_eq!(span(SignedDuration::from_secs(-5)), "0 s");
    }
}
