//! The journal: every entry is gapless, balances, and is what its leaf says; all of them together give the running balances,
//! the daily movements and the lots that are stored.

use super::leaves::{Log, Parsed, difference, instant_text, parse};
use super::seals::Seals;
use super::{Verdict, count};
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::{Draft, Posting};
use crate::domain::event::Event;
use crate::domain::ids::{IncidentId, LotId};
use crate::domain::price::Price;
use crate::ledger::invariants;
use crate::ledger::lots::LotTable;
use crate::ledger::trial_balance::TrialBalance;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::journal::{self, EntryRow, PostingRow};
use crate::store::projection::{self, Amounts, BalanceKey};
use crate::store::{log, rebuild};
use std::collections::BTreeMap;

/// What the journal adds up to.
#[derive(Default)]
pub(super) struct Replay {
    running: BTreeMap<BalanceKey, Amounts>,
    daily: BTreeMap<(String, String, i32, i32), Amounts>,
    lots: LotTable,
    /// The entry that opened each lot.
    opened_by: BTreeMap<LotId, i64>,
    /// Contributions receivable debited, by (source, business date, asset): ties sub-ledgers to the journal.
    pub(super) accrued: BTreeMap<(String, String, AssetId), Quantity>,
    /// What entries moved of the fund's holdings: leaf, business date, asset, units; in the order of the leaves.
    pub(super) holdings: Vec<(i64, String, AssetId, Quantity)>,
    /// Units moved on claims payable by event, incident and asset: debits positive.
    payable: BTreeMap<(String, IncidentId, AssetId), Quantity>,
    last_entry: i64,
}

/// Replays all entries and compares with the projections.
pub(super) fn replay(conn: &mut Conn, log: &Log, verdict: &mut Verdict) -> Result<Replay, StoreError> {
    let mut replay = Replay::default();
    let mut seals = Seals::load(conn, verdict)?;
    for (from, to) in log.chunks() {
        let headers = rebuild::entries_between(conn, from, to)?;
        let (Some(first), Some(last)) = (headers.iter().map(|h| h.no).min(), headers.iter().map(|h| h.no).max()) else {
            continue;
        };
        let mut postings: BTreeMap<i64, Vec<PostingRow>> = BTreeMap::new();
        for row in journal::postings_between(conn, first, last)? {
            postings.entry(row.entry_no).or_default().push(row);
        }
        let leaves: BTreeMap<i64, log::Leaf> = log::leaves(conn, from, to.saturating_sub(from).saturating_add(1))?
            .into_iter()
            .filter(|leaf| leaf.kind == "entry")
            .map(|leaf| (leaf.idx, leaf))
            .collect();
        let mut unmet = leaves.len();
        for header in &headers {
            let lines = postings.remove(&header.no).unwrap_or_default();
            if let Some(leaf) = leaves.get(&header.leaf) {
                unmet = unmet.saturating_sub(1);
                compare_leaf(leaf, header, &lines, verdict);
            } else {
                verdict.add(format!("entry {}", header.no), format!("says it is leaf {}, which is not an entry's", header.leaf));
            }
            seals.before(header, &replay.running, verdict);
            replay.entry(header, &lines, verdict)?;
        }
        if unmet > 0 {
            verdict.add(format!("leaves {from} to {to}"), format!("{unmet} entries are logged but not stored"));
        }
    }
    seals.finish(conn, &replay.running, replay.last_entry, verdict)?;
    replay.finish(conn, log, verdict)?;
    Ok(replay)
}

fn compare_leaf(leaf: &log::Leaf, header: &EntryRow, lines: &[PostingRow], verdict: &mut Verdict) {
    let subject = format!("entry {}", header.no);
    let Some(Parsed { body, at, actor, request }) = parse(leaf, verdict) else { return };
    if let Some(difference) = difference(&body, &header.body(lines)) {
        verdict.add(subject.clone(), difference);
    }
    let recorded_at = instant_text(header.recorded_at);
    let envelope =
        [("recorded_at", &at, &recorded_at), ("actor", &actor, &header.actor), ("request", &request, &header.request_key)];
    for (name, logged, stored) in envelope {
        if logged != stored {
            verdict.add(subject.clone(), format!("{name}: the log says {logged:?}, stored is {stored:?}"));
        }
    }
}

