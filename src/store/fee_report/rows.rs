//! The rows of fee reports. They are written in batches and read again in pages, so that a million rows need little memory.

use super::{PAGE, ReportRow};
use crate::domain::asset::AssetId;
use crate::domain::contribution::rows::{FeeRow, PairNo, RowAsset, RowSet};
use crate::domain::text::Name;
use crate::proof::merkle::{Frontier, Hash};
use crate::proof::row::{RowEncoder, fee_row as encode_row};
use crate::store::bulk::{self, bulk_row};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::reference;
use crate::store::schema::fee_row;
use crate::store::types::{Minor, Money};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use jiff::civil::Date;
use std::collections::HashMap;

/// A stored row of a report.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = fee_row)]
pub struct StoredFeeRow {
    /// Report.
    pub report_id: i64,
    /// Row of the file, from 1.
    pub line: i64,
    /// Pair.
    pub pair: String,
    /// Asset.
    pub asset_id: i32,
    /// Trades.
    pub trades: i64,
    /// Volume in the base, in units of 10^-18.
    pub volume_base: Minor,
    /// Volume in the quote, in units of 10^-18.
    pub volume_quote: Minor,
    /// Fees charged.
    pub gross_fee: Minor,
    /// Fees given back.
    pub rebate: Minor,
    /// What is left.
    pub net_fee: Minor,
}

/// A row on its way into the table; its pair is borrowed from the set.
struct NewFeeRow<'a> {
    report_id: i64,
    line: i64,
    pair: &'a str,
    asset_id: i32,
    trades: i64,
    volume_base: Minor,
    volume_quote: Minor,
    gross_fee: Minor,
    rebate: Minor,
    net_fee: Minor,
}

bulk_row!(NewFeeRow<'_>, fee_row, {
    report_id: BigInt,
    line: BigInt,
    pair: Text,
    asset_id: Integer,
    trades: BigInt,
    volume_base: Money,
    volume_quote: Money,
    gross_fee: Money,
    rebate: Money,
    net_fee: Money,
});

pub(super) fn insert(conn: &mut Conn, report: i64, set: &RowSet) -> Result<(), StoreError> {
    let mut line = 0_i64;
    let mut batch = Vec::with_capacity(PAGE.min(set.rows.len()));
    for chunk in set.rows.chunks(PAGE) {
        batch.clear();
        for row in chunk {
            line = line.saturating_add(1);
            batch.push(NewFeeRow {
                report_id: report,
                line,
                pair: set.pair(row.pair),
                asset_id: row.asset.0,
                trades: i64::try_from(row.trades)
                    .map_err(|_| StoreError::Database("a count of trades does not fit".to_owned()))?,
                volume_base: Minor(row.volume_base),
                volume_quote: Minor(row.volume_quote),
                gross_fee: row.gross_fee.into(),
                rebate: row.rebate.into(),
                net_fee: row.net_fee().into(),
            });
        }
        bulk::insert(conn, &batch)?;
    }
    Ok(())
}

/// Rows of a report after line `after`, at most `limit`.
pub fn rows_after(conn: &mut Conn, report: i64, after: i64, limit: i64) -> Result<Vec<StoredFeeRow>, StoreError> {
    Ok(fee_row::table
        .filter(fee_row::report_id.eq(report))
        .filter(fee_row::line.gt(after))
        .order(fee_row::line)
        .limit(limit)
        .select(StoredFeeRow::as_select())
        .load(conn)?)
}

/// Gives the rows of a report, page by page, as sets of the domain. Checks that lines have no gap and that net fees are right.
pub fn each_page(
    conn: &mut Conn,
    report: &ReportRow,
    mut visit: impl FnMut(&RowSet) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let names = Names::load(conn, report)?;
    let mut last = 0_i64;
    loop {
        let page = rows_after(conn, report.id, last, i64::try_from(PAGE).unwrap_or(i64::MAX))?;
        if page.is_empty() {
            break;
        }
        let set = names.row_set(report, &page, last)?;
        last = page.last().map_or(last, |row| row.line);
        visit(&set)?;
    }
    let expected = if report.is_kept() { report.row_count } else { 0 };
    if last == expected { Ok(()) } else { Err(report.damaged(&format!("has {last} rows instead of {expected}"))) }
}

