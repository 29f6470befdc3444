//! Checks a fee report as a whole: manifest against rows, rows against the book and the policy.

use super::Directory;
use super::findings::Findings;
use super::manifest::Manifest;
use super::policy::{ContributionPolicy, PolicyBook};
use super::rows::{FeeRow, RowAsset, RowSet, VOLUME_SCALE, amount_mend, read_rows, sums};
use crate::domain::amount::{Quantity, Rounding, format_minor_trimmed, mul_div, pow10};
use crate::domain::asset::{AssetCode, AssetId};
use crate::domain::ids::VenueId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use jiff::civil::Date;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The sums of one asset over all rows of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssetTotal {
    /// The asset.
    pub asset: AssetId,
    /// Its decimals.
    pub scale: u8,
    /// Fees charged.
    pub gross_fee: Quantity,
    /// Fees given back.
    pub rebate: Quantity,
    /// What is left; never below zero.
    pub net_fee: Quantity,
    /// What is owed of it: the policy's share, truncated once.
    pub contribution: Quantity,
}

/// A report that is right in itself. Whether it may post (prices, versions, periods) is for the book to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedReport {
    /// The venue.
    pub venue: VenueId,
    /// The rows in the order of the file.
    pub rows: RowSet,
    /// The sums per asset, in order of first appearance.
    pub totals: Vec<AssetTotal>,
    /// SHA-256 of the file of rows.
    pub sha256: [u8; 32],
    /// The policy in force on the business date.
    pub policy: ContributionPolicy,
}

/// What a check needs to know besides the report.
#[derive(Clone, Copy)]
pub struct CheckContext<'a> {
    /// Assets and venues.
    pub directory: &'a dyn Directory,
    /// Contribution policies.
    pub policies: &'a PolicyBook,
    /// Today in UTC; a report for a later day is refused.
    pub today: Date,
}

/// Checks the bytes of the rows against their manifest, the book and the policy.
///
/// The answer's code is the first of the outcome table that applies; its problems are all of that group, so a file that is not
/// the one described says so beside what is wrong with its rows.
pub fn check_report(manifest: &Manifest, bytes: &[u8], context: CheckContext<'_>) -> Result<CheckedReport, Rejection> {
    let mut findings = Findings::new();
    let sha256: [u8; 32] = Sha256::digest(bytes).into();
    if sha256 != manifest.sha256 {
        let detail = format!(
            "the file's SHA-256 is {}; it was changed or cut off: send the original or describe it anew",
            hex::encode(sha256)
        );
        findings.add(OutcomeCode::HashMismatch, "/sha256", hex::encode(manifest.sha256), detail);
    }
    if manifest.business_date > context.today {
        let detail = format!("is after today, {} UTC; a report is for a day that has begun", context.today);
        findings.add(OutcomeCode::InvalidField, "/business_date", manifest.business_date, detail);
    }
    let mut resolve = |code: &AssetCode| context.directory.asset(code.as_str()).map(|asset| (asset.id, asset.scale));
    let identity = (&manifest.venue, manifest.business_date);
    let rows = read_rows(bytes, Some(identity), &mut resolve, &mut findings);
    let venue = context.directory.venue(manifest.venue.as_str());
    if venue.is_none() {
        let detail = "is not a venue of the book; mend the name or register the venue first";
        findings.add(OutcomeCode::UnknownVenue, "/venue", &manifest.venue, detail);
    }
    let policy = context.policies.require(manifest.venue.as_str(), manifest.business_date);
    if let Err(rejection) = &policy {
        findings.absorb(rejection.clone());
    }
    let totals = rows.as_ref().and_then(|rows| compare(manifest, rows, &policy, context.directory, &mut findings));
    findings.into_result()?;
    match (venue, rows, totals, policy) {
        (Some(venue), Some(rows), Some(totals), Ok(policy)) => {
            Ok(CheckedReport { venue, rows, totals, sha256, policy: policy.clone() })
        }
        _ => Err(Rejection::new(OutcomeCode::Malformed, "row 1", "", "the file has no rows; send at least one row")),
    }
}

