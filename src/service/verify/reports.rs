//! Fee reports: each kept report's rows hash to the root in its leaf and add up to its control totals; what was posted of a
//! venue's day is the policy's share of them, and the journal has exactly that.

use super::Verdict;
use super::contributions::Policies;
use super::journal::Replay;
use super::stops::Stops;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::contribution::policy::Share;
use crate::domain::ids::VenueId;
use crate::proof::merkle::Frontier;
use crate::service::contributions::stop::NO_SHARE;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fee_report::{self, PostedRow, ReportRow};
use std::collections::BTreeMap;

/// Units by asset.
type Totals = BTreeMap<AssetId, Quantity>;

/// Checks all reports.
pub(super) fn check(conn: &mut Conn, replay: &Replay, stops: &Stops, verdict: &mut Verdict) -> Result<(), StoreError> {
    let refs = Refs::load(conn)?;
    let policies = Policies::load(conn)?;
    let mut posted: BTreeMap<i64, PostedRow> = BTreeMap::new();
    // The first version of a venue's day that posted decided for all of them whether contributions are stopped.
    let mut stopped: BTreeMap<(i32, String), bool> = BTreeMap::new();
    for (step, row) in fee_report::all_steps(conn)? {
        let Some(row) = row else { continue };
        let day = (row.venue_id, row.business_date.clone());
        stopped.entry(day).or_insert_with(|| was_stopped(&refs, &policies, stops, &row, step.leaf));
        posted.insert(row.report_id, row);
    }
    // What the versions of a venue's day have booked together, and what the latest of them says it should be.
    let mut booked: BTreeMap<(i32, String), Totals> = BTreeMap::new();
    let mut latest: BTreeMap<(i32, String), (i64, Totals)> = BTreeMap::new();
    for report in fee_report::all(conn)? {
        let totals = match rows_of(conn, &report, verdict) {
            Err(StoreError::Damaged(detail)) => {
                verdict.add(format!("fee report {}", report.id), detail);
                continue;
            }
            other => other?,
        };
        let Some(row) = posted.get(&report.id) else { continue };
        let day = (row.venue_id, row.business_date.clone());
        check_share(&refs, row, &totals, stopped.get(&day).copied().unwrap_or_default(), verdict);
        let source = format!("report:{}", report.id);
        for (asset, units) in replay.accrued_by(&source) {
            plus(booked.entry(day.clone()).or_default(), asset, units)?;
        }
        let contributions = amounts(&refs, &row.contributions).unwrap_or_default();
        let newest = latest.entry(day).or_default();
        if row.version > newest.0 {
            *newest = (row.version, contributions);
        }
    }
    for ((venue, day), (version, contributions)) in latest {
        let booked = booked.remove(&(venue, day.clone())).unwrap_or_default();
        for asset in contributions.keys().chain(booked.keys()) {
            let (due, has) =
                (contributions.get(asset).copied().unwrap_or_default(), booked.get(asset).copied().unwrap_or_default());
            if due != has {
                let detail =
                    format!("{}: version {version} makes {} minor units, the journal has {}", refs.code(*asset), due.0, has.0);
                verdict.add(format!("contributions of venue {venue} on {day}"), detail);
            }
        }
    }
    Ok(())
}

/// Walks the rows of a report: their root and their sums must be what the report says.
fn rows_of(conn: &mut Conn, report: &ReportRow, verdict: &mut Verdict) -> Result<Totals, StoreError> {
    let (mut tree, mut totals) = (Frontier::new(), Totals::new());
    fee_report::each_page(conn, report, |set| {
        fee_report::push_rows(&mut tree, set)
            .ok_or_else(|| StoreError::Damaged("a row names an asset that is not there".to_owned()))?;
        for row in &set.rows {
            plus(&mut totals, row.asset, row.net_fee())?;
        }
        Ok(())
    })?;
    verdict.counts.fee_rows = verdict.counts.fee_rows.saturating_add(tree.size());
    let subject = format!("fee report {} ({} version {})", report.id, report.report_id, report.version);
    if report.is_kept() && tree.root().as_slice() != report.rows_root {
        verdict.add(subject, "its rows do not hash to the root in its leaf");
    }
    Ok(totals)
}

/// Whether a decision before this leaf stopped the contributions of a posted row, under a policy that has a stop.
fn was_stopped(refs: &Refs, policies: &Policies, stops: &Stops, row: &PostedRow, leaf: i64) -> bool {
    let venue = refs.venues.get(&VenueId(row.venue_id)).map_or("", |venue| venue.code.as_str());
    let has_stop = |day| policies.as_of_leaf(leaf).in_force(venue, day).is_some_and(|policy| policy.stop_at.is_some());
    stops.stopped(venue, &row.business_date, leaf) && row.business_date.parse().is_ok_and(has_stop)
}

fn check_share(refs: &Refs, row: &PostedRow, totals: &Totals, stopped: bool, verdict: &mut Verdict) {
    let subject = format!("fee report {}", row.report_id);
    let share = if row.share == NO_SHARE { Ok(None) } else { Share::parse(&row.share).map(Some) };
    let (Ok(share), Some(contributions)) = (share, amounts(refs, &row.contributions)) else {
        verdict.add(subject, "its share or its contributions cannot be read");
        return;
    };
    if share.is_none() != stopped {
        verdict.add(subject.clone(), "whether contributions are stopped is not what was decided for its day");
    }
    for (asset, net_fee) in totals {
        let due = share.and_then(|share| share.of(*net_fee)).unwrap_or_default();
        let has = contributions.get(asset).copied().unwrap_or_default();
        if due != has {
            let detail =
                format!("{}: {} of its rows is {} minor units, it posted {}", refs.code(*asset), row.share, due.0, has.0);
            verdict.add(subject.clone(), detail);
        }
    }
}

/// Amounts by asset from canonical JSON of code and amount.
fn amounts(refs: &Refs, text: &str) -> Option<Totals> {
    let by_code: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
    let parsed = by_code.iter().map(|(code, amount)| {
        let asset = refs.asset("", code).ok()?;
        Some((asset.id, Quantity::parse(amount, asset.scale).ok()?))
    });
    parsed.collect()
}

fn plus(totals: &mut Totals, asset: AssetId, units: Quantity) -> Result<(), StoreError> {
    let sum = totals.entry(asset).or_default();
    *sum = sum.checked_add(units).ok_or_else(|| StoreError::Damaged("a sum of fees is too large".to_owned()))?;
    Ok(())
}
