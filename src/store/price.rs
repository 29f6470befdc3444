//! Locked price sets, and the periods that are closed.

use super::conn::Conn;
use super::error::StoreError;
use super::reference::record_row;
use super::schema::{asset_price, closed_period, price_set};
use super::tx::{Record, Stamp};
use diesel::prelude::*;
use serde_json::{Map, Value, json};

/// Header of a locked set.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = price_set)]
pub struct PriceSetRow {
    /// Cut-off date (24:00 UTC of that day).
    pub cutoff_on: String,
    /// Where the prices come from.
    pub source: String,
    /// SHA-256 of the source file, hex; empty for prices typed in.
    pub source_hash: String,
    /// Leaf.
    pub leaf: i64,
}

/// One price of a set.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = asset_price)]
pub struct PriceRow {
    /// Cut-off date.
    pub cutoff_on: String,
    /// Asset.
    pub asset_id: i32,
    /// Functional currency per whole unit, plain decimal.
    pub price: String,
    /// `observed`, `interpolated`, `carried` (over from an earlier day) or `manual`.
    pub basis: String,
}

/// A set with its prices, recorded together and never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceSet {
    /// Header.
    pub header: PriceSetRow,
    /// Prices by asset number.
    pub prices: Vec<PriceRow>,
}

impl Record for PriceSet {
    fn kind(&self) -> &'static str {
        "price_set"
    }
    fn body(&self) -> Value {
        let prices: Map<String, Value> =
            self.prices.iter().map(|p| (p.asset_id.to_string(), json!({"price": p.price, "basis": p.basis}))).collect();
        let header = &self.header;
        json!({"cutoff_on": header.cutoff_on, "source": header.source, "source_hash": header.source_hash, "prices": prices})
    }
    fn insert(&self, conn: &mut Conn, leaf: i64, _: &Stamp) -> Result<(), StoreError> {
        let header = PriceSetRow { leaf, ..self.header.clone() };
        diesel::insert_into(price_set::table).values(&header).execute(conn)?;
        for row in &self.prices {
            diesel::insert_into(asset_price::table).values(row).execute(conn)?;
        }
        Ok(())
    }
}

/// The set of exactly this day.
pub fn set_on(conn: &mut Conn, day: &str) -> Result<Option<PriceSet>, StoreError> {
    let header = price_set::table.filter(price_set::cutoff_on.eq(day)).select(PriceSetRow::as_select()).first(conn).optional()?;
    with_prices(conn, header)
}

/// The latest set at or before this day.
pub fn set_at(conn: &mut Conn, day: &str) -> Result<Option<PriceSet>, StoreError> {
    let header = price_set::table
        .filter(price_set::cutoff_on.le(day))
        .order(price_set::cutoff_on.desc())
        .select(PriceSetRow::as_select())
        .first(conn)
        .optional()?;
    with_prices(conn, header)
}

fn with_prices(conn: &mut Conn, header: Option<PriceSetRow>) -> Result<Option<PriceSet>, StoreError> {
    let Some(header) = header else { return Ok(None) };
    let prices = asset_price::table
        .filter(asset_price::cutoff_on.eq(&header.cutoff_on))
        .order(asset_price::asset_id)
        .select(PriceRow::as_select())
        .load(conn)?;
    Ok(Some(PriceSet { header, prices }))
}

/// All headers by day.
pub fn headers(conn: &mut Conn) -> Result<Vec<PriceSetRow>, StoreError> {
    Ok(price_set::table.order(price_set::cutoff_on).select(PriceSetRow::as_select()).load(conn)?)
}

/// All prices by day and asset.
pub fn all_prices(conn: &mut Conn) -> Result<Vec<PriceRow>, StoreError> {
    Ok(asset_price::table.order((asset_price::cutoff_on, asset_price::asset_id)).select(PriceRow::as_select()).load(conn)?)
}

/// A closed period.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = closed_period)]
pub struct ClosedPeriodRow {
    /// `2018-12`.
    pub period: String,
    /// The closing entry; none when the period had no income and no expense.
    pub closed_entry: Option<i64>,
    /// Leaf.
    pub leaf: i64,
}

record_row!(ClosedPeriodRow, closed_period, "closed_period", p => json!({"period": p.period, "entry": p.closed_entry}));

/// All closed periods in order.
pub fn closed_periods(conn: &mut Conn) -> Result<Vec<ClosedPeriodRow>, StoreError> {
    Ok(closed_period::table.order(closed_period::period).select(ClosedPeriodRow::as_select()).load(conn)?)
}

/// The last closed period.
pub fn last_closed(conn: &mut Conn) -> Result<Option<String>, StoreError> {
    Ok(closed_period::table.order(closed_period::period.desc()).select(closed_period::period).first(conn).optional()?)
}
