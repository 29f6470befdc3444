//! Entries and postings, and the balances and lots they move.

use super::bulk::{self, bulk_row};
use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::projection;
use super::schema::{entry, posting};
use super::tx::{Record, Stamp};
use super::types::{Minor, Money};
use crate::domain::account::AccountNo;
use crate::domain::asset::AssetId;
use crate::domain::entry::{Balanced, Dims, LotOpening, Posting};
use crate::domain::ids::{EntryNo, IncidentId, LotId, ReportId, WalletId};
use crate::domain::price::Price;
use crate::proof::merkle::{Frontier, Hash};
use crate::proof::row::RowEncoder;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use serde_json::{Map, Value, json};

/// An entry on its way into the book.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Its gapless number.
    pub no: EntryNo,
    /// What is posted.
    pub balanced: Balanced,
    /// The period it is booked in: that of its effective date, or the first open one if that is closed.
    pub period: String,
    /// What caused it, for people and links: `report:12`, `batch:7`, `incident:INC-1`, `treasury:…`.
    pub source: String,
}

/// The header of a stored entry.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = entry)]
pub struct EntryRow {
    /// Gapless number.
    pub no: i64,
    /// Event code.
    pub event: String,
    /// Business date, ISO.
    pub effective_on: String,
    /// Period booked in.
    pub period: String,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// Who.
    pub actor: String,
    /// Idempotency key of the command.
    pub request_key: String,
    /// Memo.
    pub memo: String,
    /// What caused it.
    pub source: String,
    /// The entry this one reverses.
    pub reverses: Option<i64>,
    /// Prices that open lots were marked to, canonical JSON by asset number.
    pub marks: String,
    /// The leaf that proves it.
    pub leaf: i64,
}

/// A stored posting.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = posting)]
pub struct PostingRow {
    /// Entry.
    pub entry_no: i64,
    /// 1-based line.
    pub line: i32,
    /// Account.
    pub account_no: i32,
    /// Asset.
    pub asset_id: i32,
    /// Units, signed.
    pub quantity: Minor,
    /// Functional value, signed.
    pub value: Minor,
    /// Wallet.
    pub wallet_id: Option<i32>,
    /// Lot.
    pub lot_id: Option<i64>,
    /// Incident.
    pub incident_id: Option<i32>,
    /// Fee report.
    pub report_id: Option<i64>,
    /// Set on the line that opens the lot.
    pub opens_acquired_on: Option<String>,
    /// The mark that the opened lot starts with.
    pub opens_mark: Option<String>,
}

bulk_row!(EntryRow, entry, {
    no: BigInt, event: Text, effective_on: Text, period: Text, recorded_at: BigInt, actor: Text, request_key: Text, memo: Text,
    source: Text, reverses: Nullable<BigInt>, marks: Text, leaf: BigInt,
});
bulk_row!(PostingRow, posting, {
    entry_no: BigInt, line: Integer, account_no: Integer, asset_id: Integer, quantity: Money, value: Money,
    wallet_id: Nullable<Integer>, lot_id: Nullable<BigInt>, incident_id: Nullable<Integer>, report_id: Nullable<BigInt>,
    opens_acquired_on: Nullable<Text>, opens_mark: Nullable<Text>,
});

impl PostingRow {
    fn new(entry_no: i64, line: usize, posting: &Posting) -> Self {
        Self {
            entry_no,
            line: i32::try_from(line).unwrap_or(i32::MAX),
            account_no: posting.account.0,
            asset_id: posting.asset.0,
            quantity: posting.quantity.into(),
            value: posting.value.into(),
            wallet_id: posting.dims.wallet.map(|id| id.0),
            lot_id: posting.dims.lot.map(|id| id.0),
            incident_id: posting.dims.incident.map(|id| id.0),
            report_id: posting.dims.report.map(|id| id.0),
            opens_acquired_on: posting.opens.map(|o| o.acquired_on.to_string()),
            opens_mark: posting.opens.and_then(|o| o.mark).map(|mark| mark.to_string()),
        }
    }

    /// Back to the domain's posting.
    pub fn to_domain(&self) -> Result<Posting, StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("posting {}/{}: {what}", self.entry_no, self.line));
        let opens = match &self.opens_acquired_on {
            None => None,
            Some(day) => Some(LotOpening {
                acquired_on: day.parse().map_err(|_| damaged("opens_acquired_on is not a date"))?,
                mark: self
                    .opens_mark
                    .as_deref()
                    .map(Price::parse)
                    .transpose()
                    .map_err(|_| damaged("opens_mark is not a price"))?,
            }),
        };
        Ok(Posting {
            account: AccountNo(self.account_no),
            asset: AssetId(self.asset_id),
            quantity: self.quantity.quantity(),
            value: self.value.value(),
            dims: Dims {
                wallet: self.wallet_id.map(WalletId),
                lot: self.lot_id.map(LotId),
                incident: self.incident_id.map(IncidentId),
                report: self.report_id.map(ReportId),
            },
            opens,
        })
    }

    /// The canonical row of the entry's posting tree: line, account, asset number, quantity and value in minor units, wallet,
    /// lot, incident, report, and what it says of an opened lot; an absent field is empty text.
    pub fn leaf_hash(&self, encoder: &mut RowEncoder) -> Hash {
        let whole = |encoder: &mut RowEncoder, number: i128| {
            encoder.amount(number, 0);
        };
        encoder.begin("posting");
        for number in
            [i128::from(self.line), i128::from(self.account_no), i128::from(self.asset_id), self.quantity.0, self.value.0]
        {
            whole(encoder, number);
        }
        for number in [self.wallet_id.map(i64::from), self.lot_id, self.incident_id.map(i64::from), self.report_id] {
            match number {
                Some(number) => whole(encoder, i128::from(number)),
                None => {
                    encoder.text("");
                }
            }
        }
        encoder.text(self.opens_acquired_on.as_deref().unwrap_or_default());
        encoder.text(self.opens_mark.as_deref().unwrap_or_default());
        encoder.leaf_hash()
    }
}

