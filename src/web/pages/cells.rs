//! Cells and columns that several pages have.

use crate::report::doc::{Cell, Column, Content, Table, Tone};
use crate::report::link;
use jiff::{Timestamp, civil::Date};

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

/// An entry by its number.
pub(super) fn entry(no: i64) -> Cell {
    Cell::text(no.to_string()).to(link::entry(crate::domain::ids::EntryNo(no)))
}

/// A table; `empty` says what is missing, why, and the one next step.
pub(super) fn table(id: &str, caption: &str, columns: Vec<Column>, rows: Vec<crate::report::doc::Row>, empty: &str) -> Table {
    Table::new(id, caption, columns, rows, empty)
}