impl Replay {
    fn entry(&mut self, header: &EntryRow, rows: &[PostingRow], verdict: &mut Verdict) -> Result<(), StoreError> {
        let subject = || format!("entry {}", header.no);
        if header.no != self.last_entry.saturating_add(1) {
            verdict.add(subject(), format!("follows entry {}; numbers have no gaps", self.last_entry));
        }
        self.last_entry = header.no;
        verdict.counts.entries = verdict.counts.entries.saturating_add(1);
        verdict.counts.postings = verdict.counts.postings.saturating_add(count(rows.len()));
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            match row.to_domain() {
                Ok(line) => lines.push(line),
                Err(error) => verdict.add(subject(), error.to_string()),
            }
        }
        self.fold(header, &lines)?;
        let marks = marks_of(header);
        if marks.is_none() {
            verdict.add(subject(), "its marks are not prices by asset");
        }
        if let Err(fault) = self.lots.apply_lines(&lines, &marks.unwrap_or_default()) {
            verdict.add(subject(), format!("does to its lots what cannot be: {fault}"));
        }
        match (Event::from_code(&header.event), header.effective_on.parse()) {
            (Some(event), Ok(day)) => {
                let draft = Draft { lines, ..Draft::new(event, day, header.memo.clone()) };
                if let Err(unbalanced) = draft.balance() {
                    verdict.add(subject(), unbalanced.to_string());
                }
            }
            _ => verdict.add(subject(), "has an event or a date that is none"),
        }
        Ok(())
    }

    fn fold(&mut self, header: &EntryRow, lines: &[Posting]) -> Result<(), StoreError> {
        for line in lines {
            self.running.entry(BalanceKey::of(line)).or_default().add(line.quantity, line.value)?;
            let day = (header.effective_on.clone(), header.period.clone(), line.account.0, line.asset.0);
            self.daily.entry(day).or_default().add(line.quantity, line.value)?;
            let accrues = line.account == no::CONTRIBUTIONS || line.account == no::RESTATEMENTS;
            if accrues && !line.quantity.is_zero() && header.event != Event::PeriodClose.code() {
                let key = (header.source.clone(), header.effective_on.clone(), line.asset);
                let sum = self.accrued.entry(key).or_default();
                *sum = sum.checked_sub(line.quantity).ok_or_else(|| StoreError::Damaged("a sum is too large".to_owned()))?;
            }
            if no::HOLDINGS.contains(&line.account) && !line.quantity.is_zero() {
                self.holdings.push((header.leaf, header.effective_on.clone(), line.asset, line.quantity));
            }
            if let (Some(lot), true) = (line.dims.lot, line.opens.is_some()) {
                self.opened_by.insert(lot, header.no);
            }
            self.fold_payable(header, line)?;
        }
        Ok(())
    }

    /// What a source accrued or restated, by asset.
    pub(super) fn accrued_by(&self, source: &str) -> impl Iterator<Item = (AssetId, Quantity)> {
        let first = (source.to_owned(), String::new(), AssetId(i32::MIN));
        let own = self.accrued.range(first..).take_while(move |((of, ..), _)| of == source);
        own.map(|((_, _, asset), units)| (*asset, *units)).collect::<Vec<_>>().into_iter()
    }

    fn fold_payable(&mut self, header: &EntryRow, line: &Posting) -> Result<(), StoreError> {
        let Some(incident) = line.dims.incident.filter(|_| line.account == no::CLAIMS_PAYABLE && !line.quantity.is_zero()) else {
            return Ok(());
        };
        let sum = self.payable.entry((header.event.clone(), incident, line.asset)).or_default();
        *sum = sum.checked_add(line.quantity).ok_or_else(|| StoreError::Damaged("a sum is too large".to_owned()))?;
        Ok(())
    }

    /// Units that an event moved on claims payable, by incident and asset, without sign.
    pub(super) fn payable_moved(&self, event: Event) -> BTreeMap<(IncidentId, AssetId), Quantity> {
        let of_event = self.payable.iter().filter(|((code, ..), _)| code == event.code());
        of_event.map(|((_, incident, asset), units)| ((*incident, *asset), Quantity(units.minor().saturating_abs()))).collect()
    }

    fn finish(&self, conn: &mut Conn, log: &Log, verdict: &mut Verdict) -> Result<(), StoreError> {
        if log.head.last_entry != self.last_entry {
            verdict.add("head", format!("last entry is {} but the journal ends at {}", log.head.last_entry, self.last_entry));
        }
        let (_, postings, _) = rebuild::child_counts(conn)?;
        if count(postings) != verdict.counts.postings {
            verdict.add("postings", format!("{postings} are stored, {} belong to entries", verdict.counts.postings));
        }
        self.compare_running(conn, verdict)?;
        self.compare_daily(conn, verdict)?;
        self.compare_lots(conn, verdict)?;
        let rows = self
            .running
            .iter()
            .map(|(key, sum)| (crate::domain::account::AccountNo(key.account), AssetId(key.asset), sum.quantity, sum.value));
        let trial = TrialBalance::of_balances(rows).map_err(|e| StoreError::Damaged(e.to_string()))?;
        for violation in invariants::balances(&trial).into_iter().chain(invariants::lots(&trial, self.lots.all())) {
            verdict.add("trial balance", violation.to_string());
        }
        Ok(())
    }

    fn compare_running(&self, conn: &mut Conn, verdict: &mut Verdict) -> Result<(), StoreError> {
        let mut stored: BTreeMap<BalanceKey, Amounts> =
            projection::balances(conn)?.iter().map(|row| (row.key(), row.amounts())).collect();
        verdict.counts.balances = count(stored.len());
        for (key, sum) in &self.running {
            let subject = || {
                format!(
                    "balance of account {}, asset {}, wallet {}, incident {}",
                    key.account, key.asset, key.wallet, key.incident
                )
            };
            match stored.remove(key) {
                Some(row) if row == *sum => {}
                Some(row) => verdict.add(subject(), amounts_differ(&row, sum)),
                None => verdict.add(subject(), "is missing"),
            }
        }
        for key in stored.keys() {
            verdict.add(
                format!("balance of account {}, asset {}", key.account, key.asset),
                "is stored, but nothing was ever posted to it",
            );
        }
        Ok(())
    }

    fn compare_daily(&self, conn: &mut Conn, verdict: &mut Verdict) -> Result<(), StoreError> {
        let mut met = 0_usize;
        for row in projection::all_movements(conn)? {
            let key = (row.effective_on.clone(), row.period.clone(), row.account_no, row.asset_id);
            let stored = Amounts { quantity: row.quantity.quantity(), value: row.value.value() };
            let subject = || format!("movement of {} on account {}, asset {}", row.effective_on, row.account_no, row.asset_id);
            match self.daily.get(&key) {
                Some(sum) if *sum == stored => {}
                Some(sum) => verdict.add(subject(), amounts_differ(&stored, sum)),
                None => verdict.add(subject(), "is stored, but nothing was posted then"),
            }
            met = met.saturating_add(usize::from(self.daily.contains_key(&key)));
        }
        if met != self.daily.len() {
            verdict.add("daily movements", format!("{} are missing", self.daily.len().saturating_sub(met)));
        }
        Ok(())
    }

    fn compare_lots(&self, conn: &mut Conn, verdict: &mut Verdict) -> Result<(), StoreError> {
        let stored = projection::all_lots(conn)?;
        verdict.counts.lots = count(stored.len());
        let replayed = self.lots.all().count();
        if replayed != stored.len() {
            verdict.add("lots", format!("{} are stored, the journal opened {replayed}", stored.len()));
        }
        for row in stored {
            let subject = || format!("lot {}", row.id);
            if (row.is_open == 1) == row.quantity.quantity().is_zero() {
                verdict.add(subject(), "is marked open without units, or closed with units");
            }
            if self.opened_by.get(&LotId(row.id)) != Some(&row.opened_by) {
                verdict.add(subject(), format!("says entry {} opened it, which is not so", row.opened_by));
            }
            match row.to_domain() {
                Ok(lot) if self.lots.get(lot.id) == Some(&lot) => {}
                Ok(lot) => verdict.add(subject(), format!("stored is {lot:?}, the journal makes {:?}", self.lots.get(lot.id))),
                Err(error) => verdict.add(subject(), error.to_string()),
            }
        }
        Ok(())
    }
}

fn amounts_differ(stored: &Amounts, sum: &Amounts) -> String {
    format!(
        "stored are {} minor units worth {}, the postings add up to {} worth {}",
        stored.quantity.minor(),
        stored.value,
        sum.quantity.minor(),
        sum.value
    )
}

/// The marks of an entry: canonical JSON of prices by asset number.
fn marks_of(header: &EntryRow) -> Option<BTreeMap<AssetId, Price>> {
    let marks: BTreeMap<String, String> = serde_json::from_str(&header.marks).ok()?;
    marks.into_iter().map(|(asset, price)| Some((AssetId(asset.parse().ok()?), Price::parse(&price).ok()?))).collect()
}
