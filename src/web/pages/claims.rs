//! The claims of an incident, a page at a time, and the search for one of them.

use super::cells::{code, state, table};
use super::{Asked, PAGE_ROWS, Page};
use crate::report::doc::{Cell, Column, Doc, Row, Tone};
use crate::report::link;
use crate::service::incidents::view::{self, ClaimState, ClaimView};
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use crate::web::view::{Extras, Field, FieldKind, Section};

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let (incident, after) = (asked.part("code"), asked.cursor()?.unwrap_or(0));
    let (refs, mut claims) = asked.book.read(|conn| {
        let found = match asked.value("claim") {
            Some(wanted) => find(view::claim(conn, incident, wanted))?,
            None => view::claims(conn, incident, after, PAGE_ROWS.saturating_add(1))?,
        };
        Ok((Refs::load(conn)?, found))
    })?;
    let rows = usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
    let more = claims.len() > rows;
    claims.truncate(rows);
    let next = claims.last().filter(|_| more).map(|last| last.claim.no.to_string());
    let columns = vec![
        Column::number("no", "No"),
        Column::text("claim", "Claim"),
        Column::text("claimant", "Claimant"),
        Column::text("asset", "Asset"),
        Column::number("units", "Units"),
        Column::text("state", "State"),
        Column::text("batch", "Batch"),
        Column::text("transaction", "Transaction"),
        Column::text("address", "Pay to"),
    ];
    let empty = match asked.value("claim") {
        Some(_) => "No claim has this id or number; leave the field empty to see all.",
        None => "No claims here; `safu incidents claims import` takes the file of them.",
    };
    let mut list = table("claims", "Claims by number", columns, claims.iter().map(|c| row(&refs, incident, c)).collect(), empty);
    list.next = next;
    let doc = Doc {
        name: format!("claims-{}", incident.to_ascii_lowercase()),
        title: format!("Claims of {incident}"),
        tables: vec![list],
        notes: vec!["Claimants are pseudonyms; the log holds only a salted commitment to each claim.".to_owned()],
        ..Doc::default()
    };
    let placeholder = "id or number".to_owned();
    let context = asked.context(Section::Incidents).with_field(Field::new("claim", "Claim", FieldKind::Text { placeholder }));
    Ok(Page { context, doc, extras: Extras { crumbs: super::payouts::crumbs(incident), ..Extras::default() } })
}

/// A claim that is not there leaves the list empty; an incident that is not there is still a failure.
fn find(found: Result<ClaimView, StoreError>) -> Result<Vec<ClaimView>, StoreError> {
    match found {
        Ok(claim) => Ok(vec![claim]),
        Err(StoreError::Rejected(why)) if why.problems.iter().any(|problem| problem.pointer == "/claim") => Ok(Vec::new()),
        Err(other) => Err(other),
    }
}

fn row(refs: &Refs, incident: &str, view: &ClaimView) -> Row {
    let asset = crate::domain::asset::AssetId(view.claim.asset_id);
    let quantity = Cell::units(view.claim.quantity.quantity(), refs.scale(asset));
    let (stands, batch, txid) = match &view.state {
        ClaimState::Open => (state("open", Tone::Neutral), Cell::empty(), Cell::empty()),
        ClaimState::Approved => (state("approved", Tone::Warn), Cell::empty(), Cell::empty()),
        ClaimState::Paid { batch, txid } => {
            let to = link::payout(incident, *batch);
            (state("paid", Tone::Good), code(batch.to_string()).to(&to), code(txid).to(&to))
        }
    };
    let to = batch.link.clone().unwrap_or_else(|| format!("{}#claims", link::incident(incident)));
    Row::body(vec![
        Cell::new(crate::report::doc::Content::Count(view.claim.no)),
        code(&view.claim.claim_ref),
        code(&view.claim.claimant_ref),
        Cell::text(refs.code(asset)),
        quantity.to(to),
        stands,
        batch,
        txid,
        code(&view.claim.payout_address),
    ])
}
