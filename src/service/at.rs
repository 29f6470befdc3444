//! The basis of what is read outside the reports of the registry: business dates up to a day, recordings up to a moment.

use super::clock::day_of;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::format_instant;
use crate::store::view::{self, Known};
use jiff::{Timestamp, civil::Date};

/// A day after every business date.
const LAST_DAY: &str = "9999-12-31";

/// An as-of and a known-at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Business date up to which things count; `None` takes in all.
    pub as_of: Option<Date>,
    /// What was recorded.
    pub known: Known,
}

impl At {
    /// Everything there is.
    pub const NOW: Self = Self { as_of: None, known: Known::ALL };

    /// The basis with this day and this moment; a day with nothing after it is as good as none.
    ///
    /// # Errors
    /// When the book cannot be read.
    pub fn load(conn: &mut Conn, as_of: Option<Date>, known_at: Option<Timestamp>) -> Result<Self, StoreError> {
        let known = match known_at {
            Some(at) => Known::at(conn, &format_instant(at))?,
            None => Known::ALL,
        };
        Self::of(conn, as_of, known)
    }

    /// The same where it is known already what was recorded.
    ///
    /// # Errors
    /// When the book cannot be read.
    pub fn of(conn: &mut Conn, as_of: Option<Date>, known: Known) -> Result<Self, StoreError> {
        let last = view::last_day(conn)?;
        Ok(Self { as_of: as_of.filter(|day| last.is_none_or(|last| day.to_string() < last)), known })
    }

    /// True where nothing is left out.
    pub fn is_now(&self) -> bool {
        *self == Self::NOW
    }

    /// The last business date that counts, as the store compares days.
    pub fn last_day(&self) -> String {
        self.as_of.map_or_else(|| LAST_DAY.to_owned(), |day| day.to_string())
    }

    /// True for a recording that counts: by its leaf, and by its business date.
    pub fn takes(&self, leaf: i64, day: &str) -> bool {
        leaf < self.known.leaves && day <= self.last_day().as_str()
    }

    /// True for a recording without a business date of its own that counts, by its leaf and the day it came.
    pub fn takes_moment(&self, leaf: i64, at: i64) -> bool {
        let day = Timestamp::from_microsecond(at).map(day_of);
        leaf < self.known.leaves && self.as_of.is_none_or(|last| day.is_ok_and(|day| day <= last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_leaves_past_the_basis_do_not_count() {
        let known = Known { leaves: 7, last_entry: 3 };
        let at = At { as_of: Some("2019-05-08".parse().unwrap()), known };
        assert!(at.takes(6, "2019-05-08") && !at.takes(7, "2019-05-08") && !at.takes(6, "2019-05-09"));
        let noon: Timestamp = "2019-05-08T12:00:00Z".parse().unwrap();
        assert!(at.takes_moment(6, noon.as_microsecond()) && !at.takes_moment(6, noon.as_microsecond() + 86_400_000_000));
        assert!(At::NOW.takes(i64::MAX - 1, "2100-01-01") && At::NOW.is_now() && !at.is_now());
    }
}
