//! Evidence of the items of a checklist: files that show that an item is done, or why it does not apply.

use super::checklist::Checklist;
use super::closed;
use crate::domain::close::Item;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::period::Period;
use crate::report::doc::{Cell, Column, Row, Table};
use crate::report::link;
use crate::service::evidence;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use jiff::Timestamp;
use jiff::civil::Date;

/// The word before the month and the item in what evidence is attached to.
pub const SUBJECT: &str = "close";

/// What evidence of an item is attached to: `close/2019-05/statements`.
pub fn subject(period: Period, item: Item) -> String {
    format!("{SUBJECT}/{period}/{}", item.slug())
}

/// Whether `2019-05/statements` is an item of a month that has begun.
///
/// # Errors
/// `PeriodClosed`: what was signed off rests on the files that were there.
pub fn is_item(conn: &mut Conn, name: &str, today: Date) -> Result<bool, StoreError> {
    let found = name.split_once('/').and_then(|(period, item)| Some((Period::parse(period)?, Item::from_slug(item)?)));
    let Some((period, _)) = found.filter(|(period, _)| period.first_day() <= today) else { return Ok(false) };
    if closed(conn, period)?.is_some() {
        let detail = "is closed; its checklist stands as it was signed off. Attach the file to the closing entry instead";
        return Err(Rejection::new(OutcomeCode::PeriodClosed, "/subject", period, detail).into());
    }
    Ok(true)
}

/// The files of a month's items, in the order of the checklist.
///
/// # Errors
/// The database's failure.
pub(super) fn table(conn: &mut Conn, checklist: &Checklist) -> Result<Table, StoreError> {
    let mut rows = Vec::new();
    for item in Item::ALL {
        for (file, attached) in evidence::of(conn, &subject(checklist.period, *item))? {
            let to = link::evidence(&file.sha256);
            rows.push(Row::body(vec![
                Cell::text(item.title()),
                Cell::text(&file.name).to(&to),
                Cell::text(attached.note),
                Cell::time(Timestamp::from_microsecond(file.recorded_at).unwrap_or_default()),
                Cell::code(&file.sha256).to(&to),
            ]));
        }
    }
    let columns = vec![
        Column::text("item", "Item"),
        Column::text("name", "Evidence"),
        Column::text("note", "What it shows"),
        Column::text("recorded_at", "Recorded"),
        Column::text("sha256", "SHA-256"),
    ];
    let empty = match checklist.closed {
        Some(_) => "No file was attached to an item.",
        None => "No file is attached to an item yet. Preparers, approvers, treasurers and incident officers attach them here.",
    };
    Ok(Table::new("evidence", "Evidence of the items", columns, rows, empty))
}
