//! Months and their checklists as documents: pages show them, the API answers with them, the command line prints them.

use super::changes::Changes;
use super::checklist::{Checklist, ItemView, SignOff};
use super::{Recorded, files, month, next_to_close, seal, soft};
use crate::domain::close::{Item, ItemState, MonthState};
use crate::domain::ids::EntryNo;
use crate::domain::period::Period;
use crate::report::doc::{Cell, Column, Doc, Row, Table, Tone};
use crate::report::link;
use crate::service::Book;
use crate::service::clock::day_of;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::price::{self, ClosedPeriodRow};
use crate::store::{late, projection};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Months that a listing shows; two hundred years are enough for a page.
const MAX_MONTHS: usize = 2_400;

impl Book {
    /// Every month since the first entry, the latest first.
    ///
    /// # Errors
    /// The database's failure.
    pub fn periods_doc(&self) -> Result<Doc, StoreError> {
        let now = self.clock.now();
        self.read(|conn| months(conn, now))
    }

    /// The checklist of a month (`2019-05`); for a closed one with its sign-off and what changed since.
    ///
    /// # Errors
    /// `InvalidField`, or the database's failure.
    pub fn period_doc(&self, period: &str) -> Result<Doc, StoreError> {
        let (period, now) = (month(period)?, self.clock.now());
        self.read(|conn| {
            let checklist = Checklist::load(conn, period, now)?;
            document(conn, &checklist)
        })
    }
}

fn months(conn: &mut Conn, now: Timestamp) -> Result<Doc, StoreError> {
    let closed: BTreeMap<String, ClosedPeriodRow> =
        price::closed_periods(conn)?.into_iter().map(|row| (row.period.clone(), row)).collect();
    let softly = soft::last_entries(conn, i64::MAX)?;
    let next = next_to_close(conn)?;
    let first = projection::first_period(conn)?.as_deref().and_then(Period::parse);
    let first = first.min(closed.keys().next().and_then(|text| Period::parse(text))).or(first);
    let last = next.into_iter().chain([Period::of(day_of(now))]).max();
    let mut came_late: BTreeMap<String, i64> = BTreeMap::new();
    for date in late::dates(conn)? {
        let count = came_late.entry(date.get(..7).unwrap_or_default().to_owned()).or_default();
        *count = count.saturating_add(1);
    }
    let mut rows = Vec::new();
    let all = std::iter::successors(first, |period| period.next()).take_while(|period| Some(*period) <= last);
    for period in all.take(MAX_MONTHS) {
        let text = period.to_string();
        let late = came_late.get(&text).copied().unwrap_or_default();
        let row = match closed.get(&text) {
            Some(row) => closed_row(conn, period, row, late)?,
            None => open_row(conn, period, (next, now), softly.contains_key(&text))?,
        };
        rows.push(row);
    }
    rows.reverse();
    let columns = vec![
        Column::text("month", "Month"),
        Column::text("state", "State"),
        Column::number("open_items", "Open items"),
        Column::text("closed_at", "Closed"),
        Column::text("closed_by", "By"),
        Column::text("entry", "Closing entry"),
        Column::text("seal", "Seal"),
        Column::number("late", "Late entries"),
    ];
    let empty = "Nothing is booked yet, so there is no month to close; submit contributions or record an event first.";
    let so_far = match closed.len() {
        0 => "None is closed so far.".to_owned(),
        1 => "One is closed for good.".to_owned(),
        some => format!("{some} are closed for good."),
    };
    let finding = next.map(|next| format!("{next} is the next month to close. {so_far}"));
    Ok(Doc {
        name: "periods".to_owned(),
        title: "Close".to_owned(),
        finding,
        tables: vec![Table::new("months", "Months", columns, rows, empty)],
        notes: vec![
            "Months are closed in order and never reopened. What is recorded later for a closed month is booked in the first open \
             one, keeps its date, and counts here as late."
                .to_owned(),
        ],
        ..Doc::default()
    })
}

