//! Single contribution events: the batches they were recorded in, and the events of one batch or of all.

use super::{Asked, PAGE_ROWS, Page, missing};
use crate::domain::asset::AssetId;
use crate::domain::ids::VenueId;
use crate::report::doc::{Cell, Column, Doc, Row, Table};
use crate::report::link;
use crate::service::refs::Refs;
use crate::store::contribution::{self, BatchRow, ContributionRow};
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section};
use jiff::Timestamp;

/// The way to a page below the contributions.
fn crumbs() -> Vec<(String, String)> {
    vec![("Contributions".to_owned(), Section::Contributions.path())]
}

/// Batches, the newest first.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let before = asked.cursor()?.unwrap_or(i64::MAX);
    let mut batches = asked.book.read(|conn| contribution::batches_before(conn, before, PAGE_ROWS.saturating_add(1)))?;
    let rows = usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
    let more = batches.len() > rows;
    batches.truncate(rows);
    let next = batches.last().filter(|_| more).map(|last| last.id.to_string());
    let row = |batch: &BatchRow| {
        let to = link::batch(batch.id);
        let at = Timestamp::from_microsecond(batch.recorded_at).unwrap_or_default();
        Row::body(vec![
            Cell::code(batch.id.to_string()).to(&to),
            Cell::time(at),
            Cell::text(senders(batch)),
            Cell::count(batch.row_count).to(&to),
            Cell::text("entries").to(entries(batch.id)),
            Cell::code(hex::encode(&batch.rows_root)),
        ])
    };
    let columns = vec![
        Column::text("batch", "Batch"),
        Column::text("recorded_at", "Recorded"),
        Column::text("actors", "Sent by"),
        Column::number("events", "Events"),
        Column::text("entries", "Posted by"),
        Column::text("rows_root", "Root over its events"),
    ];
    let empty = "No single event was fed so far. Jobs send them to `POST /api/v1/contributions`; whole days come as fee reports.";
    let mut list = Table::new("batches", "Batches, the newest first", columns, batches.iter().map(row).collect(), empty);
    list.next = next;
    let doc = Doc {
        name: "contribution-batches".to_owned(),
        title: "Single contributions".to_owned(),
        finding: Some("Events that jobs sent one by one; what came together in a moment is one batch and one leaf.".to_owned()),
        tables: vec![list],
        ..Doc::default()
    };
    let extras = Extras { crumbs: crumbs(), ..Extras::default() };
    Ok(Page {
        context: asked.context_of_now(Section::Contributions, "Single contributions are shown as they stand now."),
        doc,
        extras,
    })
}

/// The entries that a batch posted: they name it as their source.
fn entries(batch: i64) -> String {
    link::journal(&format!("text=batch:{batch}"))
}

/// Who sent the requests of a batch, each once.
fn senders(batch: &BatchRow) -> String {
    let requests: serde_json::Value = serde_json::from_str(&batch.requests).unwrap_or_default();
    let actors = requests.as_array().into_iter().flatten().filter_map(|request| request.get("actor")?.as_str());
    let unique: std::collections::BTreeSet<&str> = actors.collect();
    unique.into_iter().collect::<Vec<_>>().join(", ")
}

/// The events of one batch.
pub(super) fn batch(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let id = asked.number("batch")?;
    let after = asked.cursor()?.unwrap_or(0);
    let (refs, batch, events) = asked.book.read(|conn| {
        let batch = contribution::batch(conn, id)?;
        let batch = batch.ok_or_else(|| missing(asked.part("batch"), "there is no batch of this number"))?;
        let from = batch.first_contribution.max(after.saturating_add(1));
        let last = batch.first_contribution.saturating_add(batch.row_count).saturating_sub(1);
        let until = last.min(from.saturating_add(PAGE_ROWS).saturating_sub(1));
        let left = until.saturating_sub(from).saturating_add(1).max(0);
        let events = contribution::page(conn, from, left)?;
        Ok((Refs::load(conn)?, batch, events))
    })?;
    let last = batch.first_contribution.saturating_add(batch.row_count).saturating_sub(1);
    let next = events.last().map(|event| event.id).filter(|id| *id < last);
    let mut list = Table::new(
        "events",
        "Events by number",
        columns(),
        events.iter().map(|event| row(&refs, event)).collect(),
        "No more events here; go back to the first page.",
    );
    list.next = next.map(|id| id.to_string());
    let mut way = crumbs();
    way.push(("Single contributions".to_owned(), link::events()));
    let doc =
        Doc { name: format!("contribution-batch-{id}"), title: format!("Batch {id}"), tables: vec![list], ..Doc::default() };
    let extras = Extras { crumbs: way, facts: facts(&batch), ..Extras::default() };
    Ok(Page {
        context: asked.context_of_now(Section::Contributions, "Single contributions are shown as they stand now."),
        doc,
        extras,
    })
}

fn facts(batch: &BatchRow) -> Vec<(String, Cell)> {
    let at = Timestamp::from_microsecond(batch.recorded_at).unwrap_or_default();
    let facts = [
        ("Recorded", Cell::time(at)),
        ("Sent by", Cell::text(senders(batch))),
        ("Events", Cell::count(batch.row_count)),
        ("Posted by", Cell::text("entries of this batch").to(entries(batch.id))),
        ("Root over its events", Cell::code(hex::encode(&batch.rows_root))),
        ("Leaf of the log", Cell::count(batch.leaf)),
    ];
    facts.into_iter().map(|(label, cell)| (label.to_owned(), cell)).collect()
}

fn columns() -> Vec<Column> {
    vec![
        Column::number("no", "No"),
        Column::text("venue", "Venue"),
        Column::text("business_date", "Day"),
        Column::text("external_id", "Sender's id"),
        Column::text("pair", "Pair"),
        Column::text("asset", "Asset"),
        Column::number("net_fee", "Net fee"),
        Column::number("contribution", "Contribution"),
    ]
}

fn row(refs: &Refs, event: &ContributionRow) -> Row {
    let asset = AssetId(event.asset_id);
    let to = entries(event.batch_id);
    let units = |minor: crate::store::types::Minor| Cell::units(minor.quantity(), refs.scale(asset)).to(&to);
    let venue = refs.venues.get(&VenueId(event.venue_id)).map_or("", |venue| venue.code.as_str());
    Row::body(vec![
        Cell::count(event.id),
        Cell::text(venue),
        Cell::text(&event.business_date),
        Cell::code(&event.external_id),
        Cell::text(&event.pair),
        Cell::text(refs.code(asset)),
        units(event.net_fee),
        units(event.amount),
    ])
}