/// The root over an entry's postings.
pub fn postings_root(rows: &[PostingRow]) -> Hash {
    let (mut frontier, mut encoder) = (Frontier::new(), RowEncoder::new());
    for row in rows {
        frontier.push(row.leaf_hash(&mut encoder));
    }
    frontier.root()
}

impl EntryRow {
    /// The leaf body of an entry with these postings.
    pub fn body(&self, postings: &[PostingRow]) -> Value {
        json!({
            "no": self.no,
            "event": self.event,
            "effective_on": self.effective_on,
            "period": self.period,
            "memo": self.memo,
            "source": self.source,
            "reverses": self.reverses,
            "marks": self.marks,
            "lines": postings.len(),
            "postings_root": hex::encode(postings_root(postings)),
        })
    }
}

impl NewEntry {
    fn rows(&self, stamp: Option<&Stamp>, leaf: i64) -> (EntryRow, Vec<PostingRow>) {
        let draft = self.balanced.draft();
        let marks: Map<String, Value> =
            draft.marks.iter().map(|(asset, price)| (asset.0.to_string(), Value::String(price.to_string()))).collect();
        let header = EntryRow {
            no: self.no.0,
            event: draft.event.code().to_owned(),
            effective_on: draft.effective_on.to_string(),
            period: self.period.clone(),
            recorded_at: stamp.map_or(0, |s| s.at.as_microsecond()),
            actor: stamp.map_or_else(String::new, |s| s.actor.clone()),
            request_key: stamp.map_or_else(String::new, |s| s.request.clone()),
            memo: draft.memo.clone(),
            source: self.source.clone(),
            reverses: draft.reverses.map(|no| no.0),
            marks: crate::proof::leaf::canonical(&Value::Object(marks)),
            leaf,
        };
        let lines = self.balanced.lines().iter().enumerate();
        let postings = lines.map(|(index, line)| PostingRow::new(self.no.0, index.saturating_add(1), line)).collect();
        (header, postings)
    }
}

impl Record for NewEntry {
    fn kind(&self) -> &'static str {
        "entry"
    }

    fn body(&self) -> Value {
        let (header, postings) = self.rows(None, 0);
        header.body(&postings)
    }

    fn insert(&self, conn: &mut Conn, leaf: i64, stamp: &Stamp) -> Result<(), StoreError> {
        let (header, postings) = self.rows(Some(stamp), leaf);
        bulk::insert(conn, std::slice::from_ref(&header))?;
        bulk::insert(conn, &postings)?;
        projection::apply(conn, &header, &self.balanced)
    }
}

/// One entry with its postings.
pub fn find(conn: &mut Conn, no: EntryNo) -> Result<Option<(EntryRow, Vec<PostingRow>)>, StoreError> {
    let header = entry::table.filter(entry::no.eq(no.0)).select(EntryRow::as_select()).first(conn).optional()?;
    match header {
        None => Ok(None),
        Some(header) => Ok(Some((header, postings_between(conn, no.0, no.0)?))),
    }
}

/// The postings of the entries `first..=last`, in order.
pub fn postings_between(conn: &mut Conn, first: i64, last: i64) -> Result<Vec<PostingRow>, StoreError> {
    Ok(posting::table
        .filter(posting::entry_no.between(first, last))
        .order((posting::entry_no, posting::line))
        .select(PostingRow::as_select())
        .load(conn)?)
}

/// Headers of the entries `first..=last`, in order.
pub fn headers_between(conn: &mut Conn, first: i64, last: i64) -> Result<Vec<EntryRow>, StoreError> {
    Ok(entry::table.filter(entry::no.between(first, last)).order(entry::no).select(EntryRow::as_select()).load(conn)?)
}

/// The entry that reverses `no`, if there is one.
pub fn reversal_of(conn: &mut Conn, no: EntryNo) -> Result<Option<EntryNo>, StoreError> {
    let found: Option<i64> = entry::table.filter(entry::reverses.eq(no.0)).select(entry::no).first(conn).optional()?;
    Ok(found.map(EntryNo))
}

/// The postings of an account with their entries, in order of recording.
pub fn of_account(conn: &mut Conn, account: AccountNo) -> Result<Vec<(EntryRow, PostingRow)>, StoreError> {
    Ok(entry::table
        .inner_join(posting::table.on(posting::entry_no.eq(entry::no)))
        .filter(posting::account_no.eq(account.0))
        .order((posting::entry_no, posting::line))
        .select((EntryRow::as_select(), PostingRow::as_select()))
        .load(conn)?)
}

/// Headers of these entries, in no particular order.
pub fn headers_of(conn: &mut Conn, entries: &[i64]) -> Result<Vec<EntryRow>, StoreError> {
    let mut found = Vec::with_capacity(entries.len());
    for some in entries.chunks(5_000) {
        found.extend::<Vec<EntryRow>>(
            on_each!(conn, c => entry::table.filter(entry::no.eq_any(some)).select(EntryRow::as_select()).load(c))?,
        );
    }
    Ok(found)
}