/// Compares rows that could all be read with the manifest and the policy; after a bad row its sums would only mislead.
fn compare(
    manifest: &Manifest,
    rows: &RowSet,
    policy: &Result<&ContributionPolicy, Rejection>,
    directory: &dyn Directory,
    findings: &mut Findings,
) -> Option<Vec<AssetTotal>> {
    let unread = [OutcomeCode::Malformed, OutcomeCode::InvalidRow, OutcomeCode::BodyTooLarge];
    if unread.into_iter().any(|code| findings.has(code)) {
        return None;
    }
    let complete = !findings.has(OutcomeCode::UnknownAsset) && !findings.has(OutcomeCode::DuplicateRow);
    let count = u64::try_from(rows.rows.len()).unwrap_or(u64::MAX);
    if complete && count != manifest.row_count {
        let detail = format!("the file has {count} rows; send the whole file or mend the count");
        findings.add(OutcomeCode::RowCountMismatch, "/row_count", manifest.row_count, detail);
    }
    let Some(totals) = totals(rows, policy.as_ref().ok().copied()) else {
        let detail = "the sum of an amount over the rows is too large to keep; check the amounts' unit";
        findings.add(OutcomeCode::InvalidField, "/control_totals", "", detail);
        return None;
    };
    if complete {
        control_totals(manifest, rows, &totals, directory, findings);
    }
    if let Ok(policy) = policy {
        fee_rates(rows, policy, directory, findings);
        if let Some(owed) = &manifest.contribution_total {
            contributions(owed, rows, &totals, policy, findings);
        }
    }
    Some(totals)
}

fn totals(rows: &RowSet, policy: Option<&ContributionPolicy>) -> Option<Vec<AssetTotal>> {
    let gross = sums(rows, |row| row.gross_fee)?;
    let rebate = sums(rows, |row| row.rebate)?;
    let pairs = rows.assets.iter().zip(gross).zip(rebate);
    pairs
        .map(|((asset, (_, gross_fee)), (_, rebate))| {
            let net_fee = gross_fee.checked_sub(rebate)?;
            let contribution = policy.map_or(Some(Quantity::ZERO), |p| p.share.of(net_fee))?;
            Some(AssetTotal { asset: asset.id, scale: asset.scale, gross_fee, rebate, net_fee, contribution })
        })
        .collect()
}

/// The sum of `net_fee` per asset must be the manifest's, asset by asset, and not below zero.
fn control_totals(manifest: &Manifest, rows: &RowSet, totals: &[AssetTotal], directory: &dyn Directory, findings: &mut Findings) {
    let mismatch = OutcomeCode::TotalsMismatch;
    for (asset, total) in rows.assets.iter().zip(totals) {
        let pointer = format!("/control_totals/{}", asset.code);
        let sum = format_minor_trimmed(total.net_fee.minor(), asset.scale);
        if total.net_fee < Quantity::ZERO {
            let detail =
                "more was given back than charged over the whole day; a contribution cannot be below zero, so check the rebates";
            findings.add(OutcomeCode::InvalidField, pointer.as_str(), &sum, detail);
        }
        match manifest.control_totals.get(&asset.code).map(|text| (text, Quantity::parse(text, asset.scale))) {
            None => findings.add(mismatch, pointer, "", format!("is missing; the rows' net_fee sums to {sum}")),
            Some((text, Err(error))) => findings.add(OutcomeCode::InvalidField, pointer, text, amount_mend(text, error)),
            Some((text, Ok(stated))) if stated != total.net_fee => {
                let difference = total.net_fee.minor().checked_sub(stated.minor()).map(|d| format_minor_trimmed(d, asset.scale));
                let detail = format!("the rows' net_fee sums to {sum}, a difference of {}", difference.unwrap_or_default());
                findings.add(mismatch, pointer, text, detail);
            }
            Some(_) => {}
        }
    }
    for (code, text) in &manifest.control_totals {
        if rows.assets.iter().any(|asset| asset.code == *code) {
            continue;
        }
        let pointer = format!("/control_totals/{code}");
        match directory.asset(code.as_str()) {
            None => findings.add(
                OutcomeCode::UnknownAsset,
                pointer,
                code,
                "is not an asset of the book; mend the code or register the asset first",
            ),
            Some(asset) if Quantity::parse(text, asset.scale) != Ok(Quantity::ZERO) => {
                findings.add(mismatch, pointer, text, "no row has this fee_asset; send its rows or leave the total out");
            }
            Some(_) => {}
        }
    }
}

