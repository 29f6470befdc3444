//! Sub-ledgers against their accounts, as far as a month's close can look at them in passing: lots, posted fee reports, payouts.
//! `safu verify` recomputes all of it down to the rows.

use super::conditions::Unmet;
use crate::domain::account::no;
use crate::domain::amount::{Quantity, format_minor_trimmed};
use crate::domain::asset::AssetId;
use crate::domain::event::Event;
use crate::domain::period::Period;
use crate::ledger::invariants;
use crate::ledger::trial_balance::TrialBalance;
use crate::service::contributions::parse_amounts;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::view::{self, EntryFilter};
use crate::store::{fee_report, journal, payout, projection};
use std::collections::BTreeMap;

/// Units by asset.
type Units = BTreeMap<AssetId, Quantity>;

/// Whatever does not agree.
pub(super) fn differences(conn: &mut Conn, refs: &Refs, period: Period) -> Result<Vec<Unmet>, StoreError> {
    let mut found = lots(conn)?;
    let accrued = (reported(conn, refs, period)?, booked(conn, period)?);
    found.extend(compare(refs, "contributions", "fee reports", accrued));
    found.extend(compare(refs, "payouts", "payout batches", (paid(conn)?, booked_as_paid(conn)?)));
    Ok(found)
}

fn lots(conn: &mut Conn) -> Result<Vec<Unmet>, StoreError> {
    let rows = projection::balances(conn)?;
    let rows = rows.iter().map(|row| (row.account(), row.asset(), row.quantity.quantity(), row.value.value()));
    let trial = TrialBalance::of_balances(rows).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let lots = projection::open_lots(conn, None)?;
    let violations = invariants::lots(&trial, &lots).into_iter().chain(invariants::balances(&trial));
    let mend = "stored data was changed outside of the program; run `safu verify`";
    Ok(violations.map(|violation| Unmet::new("lots", format!("{violation}; {mend}"))).collect())
}

fn compare(refs: &Refs, what: &str, sub_ledger: &str, (ours, theirs): (Units, Units)) -> Vec<Unmet> {
    let assets: std::collections::BTreeSet<AssetId> = ours.keys().chain(theirs.keys()).copied().collect();
    let units = |of: &Units, asset: &AssetId| of.get(asset).copied().unwrap_or_default();
    let differ = assets.into_iter().filter(|asset| units(&ours, asset) != units(&theirs, asset));
    differ
        .map(|asset| {
            let text = |of: &Units| format_minor_trimmed(units(of, &asset).minor(), refs.scale(asset));
            let (has, books) = (text(&ours), text(&theirs));
            let detail = format!("{sub_ledger} have {has}, the journal has {books}; run `safu verify`");
            Unmet::new(format!("{what} {}", refs.code(asset)), detail)
        })
        .collect()
}

fn add(sums: &mut Units, asset: AssetId, units: Quantity) -> Result<(), StoreError> {
    let sum = sums.entry(asset).or_default();
    *sum = sum.checked_add(units).ok_or_else(|| StoreError::Damaged("a sum of units is too large".to_owned()))?;
    Ok(())
}

/// What the latest posted versions of the month's reports come to.
fn reported(conn: &mut Conn, refs: &Refs, period: Period) -> Result<Units, StoreError> {
    let (first, last) = (period.first_day().to_string(), period.last_day().to_string());
    let mut latest = BTreeMap::new();
    for venue in refs.venues.values() {
        let ids: Vec<i64> = fee_report::between(conn, venue.id, &first, &last)?.iter().map(|report| report.id).collect();
        for (_, posted) in fee_report::posted_of(conn, &ids)? {
            let day = (venue.id, posted.business_date.clone());
            let newest = latest.entry(day).or_insert_with(|| posted.clone());
            if posted.version > newest.version {
                *newest = posted;
            }
        }
    }
    let mut sums = Units::new();
    for posted in latest.values() {
        for (asset, units) in parse_amounts(refs, &posted.contributions)? {
            add(&mut sums, asset, units)?;
        }
    }
    Ok(sums)
}

/// What the journal has of fee reports for days of the month.
fn booked(conn: &mut Conn, period: Period) -> Result<Units, StoreError> {
    let filter = EntryFilter {
        from: Some(period.first_day().to_string()),
        to: Some(period.last_day().to_string()),
        pattern: Some("report:%".to_owned()),
        ..EntryFilter::default()
    };
    let entries = view::entries(conn, &filter, i64::MAX)?;
    let of_reports: Vec<i64> = entries.iter().filter(|entry| entry.source.starts_with("report:")).map(|entry| entry.no).collect();
    let mut sums = Units::new();
    for line in view::postings_of(conn, &of_reports)? {
        let account = crate::domain::account::AccountNo(line.account_no);
        if account == no::CONTRIBUTIONS || account == no::RESTATEMENTS {
            add(&mut sums, AssetId(line.asset_id), line.quantity.quantity().negated())?;
        }
    }
    Ok(sums)
}

fn paid(conn: &mut Conn) -> Result<Units, StoreError> {
    let mut sums = Units::new();
    for batch in payout::batches(conn)? {
        add(&mut sums, AssetId(batch.asset_id), batch.quantity.quantity())?;
    }
    Ok(sums)
}

fn booked_as_paid(conn: &mut Conn) -> Result<Units, StoreError> {
    let mut sums = Units::new();
    for (entry, line) in journal::of_account(conn, no::CLAIMS_PAYABLE)? {
        if entry.event == Event::PaidInKind.code() && line.incident_id.is_some() {
            add(&mut sums, AssetId(line.asset_id), line.quantity.quantity())?;
        }
    }
    Ok(sums)
}
