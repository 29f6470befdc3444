//! The claims of an incident, a page at a time, and one of them.

use crate::domain::asset::AssetId;
use crate::domain::outcome::Rejection;
use crate::report::doc::{Cell, Column, Doc, Row, Table, Tone};
use crate::report::link;
use crate::service::at::At;
use crate::service::incidents::view::{self, ClaimState, ClaimView};
use crate::service::paging::cut;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;

/// The most claims of a page.
pub const MAX_PAGE: i64 = 1_000;

/// A page of claims after a claim number; `limit` is at most [`MAX_PAGE`].
///
/// # Errors
/// `NotFound`, `InvalidField` for a limit out of bounds.
pub fn claims(conn: &mut Conn, code: &str, after: i64, limit: i64, at: &At) -> Result<Doc, StoreError> {
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Rejection::invalid("/limit", limit, format!("use 1 to {MAX_PAGE}")).into());
    }
    let mut found = view::claims(conn, code, after, limit.saturating_add(1), at)?;
    let next = cut(&mut found, limit, |last| last.claim.no);
    let mut doc = document(conn, code, &found, "No claims here; `safu claims import` takes the file of them.")?;
    if let Some(table) = doc.tables.first_mut() {
        table.next = next.map(|no| no.to_string());
    }
    Ok(doc)
}

/// One claim by its id or number.
///
/// # Errors
/// `NotFound`.
pub fn claim(conn: &mut Conn, code: &str, wanted: &str) -> Result<Doc, StoreError> {
    let found = view::claim(conn, code, wanted, &At::NOW)?;
    let (name, title) = (format!("claim-{}", code.to_ascii_lowercase()), format!("{code}: claim {}", found.claim.claim_ref));
    Ok(Doc { name, title, ..document(conn, code, &[found], "")? })
}

/// The claims with this id or number: one or none.
///
/// # Errors
/// `NotFound` for the incident.
pub fn search(conn: &mut Conn, code: &str, wanted: &str, at: &At) -> Result<Doc, StoreError> {
    let found = match view::claim(conn, code, wanted, at) {
        Ok(claim) => vec![claim],
        Err(StoreError::Rejected(why)) if why.problems.iter().any(|problem| problem.pointer == "/claim") => Vec::new(),
        Err(other) => return Err(other),
    };
    document(conn, code, &found, "No claim has this id or number; leave the field empty to see all.")
}

fn document(conn: &mut Conn, code: &str, claims: &[ClaimView], empty: &str) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    let columns = vec![
        Column::number("no", "No"),
        Column::text("claim_id", "Claim"),
        Column::text("claimant_ref", "Claimant"),
        Column::text("asset", "Asset"),
        Column::number("quantity", "Units"),
        Column::text("state", "State"),
        Column::text("batch", "Batch"),
        Column::text("txid", "Transaction"),
        Column::text("payout_address", "Pay to"),
    ];
    let rows = claims.iter().map(|claim| row(&refs, code, claim)).collect();
    Ok(Doc {
        name: format!("claims-{}", code.to_ascii_lowercase()),
        title: format!("{code}: claims"),
        tables: vec![Table::new("claims", "Claims by number", columns, rows, empty)],
        notes: vec!["Claimants are pseudonyms; the log holds only a salted commitment to each claim.".to_owned()],
        ..Doc::default()
    })
}

fn row(refs: &Refs, incident: &str, view: &ClaimView) -> Row {
    let asset = AssetId(view.claim.asset_id);
    let (tone, batch, txid) = match &view.state {
        ClaimState::Open => (Tone::Neutral, Cell::empty(), Cell::empty()),
        ClaimState::Approved => (Tone::Warn, Cell::empty(), Cell::empty()),
        ClaimState::Paid { batch, txid } => {
            let to = link::payout(incident, *batch);
            (Tone::Good, Cell::code(batch.to_string()).to(&to), Cell::code(txid).to(&to))
        }
    };
    let to = batch.link.clone().unwrap_or_else(|| super::anchor(incident, "claims"));
    Row::body(vec![
        Cell::count(view.claim.no),
        Cell::code(&view.claim.claim_ref),
        Cell::code(&view.claim.claimant_ref),
        Cell::text(refs.code(asset)),
        Cell::units(view.claim.quantity.quantity(), refs.scale(asset)).to(to),
        Cell::state(view.state.slug(), tone),
        batch,
        txid,
        Cell::code(&view.claim.payout_address),
    ])
}
