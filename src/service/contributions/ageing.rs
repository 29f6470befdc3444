//! Contributions that are accrued but not settled, by age. A compromised feed can inflate an accrual but not a settlement on
//! chain, so what stays open for long is what to look at.
//!
//! Accruals and restatements count for their business date; settlements, and refundable contributions set off, use up the oldest
//! dates first. Units left tie exactly to the receivable; its carrying value is spread over them pro rata.

use crate::domain::account::no;
use crate::domain::amount::{Quantity, VALUE_SCALE, Value, format_minor_trimmed};
use crate::domain::asset::AssetId;
pub use crate::domain::contribution::age::Bucket;
use crate::domain::contribution::parse_day;
use crate::domain::event::Event;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::journal::{self, EntryRow, PostingRow};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// What is open of one business date in one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenItem {
    /// Asset.
    pub asset: AssetId,
    /// Business date of the accrual.
    pub date: Date,
    /// Age at the as-of day.
    pub age_days: i64,
    /// Bucket.
    pub bucket: Bucket,
    /// Units left.
    pub quantity: Quantity,
    /// Their share of the receivable's carrying value.
    pub value: Value,
    /// Entries that accrued or restated the date.
    pub entries: Vec<i64>,
}

/// What stands on the receivable of one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetAgeing {
    /// Asset.
    pub asset: AssetId,
    /// Units on the receivable; below zero when more was settled or set off than is accrued.
    pub quantity: Quantity,
    /// Value on the receivable.
    pub value: Value,
    /// Open dates, oldest first; their sum is the receivable unless that is below zero.
    pub items: Vec<OpenItem>,
}

/// One open date as answers show it.
#[derive(Debug, Clone, Serialize)]
pub struct OpenItemJson {
    /// Asset.
    pub asset: String,
    /// Business date.
    pub date: Date,
    /// Age.
    pub age_days: i64,
    /// Bucket.
    pub bucket: &'static str,
    /// Units.
    pub quantity: String,
    /// Value.
    pub value: String,
    /// Entries.
    pub entries: Vec<i64>,
}

impl OpenItem {
    /// The item as answers show it.
    pub fn to_json(&self, refs: &Refs) -> OpenItemJson {
        OpenItemJson {
            asset: refs.code(self.asset).to_owned(),
            date: self.date,
            age_days: self.age_days,
            bucket: self.bucket.slug(),
            quantity: format_minor_trimmed(self.quantity.minor(), refs.scale(self.asset)),
            value: format_minor_trimmed(self.value.minor(), VALUE_SCALE),
            entries: self.entries.clone(),
        }
    }
}

#[derive(Default)]
struct Side {
    /// Net units by business date, with the entries that made them.
    accrued: BTreeMap<Date, (Quantity, Vec<i64>)>,
    /// Units settled or set off.
    settled: Quantity,
    total: (Quantity, Value),
}

/// Ages the receivable as of a day, counting only what was recorded until `known_at`.
pub fn ageing(conn: &mut Conn, as_of: Date, known_at: Option<Timestamp>) -> Result<Vec<AssetAgeing>, StoreError> {
    let postings = journal::of_account(conn, no::CONTRIBUTIONS_RECEIVABLE)?;
    let reversed: Vec<i64> = postings.iter().filter_map(|(entry, _)| entry.reverses).collect();
    let originals: HashMap<i64, EntryRow> =
        journal::headers_of(conn, &reversed)?.into_iter().map(|entry| (entry.no, entry)).collect();
    let limit = known_at.map(Timestamp::as_microsecond);
    let mut sides: BTreeMap<AssetId, Side> = BTreeMap::new();
    for (entry, posting) in &postings {
        let (day, counts_until) = (day_of(entry)?, limit.is_none_or(|limit| entry.recorded_at <= limit));
        if day > as_of || !counts_until {
            continue;
        }
        // A reversal undoes what the reversed entry did, for the date that one was for.
        let cause = entry.reverses.and_then(|no| originals.get(&no)).unwrap_or(entry);
        sides.entry(AssetId(posting.asset_id)).or_default().add(cause, posting, entry.no)?;
    }
    sides.into_iter().map(|(asset, side)| side.finish(asset, as_of)).collect()
}

fn day_of(entry: &EntryRow) -> Result<Date, StoreError> {
    parse_day(&entry.effective_on).ok_or_else(|| StoreError::Damaged(format!("entry {}: not a day", entry.no)))
}

fn too_large() -> StoreError {
    StoreError::Damaged("the receivable does not fit 128 bits".to_owned())
}

impl Side {
    fn add(&mut self, cause: &EntryRow, posting: &PostingRow, entry_no: i64) -> Result<(), StoreError> {
        let (quantity, value) = (posting.quantity.quantity(), posting.value.value());
        self.total.0 = self.total.0.checked_add(quantity).ok_or_else(too_large)?;
        self.total.1 = self.total.1.checked_add(value).ok_or_else(too_large)?;
        // A set-off of refundable contributions is booked like a restatement but belongs to no report.
        let set_off = cause.event == Event::Restatement.code() && posting.report_id.is_none();
        if cause.event == Event::Settlement.code() || set_off {
            self.settled = self.settled.checked_sub(quantity).ok_or_else(too_large)?;
            return Ok(());
        }
        let slot = self.accrued.entry(day_of(cause)?).or_default();
        slot.0 = slot.0.checked_add(quantity).ok_or_else(too_large)?;
        slot.1.push(entry_no);
        Ok(())
    }

    fn finish(self, asset: AssetId, as_of: Date) -> Result<AssetAgeing, StoreError> {
        let mut used = self.settled;
        let mut items = Vec::new();
        // A date restated below what was settled of it is a credit that the next oldest dates use up.
        for (quantity, _) in self.accrued.values().filter(|(quantity, _)| *quantity < Quantity::ZERO) {
            used = used.checked_sub(*quantity).ok_or_else(too_large)?;
        }
        let (units, mut value_left) = self.total;
        let mut units_left = units;
        for (date, (quantity, entries)) in self.accrued.into_iter().filter(|(_, (quantity, _))| *quantity > Quantity::ZERO) {
            let taken = quantity.min(used.max(Quantity::ZERO));
            used = used.checked_sub(taken).ok_or_else(too_large)?;
            let open = quantity.checked_sub(taken).ok_or_else(too_large)?;
            if open.is_zero() {
                continue;
            }
            let value = open.share_of(units_left, value_left).ok_or_else(too_large)?;
            units_left = units_left.checked_sub(open).ok_or_else(too_large)?;
            value_left = value_left.checked_sub(value).ok_or_else(too_large)?;
            let age_days = as_of.duration_since(date).as_hours() / 24;
            items.push(OpenItem { asset, date, age_days, bucket: Bucket::of_days(age_days), quantity: open, value, entries });
        }
        Ok(AssetAgeing { asset, quantity: units, value: self.total.1, items })
    }
}