/// What the sender says he owes must be the policy's share of the totals.
fn contributions(
    owed: &BTreeMap<AssetCode, String>,
    rows: &RowSet,
    totals: &[AssetTotal],
    policy: &ContributionPolicy,
    findings: &mut Findings,
) {
    for (asset, total) in rows.assets.iter().zip(totals) {
        let pointer = format!("/contribution_total/{}", asset.code);
        let right = format_minor_trimmed(total.contribution.minor(), asset.scale);
        let Some(text) = owed.get(&asset.code) else {
            findings.add(OutcomeCode::RateOutlier, pointer, "", format!("is missing; {} of the total is {right}", policy.share));
            continue;
        };
        match Quantity::parse_unsigned(text, asset.scale) {
            Err(error) => findings.add(OutcomeCode::InvalidField, pointer, text, amount_mend(text, error)),
            Ok(stated) if stated != total.contribution => {
                let implied = implied_share(stated, total.net_fee)
                    .map_or_else(|| "no share".to_owned(), |share| format!("a share of {share}"));
                let detail = format!(
                    "the share in force since {} is {}, which makes {right}; this implies {implied} of the total: mend it or have the policy changed first",
                    policy.effective_on, policy.share
                );
                findings.add(OutcomeCode::RateOutlier, pointer, text, detail);
            }
            Ok(_) => {}
        }
    }
    for (code, text) in owed {
        let known = rows.assets.iter().any(|asset| asset.code == *code);
        if !known && text.bytes().any(|b| b.is_ascii_digit() && b != b'0') {
            let detail = "no row has this fee_asset; send its rows or leave it out";
            findings.add(OutcomeCode::RateOutlier, format!("/contribution_total/{code}"), text, detail);
        }
    }
}

/// The share that an amount is of a whole, to six decimals, for the message only.
fn implied_share(part: Quantity, whole: Quantity) -> Option<String> {
    mul_div(part.minor(), pow10(6)?, whole.minor(), Rounding::HalfEven).map(|millionths| format_minor_trimmed(millionths, 6))
}

/// Fees and volume can be compared without a price where the fee was taken in the pair's base or quote asset.
fn fee_rates(rows: &RowSet, policy: &ContributionPolicy, directory: &dyn Directory, findings: &mut Findings) {
    let id = |code: &str| directory.asset(code).map(|asset| asset.id);
    let sides: Vec<(Option<AssetId>, Option<AssetId>)> = rows
        .pairs
        .iter()
        .map(|pair| pair.as_str().split_once(['-', '/', '_']).map_or((None, None), |(base, quote)| (id(base), id(quote))))
        .collect();
    for (row, number) in rows.rows.iter().zip(1_u64..) {
        let Some((base, quote)) = usize::try_from(row.pair.0).ok().and_then(|at| sides.get(at)) else { continue };
        let (volume, column) = if *base == Some(row.asset) {
            (row.volume_base, "volume_base")
        } else if *quote == Some(row.asset) {
            (row.volume_quote, "volume_quote")
        } else {
            continue;
        };
        let Some(asset) = rows.asset(row.asset) else { continue };
        if let Some(detail) = rate_problem(row, asset, volume, column, policy) {
            let fee = format_minor_trimmed(row.gross_fee.minor(), asset.scale);
            findings.add(OutcomeCode::RateOutlier, format!("row {number}, column gross_fee"), fee, detail);
            if findings.is_full() {
                return;
            }
        }
    }
}

/// Why a fee is out of proportion to its volume, if it is.
fn rate_problem(row: &FeeRow, asset: &RowAsset, volume: i128, column: &str, policy: &ContributionPolicy) -> Option<String> {
    let lift = pow10(u32::from(VOLUME_SCALE.saturating_sub(asset.scale)))?;
    let rate = policy.max_fee_rate.decimal();
    let most = mul_div(volume, rate.mantissa(), pow10(rate.scale())?, Rounding::TowardZero)?;
    // A fee too large to be lifted to 18 decimals is larger than any volume.
    let fee = row.gross_fee.minor().checked_mul(lift).unwrap_or(i128::MAX);
    if fee <= most {
        return None;
    }
    let shown = format_minor_trimmed(volume, VOLUME_SCALE);
    Some(if fee > volume {
        format!("is more than the whole {column} {shown}; write both in whole {}, not in its smallest unit", asset.code)
    } else {
        format!("is more than {rate} of the {column} {shown}, the highest rate the policy believes; check the unit and the rate")
    })
}

#[cfg(test)]
mod tests;
