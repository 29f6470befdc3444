//! What changed since a month was signed off: all that has a date in it and came too late, and what its figures would be with that.
//! An entry is too late when it is booked in a later month, a fee report when it was recorded after the soft close, and a decision
//! when it was recorded after the close.

use super::{closed, month, soft};
use crate::domain::account::AccountNo;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::event::Event;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::period::Period;
use crate::report::doc::{Basis, Cell, Column, Doc, Row, Table};
use crate::report::{link, posting};
use crate::service::Book;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact::FactRow;
use crate::store::fee_report::ReportRow;
use crate::store::journal::EntryRow;
use crate::store::projection::{self, Amounts};
use crate::store::{late, view};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What was recorded about a closed month since.
pub(super) struct Changes {
    /// Entries that came late, with the sum of their debits.
    entries: Vec<(EntryRow, Value)>,
    reports: Vec<ReportRow>,
    facts: Vec<FactRow>,
    differences: Vec<Difference>,
}

/// A balance at the end of the month that is another one with what came late.
struct Difference {
    account: AccountNo,
    asset: AssetId,
    before: Amounts,
    after: Amounts,
}

impl Book {
    /// What changed since a month (`2019-05`) was signed off.
    ///
    /// # Errors
    /// `InvalidField`, `WrongState` for a month that is not closed.
    pub fn changes_doc(&self, period: &str) -> Result<Doc, StoreError> {
        let period = month(period)?;
        self.read(|conn| {
            let open =
                || Rejection::new(OutcomeCode::WrongState, "/period", period, "is not closed, so nothing came after its close");
            let row = closed(conn, period)?.ok_or_else(open)?;
            let refs = Refs::load(conn)?;
            let changes = Changes::load(conn, period, row.leaf)?;
            Ok(Doc {
                name: format!("changes-{period}"),
                title: format!("{period}: what changed since sign-off"),
                finding: Some(changes.finding()),
                basis: Basis { as_of: Some(period.last_day()), ..Basis::default() },
                tables: changes.tables(&refs)?,
                ..Doc::default()
            })
        })
    }
}

impl Changes {
    /// Everything with a date in a month, closed by this leaf, that came too late.
    pub(super) fn load(conn: &mut Conn, period: Period, closed: i64) -> Result<Self, StoreError> {
        let (first, last) = (period.first_day().to_string(), period.last_day().to_string());
        let soft = soft::leaf(conn, period)?.unwrap_or(closed);
        let headers = late::entries(conn, &first, &last)?;
        let numbers: Vec<i64> = headers.iter().map(|row| row.no).collect();
        let mut debits: BTreeMap<i64, Value> = BTreeMap::new();
        for line in view::postings_of(conn, &numbers)?.iter().filter(|line| line.value.value() > Value::ZERO) {
            let sum = debits.entry(line.entry_no).or_default();
            *sum = sum.checked_add(line.value.value()).ok_or_else(too_large)?;
        }
        let entries = headers.into_iter().map(|row| (debits.get(&row.no).copied().unwrap_or_default(), row));
        let facts = late::facts(conn, closed, &first, &last)?;
        Ok(Self {
            entries: entries.map(|(sum, row)| (row, sum)).collect(),
            reports: late::reports(conn, soft, &first, &last)?,
            facts: facts.into_iter().filter(|fact| !fact.kind.starts_with("close.")).collect(),
            differences: differences(conn, period)?,
        })
    }

    /// One sentence.
    pub(super) fn finding(&self) -> String {
        let count = self.entries.len().saturating_add(self.reports.len()).saturating_add(self.facts.len());
        match count {
            0 => "Nothing came too late for the month.".to_owned(),
            1 => "One thing came too late for the month.".to_owned(),
            many => format!("{many} things came too late for the month."),
        }
    }

    /// Late entries, what else came late, and the balances that differ by it.
    pub(super) fn tables(&self, refs: &Refs) -> Result<Vec<Table>, StoreError> {
        Ok(vec![self.late_entries()?, self.late_records()?, self.differing(refs)])
    }

