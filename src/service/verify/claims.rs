//! Claims: each file's rows hash to the root in its leaf, what was approved and paid adds up to the entries that booked it,
//! and no claim or payout lies outside of a file or batch.

use super::journal::Replay;
use super::{Verdict, count};
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::store::claim::{self, ClaimsFileRow};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::payout::{self, PayoutBatchRow};
use std::collections::BTreeMap;

/// Units by incident and asset.
type Units = BTreeMap<(IncidentId, AssetId), Quantity>;

/// Checks all claims files, approvals and payout batches.
pub(super) fn check(conn: &mut Conn, replay: &Replay, verdict: &mut Verdict) -> Result<(), StoreError> {
    let mut in_files = 0_i64;
    for file in claim::files(conn)? {
        in_files = in_files.saturating_add(file.row_count);
        check_file(conn, &file, verdict)?;
    }
    let claims = claim::count(conn)?;
    verdict.counts.claims = count(claims);
    if claims != in_files {
        verdict.add("claims", format!("{claims} are stored, the files brought {in_files}"));
    }
    let mut approved = Units::new();
    for approval in claim::approvals(conn)? {
        let range = approval.first_claim..=approval.last_claim;
        for (asset, quantity) in claim::quantities(conn, approval.incident_id, &range)? {
            add(&mut approved, approval.incident_id, asset, quantity.quantity())?;
        }
    }
    tie(Event::ClaimsApproved, &approved, replay, verdict);
    check_payouts(conn, replay, verdict)
}

fn check_file(conn: &mut Conn, file: &ClaimsFileRow, verdict: &mut Verdict) -> Result<(), StoreError> {
    if claim::stored_rows_root(conn, file)?.as_slice() != file.rows_root {
        verdict.add(format!("claims file {} ({})", file.id, file.file_name), "its claims do not hash to the root in its leaf");
    }
    Ok(())
}

fn check_payouts(conn: &mut Conn, replay: &Replay, verdict: &mut Verdict) -> Result<(), StoreError> {
    let (mut paid, mut in_batches) = (Units::new(), 0_i64);
    for batch in payout::batches(conn)? {
        in_batches = in_batches.saturating_add(batch.claim_count);
        add(&mut paid, batch.incident_id, batch.asset_id, batch.quantity.quantity())?;
        check_batch(conn, &batch, verdict)?;
    }
    let payouts = payout::count(conn)?;
    verdict.counts.payouts = count(payouts);
    if payouts != in_batches {
        verdict.add("payouts", format!("{payouts} are stored, the batches paid {in_batches}"));
    }
    tie(Event::PaidInKind, &paid, replay, verdict);
    Ok(())
}

fn check_batch(conn: &mut Conn, batch: &PayoutBatchRow, verdict: &mut Verdict) -> Result<(), StoreError> {
    let subject = format!("payout batch {}", batch.id);
    if payout::stored_rows_root(conn, batch)?.as_slice() != batch.rows_root {
        verdict.add(subject.clone(), "its payouts do not hash to the root in its leaf");
    }
    let claims = payout::claims_paid(conn, batch)?;
    let units = Quantity::checked_sum(claims.iter().map(|minor| minor.quantity()));
    if units != Some(batch.quantity.quantity()) {
        verdict.add(subject, format!("says {} minor units, its claims add up to {units:?}", batch.quantity.0));
    }
    Ok(())
}

fn add(units: &mut Units, incident: i32, asset: i32, quantity: Quantity) -> Result<(), StoreError> {
    let sum = units.entry((IncidentId(incident), AssetId(asset))).or_default();
    *sum = sum.checked_add(quantity).ok_or_else(|| StoreError::Damaged("a sum of claims is too large".to_owned()))?;
    Ok(())
}

/// What the sub-ledger adds up to must be what the journal booked on claims payable, both ways.
fn tie(event: Event, units: &Units, replay: &Replay, verdict: &mut Verdict) {
    let booked = replay.payable_moved(event);
    for key in units.keys().chain(booked.keys()) {
        let (ours, theirs) = (units.get(key).copied().unwrap_or_default(), booked.get(key).copied().unwrap_or_default());
        if ours != theirs {
            let detail = format!(
                "asset {}: the claims add up to {} minor units, the journal has {}",
                key.1.0,
                ours.minor(),
                theirs.minor()
            );
            verdict.add(format!("incident {}, {event} {}", key.0, event.title()), detail);
        }
    }
}