fn month_state(state: MonthState) -> Cell {
    let tone = match state {
        MonthState::Open => Tone::Neutral,
        MonthState::SoftClosed => Tone::Warn,
        MonthState::Closed => Tone::Good,
    };
    Cell::state(state.title(), tone)
}

fn closed_row(conn: &mut Conn, period: Period, row: &ClosedPeriodRow, late: i64) -> Result<Row, StoreError> {
    let to = link::close(&row.period);
    let recorded = Recorded::of_leaf(conn, row.leaf)?;
    let seal = seal::of(conn, period)?;
    Ok(Row::body(vec![
        Cell::text(&row.period).to(&to),
        month_state(MonthState::Closed),
        Cell::blank("signed off"),
        Cell::time(recorded.at),
        Cell::text(recorded.by),
        closing_entry(row.closed_entry),
        seal.map_or_else(|| Cell::blank("none"), |(_, seal)| Cell::code(seal.root.get(..12).unwrap_or_default()).to(&to)),
        Cell::count(late).to(&to),
    ]))
}

fn open_row(conn: &mut Conn, period: Period, (next, now): (Option<Period>, Timestamp), softly: bool) -> Result<Row, StoreError> {
    let text = period.to_string();
    let to = link::close(&text);
    let open = if next == Some(period) {
        Cell::count(Checklist::load(conn, period, now)?.open()).to(&to)
    } else {
        Cell::blank("not its turn")
    };
    let state = if softly { MonthState::SoftClosed } else { MonthState::Open };
    let mut cells = vec![Cell::text(text).to(&to), month_state(state), open];
    cells.extend(std::iter::repeat_with(Cell::empty).take(5));
    Ok(Row::body(cells))
}

fn closing_entry(entry: Option<i64>) -> Cell {
    entry.map_or_else(|| Cell::blank("no income and no expense"), |no| Cell::entry(EntryNo(no)))
}

fn document(conn: &mut Conn, checklist: &Checklist) -> Result<Doc, StoreError> {
    let (mut tables, files) = (vec![items(checklist)], files::table(conn, checklist)?);
    let mut notes = Vec::new();
    if let Some(sign_off) = &checklist.closed {
        let refs = Refs::load(conn)?;
        let leaf = closing_leaf(conn, checklist.period)?;
        let changes = Changes::load(conn, checklist.period, leaf)?;
        tables.extend([files, signed_off(checklist, sign_off)]);
        tables.extend(changes.tables(&refs)?);
        notes.push(changes.finding());
        notes.push(
            "The seal is the root over all balances that were not zero right after the closing entry; `safu verify` recomputes it."
                .to_owned(),
        );
    } else {
        tables.extend([to_mend(checklist), files]);
        notes.push(
            "A soft close keeps everything out of the month that was not approved. The close itself posts the closing entry, \
             seals all balances, and is final."
                .to_owned(),
        );
    }
    Ok(Doc {
        name: format!("close-{}", checklist.period),
        title: format!("Close of {}", checklist.period),
        finding: Some(finding(checklist)),
        tables,
        notes,
        ..Doc::default()
    })
}

fn closing_leaf(conn: &mut Conn, period: Period) -> Result<i64, StoreError> {
    Ok(super::closed(conn, period)?.map_or(i64::MAX, |row| row.leaf))
}

fn finding(checklist: &Checklist) -> String {
    match (checklist.state, checklist.open()) {
        (MonthState::Closed, _) => "The month is closed for good.".to_owned(),
        (MonthState::Open, 0) => "Every item is done: close the month softly, then for good.".to_owned(),
        (MonthState::SoftClosed, 0) => "Every item is done: the month can be closed for good.".to_owned(),
        (MonthState::Open, open) => format!("{open} of {} items are open.", checklist.items.len()),
        (MonthState::SoftClosed, open) => {
            format!("The month is softly closed; {open} of {} items are open.", checklist.items.len())
        }
    }
}

/// How an item stands, as a cell.
pub fn item_state(state: ItemState) -> Cell {
    let tone = match state {
        ItemState::Open => Tone::Warn,
        ItemState::Done => Tone::Good,
        ItemState::NotApplicable => Tone::Neutral,
    };
    Cell::state(state.title(), tone)
}