    fn late_entries(&self) -> Result<Table, StoreError> {
        let row = |(entry, debits): &(EntryRow, Value)| {
            let (no, at) = (EntryNo(entry.no), moment(entry.recorded_at)?);
            let event = Event::from_code(&entry.event).map_or_else(|| entry.event.clone(), |event| event.title().to_owned());
            Ok(Row::body(vec![
                Cell::entry(no),
                day(&entry.effective_on)?,
                Cell::text(&entry.period).to(link::journal(&format!("period={}", entry.period))),
                Cell::time(at),
                Cell::text(event),
                Cell::text(&entry.memo),
                posting::source(&entry.source),
                Cell::value(*debits).to(link::entry(no)),
            ]))
        };
        let columns = vec![
            Column::text("entry", "Entry"),
            Column::text("date", "Date"),
            Column::text("period", "Booked in"),
            Column::text("recorded_at", "Recorded"),
            Column::text("event", "Event"),
            Column::text("memo", "Memo"),
            Column::text("source", "Source"),
            Column::number("debits", "Debits"),
        ];
        let rows = self.entries.iter().map(row).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Table::new("late", "Late entries", columns, rows, "No entry came late."))
    }

    fn late_records(&self) -> Result<Table, StoreError> {
        let mut rows = Vec::new();
        for report in &self.reports {
            let name = format!("{} version {}", report.report_id, report.version);
            rows.push(Row::body(vec![
                Cell::text("Fee report"),
                Cell::text(name).to(link::fee_report(report.id)),
                day(&report.business_date)?,
                Cell::time(moment(report.recorded_at)?),
            ]));
        }
        for fact in &self.facts {
            let subject = if fact.subject.is_empty() { "the book" } else { &fact.subject };
            let cells = vec![Cell::text(&fact.kind), Cell::text(subject), day(&fact.effective_on)?, Cell::empty()];
            rows.push(Row::body(cells));
        }
        let columns = vec![
            Column::text("kind", "What"),
            Column::text("subject", "About"),
            Column::text("date", "Date"),
            Column::text("recorded_at", "Recorded"),
        ];
        Ok(Table::new("late-records", "Reports and decisions that came late", columns, rows, "Nothing else came late."))
    }

    fn differing(&self, refs: &Refs) -> Table {
        let row = |one: &Difference| {
            let scale = refs.scale(one.asset);
            let to = link::account(one.account, Some(refs.code(one.asset)));
            Row::body(vec![
                Cell::text(one.account.to_string()).to(link::account(one.account, None)),
                Cell::text(refs.accounts.get(&one.account).map_or("", |account| account.name.as_str())),
                Cell::text(refs.code(one.asset)),
                Cell::units(one.before.quantity, scale).to(&to),
                Cell::units(one.after.quantity, scale).to(&to),
                Cell::value(one.before.value).to(&to),
                Cell::value(one.after.value).to(&to),
            ])
        };
        let columns = vec![
            Column::text("account", "Account"),
            Column::text("name", "Name"),
            Column::text("asset", "Asset"),
            Column::number("units_signed", "Units as signed off"),
            Column::number("units_now", "Units with what came late"),
            Column::number("value_signed", "Value as signed off"),
            Column::number("value_now", "Value with what came late"),
        ];
        let rows = self.differences.iter().map(row).collect();
        let empty = "Every balance is the one that was signed off.";
        Table::new("differences", "Balances of the last day that differ", columns, rows, empty)
    }
}

fn too_large() -> StoreError {
    StoreError::Damaged("a sum of late entries is too large".to_owned())
}

fn moment(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Damaged(format!("{micros} is no moment")))
}

fn day(text: &str) -> Result<Cell, StoreError> {
    Ok(Cell::date(text.parse().map_err(|_| StoreError::Damaged(format!("{text:?} is not a date")))?))
}

/// What was booked up to the month's close, and the same with all that was booked later for days up to its last.
fn differences(conn: &mut Conn, period: Period) -> Result<Vec<Difference>, StoreError> {
    let mut moved: BTreeMap<(AccountNo, AssetId), Amounts> = BTreeMap::new();
    for row in late::movements(conn, &period.last_day().to_string(), &period.to_string())? {
        let sum = moved.entry((AccountNo(row.account_no), AssetId(row.asset_id))).or_default();
        sum.add(row.quantity.quantity(), row.value.value())?;
    }
    moved.retain(|_, amounts| *amounts != Amounts { quantity: Quantity::ZERO, value: Value::ZERO });
    let accounts: BTreeSet<AccountNo> = moved.keys().map(|(account, _)| *account).collect();
    let accounts: Vec<AccountNo> = accounts.into_iter().collect();
    let signed = projection::booked_through(conn, &accounts, &period.to_string())?;
    let mut differences = Vec::with_capacity(moved.len());
    for ((account, asset), by) in moved {
        let before = signed.get(&(account, asset)).copied().unwrap_or_default();
        let mut after = before;
        after.add(by.quantity, by.value)?;
        differences.push(Difference { account, asset, before, after });
    }
    Ok(differences)
}
