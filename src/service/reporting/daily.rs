//! Daily movements as they were known at a moment. The kept ones know everything that was recorded. Entries are recorded nearly in the order
//! of their dates, so there is a day about which the moment turns: of the days up to it nearly all was known, and what was not is taken
//! off; of the days after it nearly nothing was known, and what was is read. Either is little, however long ago the moment is.

use super::window::{damaged, parse_day};
use crate::domain::account::AccountNo;
use crate::domain::asset::AssetId;
use crate::ledger::trial_balance::TrialBalance;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::journal::PostingRow;
use crate::store::projection::{self, Amounts, BalanceDayRow};
use crate::store::view::{self, Entered, Known, Numbered};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Entries whose postings are read at a time.
const CHUNK: usize = 2_000;
/// Before every business date.
const FIRST_DAY: &str = "0000-01-01";
/// After every business date.
const LAST_DAY: &str = "9999-12-31";
/// Entries to either side of a number by which the day about it is told.
const NEAR: i64 = 50;

/// Key of a daily movement: day, period, account, asset.
pub type DayKey = (Date, String, AccountNo, AssetId);
/// Daily movements.
pub type Folded = BTreeMap<DayKey, Amounts>;

/// Daily movements as they were known.
pub struct Daily {
    known: Known,
    /// The day about which the moment turns; none where everything is known.
    turn: Option<Date>,
    /// What was recorded after the moment, for days up to and including this one, which is not after the turn.
    late: (String, Folded),
    /// What was recorded until the moment for days after the turn.
    early: Option<Folded>,
}

impl Daily {
    /// Those of a moment.
    ///
    /// # Errors
    /// The database's failure.
    pub fn known(conn: &mut Conn, known: Known) -> Result<Self, StoreError> {
        let turn = if known == Known::ALL { None } else { day_near(conn, known.last_entry)? };
        Ok(Self { known, turn, late: (FIRST_DAY.to_owned(), Folded::new()), early: None })
    }

    /// Movements of the days `from..=to`.
    ///
    /// # Errors
    /// The database's failure, or a sum that does not fit.
    pub fn between(&mut self, conn: &mut Conn, from: Option<Date>, to: Date) -> Result<Folded, StoreError> {
        let kept_to = self.turn.map_or(to, |turn| turn.min(to));
        let mut days = Folded::new();
        for row in view::movements(conn, &first(from), &kept_to.to_string())? {
            let key = (parse_day(&row.effective_on)?, row.period.clone(), AccountNo(row.account_no), AssetId(row.asset_id));
            add(&mut days, key, amounts(&row))?;
        }
        let since = |day: Date| from.is_none_or(|from| day >= from);
        for (key, by) in self.late(conn, kept_to)?.iter().filter(|((day, ..), _)| *day <= kept_to && since(*day)) {
            add(&mut days, key.clone(), negated(*by))?;
        }
        for (key, by) in self.early(conn)?.iter().filter(|((day, ..), _)| *day <= to && since(*day)) {
            add(&mut days, key.clone(), *by)?;
        }
        Ok(days)
    }

    /// Balances of all accounts as of a day: running balances, less what came after the day or was not known.
    ///
    /// # Errors
    /// The database's failure, or a sum that does not fit.
    pub fn balances(&mut self, conn: &mut Conn, as_of: Date) -> Result<TrialBalance, StoreError> {
        let running = projection::balances(conn)?;
        let rows = running.iter().map(|row| (row.account(), row.asset(), row.quantity.quantity(), row.value.value()));
        let mut balance = TrialBalance::of_balances(rows).map_err(damaged)?;
        let mut add =
            |account: AccountNo, asset: AssetId, by: Amounts| balance.add(account, asset, by.quantity, by.value).map_err(damaged);
        let kept_to = self.turn.map_or(as_of, |turn| turn.min(as_of));
        if let Ok(next) = kept_to.tomorrow() {
            for row in view::movements(conn, &next.to_string(), LAST_DAY)? {
                add(AccountNo(row.account_no), AssetId(row.asset_id), negated(amounts(&row)))?;
            }
        }
        for ((_, _, account, asset), by) in self.late(conn, kept_to)?.iter().filter(|((day, ..), _)| *day <= kept_to) {
            add(*account, *asset, negated(*by))?;
        }
        for ((_, _, account, asset), by) in self.early(conn)?.iter().filter(|((day, ..), _)| *day <= as_of) {
            add(*account, *asset, *by)?;
        }
        Ok(balance)
    }

