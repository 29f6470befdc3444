//! What every use case that posts has in common: prices of a day, open lots, the period an entry falls into.

use super::periods;
use super::refs::{FUNCTIONAL, Refs};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::period::Period;
use crate::domain::price::Price;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::journal::NewEntry;
use crate::store::price::{self, PriceSet};
use crate::store::tx::Tx;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Prices in force on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    /// Cut-off date of the set; `None` when the book has no set at or before the day.
    pub cutoff_on: Option<Date>,
    /// Source of the set.
    pub source: String,
    /// Price by asset; the functional currency is always 1.
    pub by_asset: BTreeMap<AssetId, Price>,
}

impl Prices {
    /// The latest locked set at or before `day`.
    pub fn at(conn: &mut Conn, day: Date) -> Result<Self, StoreError> {
        price::set_at(conn, &day.to_string())?.map_or_else(|| Ok(Self::none()), |set| Self::of(&set))
    }

    /// Only the functional currency has a price.
    pub fn none() -> Self {
        Self { cutoff_on: None, source: String::new(), by_asset: BTreeMap::from([(FUNCTIONAL, Price::ONE)]) }
    }

    /// The prices of a stored set.
    pub fn of(set: &PriceSet) -> Result<Self, StoreError> {
        let damaged = |what: String| StoreError::Damaged(format!("price set {}: {what}", set.header.cutoff_on));
        let mut by_asset = BTreeMap::from([(FUNCTIONAL, Price::ONE)]);
        for row in &set.prices {
            let price = Price::parse(&row.price).map_err(|e| damaged(format!("asset {}: {e}", row.asset_id)))?;
            by_asset.insert(AssetId(row.asset_id), price);
        }
        let cutoff = set.header.cutoff_on.parse().map_err(|_| damaged("cut-off date".to_owned()))?;
        Ok(Self { cutoff_on: Some(cutoff), source: set.header.source.clone(), by_asset })
    }

    /// The price of an asset on `day`, refused when missing or older than `max_age_hours`.
    pub fn require(&self, refs: &Refs, asset: AssetId, day: Date, max_age_hours: i64) -> Result<Price, Rejection> {
        if asset == FUNCTIONAL {
            return Ok(Price::ONE);
        }
        let code = refs.code(asset);
        let Some((price, cutoff)) = self.by_asset.get(&asset).copied().zip(self.cutoff_on) else {
            let detail = format!("there is no locked price of {code} at or before {day}; import and lock a price set");
            return Err(Rejection::new(OutcomeCode::PriceMissing, format!("/prices/{code}"), day, detail));
        };
        let age_hours = cutoff.duration_until(day).as_hours();
        if age_hours > max_age_hours {
            let detail = format!(
                "the latest locked price of {code} is of {cutoff}, {age_hours} h before {day}; the policy allows {max_age_hours} h; \
                 import and lock a newer set"
            );
            return Err(Rejection::new(OutcomeCode::PriceStale, format!("/prices/{code}"), cutoff, detail));
        }
        Ok(price)
    }
}

/// The fair value of a quantity, refused only when it does not fit.
pub fn fair_value(price: Price, quantity: Quantity, scale: u8) -> Result<Value, Rejection> {
    price.fair_value(quantity, scale).ok_or_else(|| {
        Rejection::new(
            OutcomeCode::AboveLimit,
            "/quantity",
            quantity.to_text(scale),
            "is worth more than a functional value can hold",
        )
    })
}

impl Tx<'_> {
    /// The month an entry with this effective date is booked in: its own, or the first that takes it. A month that is softly closed
    /// takes what was approved.
    pub fn open_period(&mut self, effective_on: Date) -> Result<Period, StoreError> {
        let open = self.unclosed_period(effective_on)?;
        // A month that is not over is never closed in any way, which spares the usual entry the question.
        let over = open.last_day() < self.today();
        if !over || self.approved || !periods::soft::is_soft_closed(self.conn, open)? {
            return Ok(open);
        }
        open.next().ok_or_else(|| StoreError::Damaged(format!("there is no month after {open}")))
    }

    /// The same for what belongs to closing itself, such as the valuation of the last day: up to the end it goes into its month.
    pub fn unclosed_period(&mut self, effective_on: Date) -> Result<Period, StoreError> {
        let own = Period::of(effective_on);
        let Some(closed) = price::last_closed(self.conn)? else { return Ok(own) };
        let first_open = Period::parse(&closed)
            .and_then(Period::next)
            .ok_or_else(|| StoreError::Damaged(format!("closed period {closed:?} is not a month")))?;
        Ok(own.max(first_open))
    }

    /// Queues an entry under the next number, booked in the period of its effective date or the first open one.
    pub fn post_entry(&mut self, balanced: Balanced, source: impl Into<String>) -> Result<EntryNo, StoreError> {
        let period = self.open_period(balanced.draft().effective_on)?;
        self.post_entry_in(balanced, source, period)
    }

    /// Queues an entry booked in a stated period.
    pub fn post_entry_in(
        &mut self,
        balanced: Balanced,
        source: impl Into<String>,
        period: Period,
    ) -> Result<EntryNo, StoreError> {
        let no = self.head.next_entry();
        self.post(NewEntry { no, balanced, period: period.to_string(), source: source.into() });
        Ok(no)
    }
}
