//! Contributions that are accrued but not settled, by age. A compromised feed can inflate an accrual but not a settlement on
//! chain, so what stays open for long is what to look at.
//!
//! Accruals and restatements count for their business date; settlements, and refundable contributions set off, use up the oldest
//! dates first. Units left tie exactly to the receivable; its carrying value is spread over them pro rata.
//!
//! Accruals are by far the most, and count for the day that they are booked on, so they are taken from the daily movements of the
//! receivable. Read one by one are only entries that count otherwise.

use crate::domain::account::no;
use crate::domain::amount::{Quantity, VALUE_SCALE, Value, format_minor_trimmed};
use crate::domain::asset::AssetId;
pub use crate::domain::contribution::age::Bucket;
use crate::domain::contribution::parse_day;
use crate::domain::event::Event;
use crate::service::refs::Refs;
use crate::service::reporting::daily::Daily;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::journal::{self, EntryRow, PostingRow};
use crate::store::tx::format_instant;
use crate::store::view::{self, Known, Numbered};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    /// Entries that accrued or restated the date; empty where they were not asked for.
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
    /// Net units by business date.
    accrued: BTreeMap<Date, Quantity>,
    /// Units settled or set off.
    settled: Quantity,
    total: (Quantity, Value),
}

type Sides = BTreeMap<AssetId, Side>;

/// Ages the receivable as of a day, counting only what was recorded until `known_at`, and names the entries of each open date.
pub fn ageing(conn: &mut Conn, as_of: Date, known_at: Option<Timestamp>) -> Result<Vec<AssetAgeing>, StoreError> {
    let known = known(conn, known_at)?;
    let mut all = aged(conn, as_of, known)?;
    let unlike = Unlike::load(conn, as_of, known)?;
    let dates: BTreeSet<Date> = all.iter().flat_map(|asset| asset.items.iter().map(|item| item.date)).collect();
    let mut named = entries_of_dates(conn, &dates, known)?;
    for (entry, posting) in &unlike.postings {
        let slot = (AssetId(posting.asset_id), day_of(entry)?);
        named.entry(slot).or_default().retain(|no| *no != entry.no);
        let cause = unlike.cause(entry);
        if !uses_up(cause, posting) {
            named.entry((slot.0, day_of(cause)?)).or_default().push(entry.no);
        }
    }
    for item in all.iter_mut().flat_map(|asset| &mut asset.items) {
        item.entries = named.remove(&(item.asset, item.date)).unwrap_or_default();
        item.entries.sort_unstable();
    }
    Ok(all)
}

/// The same without naming entries, of which a busy feed has very many.
pub fn open(conn: &mut Conn, as_of: Date, known_at: Option<Timestamp>) -> Result<Vec<AssetAgeing>, StoreError> {
    let known = known(conn, known_at)?;
    aged(conn, as_of, known)
}

fn known(conn: &mut Conn, known_at: Option<Timestamp>) -> Result<Known, StoreError> {
    known_at.map_or(Ok(Known::ALL), |at| Known::at(conn, &format_instant(at)))
}

fn aged(conn: &mut Conn, as_of: Date, known: Known) -> Result<Vec<AssetAgeing>, StoreError> {
    let mut sides = Sides::new();
    let moved = Daily::known(conn, known)?.between(conn, None, as_of)?;
    for ((day, _, _, asset), by) in moved.iter().filter(|((_, _, account, _), _)| *account == no::CONTRIBUTIONS_RECEIVABLE) {
        sides.entry(*asset).or_default().move_by(*day, by.quantity, by.value)?;
    }
    let unlike = Unlike::load(conn, as_of, known)?;
    for (entry, posting) in &unlike.postings {
        let side = sides.entry(AssetId(posting.asset_id)).or_default();
        side.recount(day_of(entry)?, unlike.cause(entry), posting)?;
    }
    sides.retain(|_, side| known == Known::ALL || !side.is_empty());
    sides.into_iter().map(|(asset, side)| side.finish(asset, as_of)).collect()
}

/// The entries with a posting on the receivable, by its asset and their date, as they are booked.
fn entries_of_dates(
    conn: &mut Conn,
    dates: &BTreeSet<Date>,
    known: Known,
) -> Result<BTreeMap<(AssetId, Date), Vec<i64>>, StoreError> {
    let mut named: BTreeMap<(AssetId, Date), Vec<i64>> = BTreeMap::new();
    for date in dates {
        let day = date.to_string();
        let entries = view::numbered(conn, &day, &day, Numbered::Between(1, known.last_entry))?;
        let numbers: Vec<i64> = entries.into_iter().map(|(no, ..)| no).collect();
        for posting in view::postings_on(conn, no::CONTRIBUTIONS_RECEIVABLE.0, &numbers)? {
            named.entry((AssetId(posting.asset_id), *date)).or_default().push(posting.entry_no);
        }
    }
    Ok(named)
}