    /// What was not known of the days up to `until` at least. Read once for each day.
    fn late(&mut self, conn: &mut Conn, until: Date) -> Result<&Folded, StoreError> {
        let until = until.to_string();
        if self.known != Known::ALL && until > self.late.0 {
            let mut entries = view::numbered(conn, &self.late.0, &until, Numbered::Above(self.known.last_entry))?;
            entries.retain(|(_, day, _)| *day > self.late.0);
            fold_entries(conn, &mut self.late.1, &entries)?;
            self.late.0 = until;
        }
        Ok(&self.late.1)
    }

    /// What was known of the days after the turn.
    fn early(&mut self, conn: &mut Conn) -> Result<&Folded, StoreError> {
        if self.early.is_none() {
            let mut early = Folded::new();
            if let Some(next) = self.turn.and_then(|turn| turn.tomorrow().ok()) {
                let wanted = Numbered::Between(1, self.known.last_entry);
                let entries = view::numbered(conn, &next.to_string(), LAST_DAY, wanted)?;
                fold_entries(conn, &mut early, &entries)?;
            }
            self.early = Some(early);
        }
        self.early.as_ref().ok_or_else(|| damaged("no early entries"))
    }
}

/// The business date of most entries around a number: few before it have a later date, and few after it an earlier one. None where no
/// entry is near.
///
/// # Errors
/// The database's failure.
pub fn day_near(conn: &mut Conn, entry: i64) -> Result<Option<Date>, StoreError> {
    let days = view::days_of(conn, entry.saturating_sub(NEAR), entry.saturating_add(NEAR))?;
    days.get(days.len().div_euclid(2)).map(|day| parse_day(day)).transpose()
}

fn first(from: Option<Date>) -> String {
    from.map_or_else(|| FIRST_DAY.to_owned(), |day| day.to_string())
}

fn amounts(row: &BalanceDayRow) -> Amounts {
    Amounts { quantity: row.quantity.quantity(), value: row.value.value() }
}

/// The same on the other side.
pub const fn negated(by: Amounts) -> Amounts {
    Amounts { quantity: by.quantity.negated(), value: by.value.negated() }
}

/// Adds to a movement.
///
/// # Errors
/// A sum that does not fit.
pub fn add(days: &mut Folded, key: DayKey, by: Amounts) -> Result<(), StoreError> {
    days.entry(key).or_default().add(by.quantity, by.value)
}

fn fold_entries(conn: &mut Conn, into: &mut Folded, entries: &[Entered]) -> Result<(), StoreError> {
    for part in entries.chunks(CHUNK) {
        let numbers: Vec<i64> = part.iter().map(|(no, ..)| *no).collect();
        fold(into, part, &view::postings_of(conn, &numbers)?)?;
    }
    Ok(())
}

/// Adds postings by the days of their entries.
///
/// # Errors
/// An entry that is missing, or a sum that does not fit.
pub fn fold(into: &mut Folded, entries: &[Entered], postings: &[PostingRow]) -> Result<(), StoreError> {
    let entries: BTreeMap<i64, &Entered> = entries.iter().map(|entry| (entry.0, entry)).collect();
    for row in postings {
        let (_, day, period) = entries.get(&row.entry_no).ok_or_else(|| damaged(format!("entry {} is missing", row.entry_no)))?;
        let key = (parse_day(day)?, period.clone(), AccountNo(row.account_no), AssetId(row.asset_id));
        add(into, key, Amounts { quantity: row.quantity.quantity(), value: row.value.value() })?;
    }
    Ok(())
}
