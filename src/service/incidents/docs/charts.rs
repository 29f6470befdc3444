//! What is drawn of an incident: how its estimate grew, and how far its claims are.

use super::anchor;
use crate::domain::amount::Quantity;
use crate::report::doc::{Chart, ChartKind, Content, Tone};
use crate::report::{format, fund, link};
use crate::service::incidents::view::{ClaimsOfAsset, IncidentView};
use crate::service::refs::Refs;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// One version of the estimate in one asset.
struct Version {
    label: String,
    case: Decimal,
    ibnr: Decimal,
}

/// How the estimate grew, one chart an asset; a single version has no history.
pub(super) fn estimates(code: &str, shown: &IncidentView) -> Vec<Chart> {
    let mut by_asset: BTreeMap<&str, Vec<Version>> = BTreeMap::new();
    for (on, version) in &shown.estimates {
        for (asset, estimate) in &version.assets {
            let number = |text: &str| Decimal::from_str_exact(text).unwrap_or_default();
            by_asset.entry(asset).or_default().push(Version {
                label: format!("v{} · {on}", version.version),
                case: number(&estimate.case),
                ibnr: number(&estimate.ibnr),
            });
        }
    }
    let several = by_asset.into_iter().filter(|(_, versions)| versions.len() > 1);
    several.map(|(asset, versions)| estimate(code, asset, &versions)).collect()
}

fn estimate(code: &str, asset: &str, versions: &[Version]) -> Chart {
    let whole = |version: &Version| version.case.checked_add(version.ibnr).unwrap_or_default();
    let (first, last) = (versions.first().map(whole).unwrap_or_default(), versions.last().map(whole).unwrap_or_default());
    let shown = |number| format::decimal(number, 4);
    let finding = if first == last {
        format!("Every version came to {} {asset} in all.", shown(last))
    } else {
        format!("From {} to {} {asset} over {} versions.", shown(first), shown(last), versions.len())
    };
    Chart {
        id: format!("estimate-{asset}"),
        title: "Estimate by version".to_owned(),
        finding,
        kind: ChartKind::Stacked {
            categories: versions.iter().map(|version| (version.label.clone(), Some(anchor(code, "estimates")))).collect(),
            parts: vec![
                ("Identified claimants".to_owned(), versions.iter().map(|version| version.case).collect()),
                ("Not identified yet".to_owned(), versions.iter().map(|version| version.ibnr).collect()),
            ],
            unit: asset.to_owned(),
        },
    }
}

/// What was claimed, approved and paid, one chart an asset.
pub(super) fn progress(refs: &Refs, shown: &IncidentView) -> Vec<Chart> {
    let claims = link::claims(&shown.summary.code);
    let payouts = link::payouts(&shown.summary.code);
    let chart = |of: &ClaimsOfAsset| {
        let (asset, scale) = (refs.code(of.asset), refs.scale(of.asset));
        let bar = |label: &str, quantity: Quantity, tone: Tone, to: &str| {
            (label.to_owned(), fund::units(quantity, scale), tone, Some(to.to_owned()))
        };
        let share = fund::units(of.paid, scale).checked_div(fund::units(of.claimed, scale)).unwrap_or_default();
        let share = Content::Percent(share);
        let share = format::show(&share, format::Style::alone(&share)).plain();
        Chart {
            id: format!("progress-{asset}"),
            title: "Claims".to_owned(),
            finding: format!("{share} of what is claimed in {asset} is paid."),
            kind: ChartKind::Ranked {
                bars: vec![
                    bar("Claimed", of.claimed, Tone::Neutral, &claims),
                    bar("Approved", of.approved, Tone::Neutral, &claims),
                    bar("Paid", of.paid, Tone::Good, &payouts),
                ],
                marker: None,
                unit: asset.to_owned(),
            },
        }
    };
    shown.claims.assets.iter().map(chart).collect()
}
