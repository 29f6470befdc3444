//! Contributions: what venues owe the fund of their fees, and the files and events that say so.
//!
//! A *policy* says which share of the fees is owed from which day. A *fee report* is a manifest and a file of rows; a *fee
//! event* is one small contribution on its own. Everything here is pure: bytes and look-ups in; checked values, or a
//! [`Rejection`](super::outcome::Rejection) that names row, field, value and mend, out.

pub mod age;
pub mod calendar;
pub mod check;
pub mod event;
pub mod findings;
mod json;
pub mod manifest;
pub mod policy;
pub mod restatement;
pub mod rows;

use super::asset::Asset;
use super::ids::VenueId;
use jiff::civil::Date;

/// What the book knows by name; the service answers from its cache.
pub trait Directory {
    /// The asset with this code.
    fn asset(&self, code: &str) -> Option<&Asset>;
    /// The venue with this name.
    fn venue(&self, name: &str) -> Option<VenueId>;
}

/// A day written `2018-07-14` and in no other way.
///
/// Checked by hand because the general parser also takes `20180714` and times, which would make one day several texts.
pub fn parse_day(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, b)| if at == 4 || at == 7 { *b == b'-' } else { b.is_ascii_digit() });
    if !shaped {
        return None;
    }
    let year = text.get(0..4)?.parse().ok()?;
    let month = text.get(5..7)?.parse().ok()?;
    let day = text.get(8..10)?.parse().ok()?;
    if year < 2000 { None } else { Date::new(year, month, day).ok() }
}

/// The mend for a text that [`parse_day`] refused.
pub(crate) const DAY_MEND: &str = "is not a day; write it as year-month-day, for example 2018-07-14";

#[cfg(test)]
pub(crate) mod testing {
    //! A small book for the tests of this module.
    use super::*;
    use crate::domain::asset::{AssetCode, AssetId};
    use crate::domain::text::Name;

    /// USD (2), BTC (8), ETH (18) and BNB (8); the venues `spot` and `futures`.
    pub struct SmallBook(Vec<Asset>);

    impl SmallBook {
        /// The book.
        pub fn new() -> Self {
            let asset = |id, code, scale| Asset {
                id: AssetId(id),
                code: AssetCode::parse(code).unwrap(),
                network: Name::parse("test").unwrap(),
                scale,
                own_token: code == "BNB",
            };
            Self(vec![asset(1, "USD", 2), asset(2, "BTC", 8), asset(3, "ETH", 18), asset(4, "BNB", 8)])
        }
    }

    impl Directory for SmallBook {
        fn asset(&self, code: &str) -> Option<&Asset> {
            self.0.iter().find(|a| a.code.as_str() == code)
        }
        fn venue(&self, name: &str) -> Option<VenueId> {
            ["spot", "futures"].iter().zip(1..).find(|(n, _)| **n == name).map(|(_, id)| VenueId(id))
        }
    }

    #[test]
    fn days_have_one_spelling() {
        assert_eq!(parse_day("2018-07-14"), Date::new(2018, 7, 14).ok());
        for bad in [
            "20180714",
            "2018-7-14",
            "2018-02-30",
            "2018-07-14T00:00",
            "14.07.2018",
            "+018-07-14",
            "1999-12-31",
            "２018-07-1",
            "",
        ] {
            assert_eq!(parse_day(bad), None, "{bad}");
        }
    }
}