fn items(checklist: &Checklist) -> Table {
    let row = |view: &ItemView| {
        let (by, at) = view
            .marked
            .as_ref()
            .map_or_else(|| (Cell::empty(), Cell::empty()), |recorded| (Cell::text(&recorded.by), Cell::time(recorded.at)));
        Row::body(vec![
            Cell::text(view.item.title()),
            item_state(view.state),
            Cell::text(&view.owner),
            Cell::text(evidence(view)),
            by,
            at,
            Cell::code(view.item.slug()),
        ])
    };
    let columns = vec![
        Column::text("title", "Item"),
        Column::text("state", "State"),
        Column::text("owner", "Looked after by"),
        Column::text("evidence", "Evidence or reason"),
        Column::text("by", "Marked by"),
        Column::text("at", "When"),
        Column::text("item", "In commands"),
    ];
    let empty = "This month was closed before there were checklists.";
    Table::new("checklist", "Checklist", columns, checklist.items.iter().map(row).collect(), empty)
}

fn evidence(view: &ItemView) -> String {
    match (view.note.is_empty(), view.item.is_computed(), view.unmet.len()) {
        (_, true, 1) => "one thing to mend".to_owned(),
        (_, true, many) if many > 1 => format!("{many} things to mend"),
        (true, true, _) => "found by the book".to_owned(),
        (true, false, _) => "to be ticked".to_owned(),
        _ => view.note.clone(),
    }
}

/// What the book found and nobody has accepted.
fn to_mend(checklist: &Checklist) -> Table {
    let findings = checklist.items.iter().flat_map(|view| view.unmet.iter().map(move |unmet| (view.item, unmet)));
    let rows = findings.map(|(item, unmet)| {
        let what = where_to_mend(item).map_or_else(|| Cell::text(&unmet.value), |to| Cell::text(&unmet.value).to(to));
        Row::body(vec![Cell::text(item.title()), what, Cell::text(unmet.detail.replace('`', ""))])
    });
    let columns = vec![
        Column::text("item", "Item"),
        Column::text("subject", "About"),
        Column::text("detail", "What is wrong, and the mend"),
    ];
    Table::new("mend", "What is left to mend", columns, rows.collect(), "The book finds nothing wrong.")
}

/// The page on which a finding is mended.
fn where_to_mend(item: Item) -> Option<String> {
    match item {
        Item::InOrder => Some(link::closes()),
        Item::Feeds => Some("/contributions".to_owned()),
        Item::Reconciliation => Some("/reconciliation".to_owned()),
        Item::Suspense => Some(link::account(crate::domain::account::no::SUSPENSE, None)),
        Item::Prices | Item::Valuation | Item::Obligations => Some("/prices".to_owned()),
        Item::Proposals => Some("/approvals".to_owned()),
        _ => None,
    }
}

fn signed_off(checklist: &Checklist, sign_off: &SignOff) -> Table {
    let row = |label: &str, cell: Cell| Row::body(vec![Cell::text(label), cell]);
    let mut rows = Vec::new();
    if let Some(soft) = &checklist.soft {
        rows.push(row("Softly closed at", Cell::time(soft.at)));
        rows.push(row("Softly closed by", Cell::text(&soft.by)));
    }
    rows.push(row("Closed at", Cell::time(sign_off.recorded.at)));
    rows.push(row("Closed by", Cell::text(&sign_off.recorded.by)));
    rows.push(row("Closing entry", closing_entry(sign_off.entry)));
    match &sign_off.seal {
        Some((leaf, seal)) => {
            rows.push(row("Seal", Cell::code(seal.root.clone())));
            rows.push(row("Balances sealed", Cell::text(seal.balances.to_string())));
            rows.push(row("Log size", Cell::text(seal.log_size.to_string())));
            rows.push(row("Leaf of the seal", Cell::text(leaf.to_string())));
        }
        None => rows.push(row("Seal", Cell::blank("closed before there were seals"))),
    }
    let columns = vec![Column::text("what", "What"), Column::text("value", "Value")];
    Table::new("sign-off", "Sign-off", columns, rows, "")
}
