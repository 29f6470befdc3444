//! Accounting periods: calendar months in UTC.

use jiff::{ToSpan, civil::Date};
use std::fmt;

/// A calendar month, the unit of closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    first: Date,
}

impl Period {
    /// The period a day lies in.
    pub fn of(day: Date) -> Self {
        Self { first: day.first_of_month() }
    }

    /// Parses `2019-05`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 7 {
            return None;
        }
        format!("{text}-01").parse::<Date>().ok().map(Self::of)
    }

    /// The first day.
    pub const fn first_day(self) -> Date {
        self.first
    }

    /// The last day.
    pub fn last_day(self) -> Date {
        self.first.last_of_month()
    }

    /// The month before; `None` before the year -9999.
    pub fn before(self) -> Option<Self> {
        self.first.yesterday().ok().map(Self::of)
    }

    /// True for a day of this month.
    pub fn has(self, day: Date) -> bool {
        Self::of(day) == self
    }

    /// The month after; `None` past the year 9999.
    pub fn next(self) -> Option<Self> {
        self.first.checked_add(1.month()).ok().map(Self::of)
    }
}

/// Whether an entry was booked while its month was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timing {
    /// It was.
    #[default]
    InTime,
    /// Its month was softly closed, and takes entries of approved commands only.
    AfterSoftClose,
    /// Its month was closed already: it is booked in a later one.
    Late,
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}