/// All rows of a report as one set: 80 bytes a row.
pub fn row_set(conn: &mut Conn, report: &ReportRow) -> Result<RowSet, StoreError> {
    let names = Names::load(conn, report)?;
    let rows = rows_after(conn, report.id, 0, i64::MAX)?;
    names.row_set(report, &rows, 0)
}

/// The root over the stored rows of a report, computed again.
pub fn rows_root(conn: &mut Conn, report: &ReportRow) -> Result<Hash, StoreError> {
    let mut frontier = Frontier::new();
    each_page(conn, report, |set| {
        push_rows(&mut frontier, set).ok_or_else(|| report.damaged("a row names an asset that is not there"))
    })?;
    Ok(frontier.root())
}

/// Adds the rows of a set to a tree; `None` when a row is not of the set.
pub fn push_rows(frontier: &mut Frontier, set: &RowSet) -> Option<()> {
    let mut encoder = RowEncoder::new();
    for row in &set.rows {
        frontier.push(encode_row(&mut encoder, set, row)?.leaf_hash());
    }
    Some(())
}

/// The names that rows refer to by number.
struct Names {
    venue: Name,
    day: Date,
    assets: HashMap<i32, RowAsset>,
}

impl Names {
    fn load(conn: &mut Conn, report: &ReportRow) -> Result<Self, StoreError> {
        let venue = reference::venue_rows(conn)?.into_iter().find(|venue| venue.id == report.venue_id);
        let venue =
            venue.and_then(|venue| Name::parse(&venue.code).ok()).ok_or_else(|| report.damaged("its venue is missing"))?;
        let mut assets = HashMap::new();
        for row in reference::asset_rows(conn)? {
            let asset = row.to_domain()?;
            assets.insert(row.id, RowAsset { id: asset.id, code: asset.code, scale: asset.scale });
        }
        Ok(Self { venue, day: report.day()?, assets })
    }

    fn row_set(&self, report: &ReportRow, rows: &[StoredFeeRow], mut last: i64) -> Result<RowSet, StoreError> {
        let mut set = RowSet {
            venue: self.venue.clone(),
            business_date: self.day,
            pairs: Vec::new(),
            assets: Vec::new(),
            rows: Vec::with_capacity(rows.len()),
        };
        let mut numbers: HashMap<&str, PairNo> = HashMap::new();
        for row in rows {
            last = last.saturating_add(1);
            let damaged = |what: &str| report.damaged(&format!("row {}: {what}", row.line));
            if row.line != last {
                return Err(damaged("rows before it are missing"));
            }
            let pair = match numbers.get(row.pair.as_str()) {
                Some(known) => *known,
                None => {
                    let number = PairNo(u32::try_from(set.pairs.len()).map_err(|_| damaged("too many pairs"))?);
                    set.pairs.push(Name::parse(&row.pair).map_err(|_| damaged("the pair is not a name"))?);
                    numbers.insert(&row.pair, number);
                    number
                }
            };
            if set.asset(AssetId(row.asset_id)).is_none() {
                set.assets.push(self.assets.get(&row.asset_id).cloned().ok_or_else(|| damaged("the asset is missing"))?);
            }
            let fee = FeeRow {
                pair,
                asset: AssetId(row.asset_id),
                trades: u64::try_from(row.trades).map_err(|_| damaged("trades are below zero"))?,
                volume_base: row.volume_base.0,
                volume_quote: row.volume_quote.0,
                gross_fee: row.gross_fee.quantity(),
                rebate: row.rebate.quantity(),
            };
            if fee.net_fee() != row.net_fee.quantity() {
                return Err(damaged("net_fee is not gross_fee − rebate"));
            }
            set.rows.push(fee);
        }
        Ok(set)
    }
}