/// Postings of the receivable by entries that count otherwise than for the date that they are booked on.
struct Unlike {
    postings: Vec<(EntryRow, PostingRow)>,
    originals: HashMap<i64, EntryRow>,
}

impl Unlike {
    fn load(conn: &mut Conn, as_of: Date, known: Known) -> Result<Self, StoreError> {
        let events = [Event::Settlement.code(), Event::Restatement.code()];
        let entries = view::of_events(conn, &events, &as_of.to_string(), known.last_entry)?;
        let reversed: Vec<i64> = entries.iter().filter_map(|entry| entry.reverses).collect();
        let originals = journal::headers_of(conn, &reversed)?.into_iter().map(|entry| (entry.no, entry)).collect();
        let numbers: Vec<i64> = entries.iter().map(|entry| entry.no).collect();
        let entries: HashMap<i64, EntryRow> = entries.into_iter().map(|entry| (entry.no, entry)).collect();
        let postings = view::postings_on(conn, no::CONTRIBUTIONS_RECEIVABLE.0, &numbers)?.into_iter();
        let postings = postings.filter_map(|posting| Some((entries.get(&posting.entry_no)?.clone(), posting))).collect();
        Ok(Self { postings, originals })
    }

    /// A reversal undoes what the reversed entry did, for the date that one was for.
    fn cause<'e>(&'e self, entry: &'e EntryRow) -> &'e EntryRow {
        entry.reverses.and_then(|no| self.originals.get(&no)).unwrap_or(entry)
    }
}

/// True for what uses up the oldest dates. A set-off of refundable contributions is booked like a restatement but belongs to no report.
fn uses_up(cause: &EntryRow, posting: &PostingRow) -> bool {
    let set_off = cause.event == Event::Restatement.code() && posting.report_id.is_none();
    cause.event == Event::Settlement.code() || set_off
}

fn day_of(entry: &EntryRow) -> Result<Date, StoreError> {
    parse_day(&entry.effective_on).ok_or_else(|| StoreError::Damaged(format!("entry {}: not a day", entry.no)))
}

fn too_large() -> StoreError {
    StoreError::Damaged("the receivable does not fit 128 bits".to_owned())
}

impl Side {
    /// What was booked on a day.
    fn move_by(&mut self, day: Date, quantity: Quantity, value: Value) -> Result<(), StoreError> {
        self.total.0 = self.total.0.checked_add(quantity).ok_or_else(too_large)?;
        self.total.1 = self.total.1.checked_add(value).ok_or_else(too_large)?;
        self.accrue(day, quantity)
    }

    fn accrue(&mut self, day: Date, quantity: Quantity) -> Result<(), StoreError> {
        let slot = self.accrued.entry(day).or_default();
        *slot = slot.checked_add(quantity).ok_or_else(too_large)?;
        Ok(())
    }

    /// Counts a posting that is in the sum of its day for what it is.
    fn recount(&mut self, booked: Date, cause: &EntryRow, posting: &PostingRow) -> Result<(), StoreError> {
        let quantity = posting.quantity.quantity();
        self.accrue(booked, quantity.negated())?;
        if uses_up(cause, posting) {
            self.settled = self.settled.checked_sub(quantity).ok_or_else(too_large)?;
            return Ok(());
        }
        self.accrue(day_of(cause)?, quantity)
    }

    /// True where everything booked was recorded after the moment.
    fn is_empty(&self) -> bool {
        let none = self.settled.is_zero() && self.total.0.is_zero() && self.total.1.is_zero();
        none && self.accrued.values().all(|quantity| quantity.is_zero())
    }

    fn finish(self, asset: AssetId, as_of: Date) -> Result<AssetAgeing, StoreError> {
        let mut used = self.settled;
        let mut items = Vec::new();
        // A date restated below what was settled of it is a credit that the next oldest dates use up.
        for quantity in self.accrued.values().filter(|quantity| **quantity < Quantity::ZERO) {
            used = used.checked_sub(*quantity).ok_or_else(too_large)?;
        }
        let (units, mut value_left) = self.total;
        let mut units_left = units;
        for (date, quantity) in self.accrued.into_iter().filter(|(_, quantity)| *quantity > Quantity::ZERO) {
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
            items.push(OpenItem {
                asset,
                date,
                age_days,
                bucket: Bucket::of_days(age_days),
                quantity: open,
                value,
                entries: Vec::new(),
            });
        }
        Ok(AssetAgeing { asset, quantity: units, value: self.total.1, items })
    }
}
