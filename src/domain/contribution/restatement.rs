//! What a newer version of a fee report changes against the one before: totals to post, rows to show.

use super::check::AssetTotal;
use super::rows::{FeeRow, RowSet};
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use std::collections::{BTreeMap, HashMap};

/// One asset's contribution in two versions of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotalChange {
    /// The asset.
    pub asset: AssetId,
    /// The contribution of the version before; zero if it had none.
    pub before: Quantity,
    /// The contribution of the newer version; zero if it has none.
    pub after: Quantity,
}

impl TotalChange {
    /// How much more (above zero) or less (below zero) is owed.
    pub const fn difference(&self) -> Quantity {
        // Contributions are 0 to 10^38 − 1, so the difference always fits.
        Quantity(self.after.minor().saturating_sub(self.before.minor()))
    }
}

/// The assets whose contribution differs, by asset. Empty when the newer version owes the same.
pub fn total_changes(before: &[(AssetId, Quantity)], after: &[(AssetId, Quantity)]) -> Vec<TotalChange> {
    let mut sides: BTreeMap<AssetId, (Quantity, Quantity)> = BTreeMap::new();
    for (asset, quantity) in before {
        sides.entry(*asset).or_default().0 = *quantity;
    }
    for (asset, quantity) in after {
        sides.entry(*asset).or_default().1 = *quantity;
    }
    let changes = sides.into_iter().map(|(asset, (before, after))| TotalChange { asset, before, after });
    changes.filter(|change| !change.difference().is_zero()).collect()
}

/// The contributions of checked totals, in the form [`total_changes`] takes.
pub fn contributions(totals: &[AssetTotal]) -> Vec<(AssetId, Quantity)> {
    totals.iter().map(|total| (total.asset, total.contribution)).collect()
}

/// One natural key whose row differs between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// The pair.
    pub pair: String,
    /// The fee asset.
    pub asset: AssetId,
    /// What happened to the row.
    pub kind: RowChangeKind,
}

/// What happened to a row. The rows' pair numbers belong to their own sets; [`RowChange::pair`] names the pair of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowChangeKind {
    /// Only the newer version has it.
    Added(FeeRow),
    /// Only the version before has it.
    Removed(FeeRow),
    /// Both have it with different figures.
    Changed {
        /// The row before.
        before: FeeRow,
        /// The row now.
        after: FeeRow,
    },
}

/// The rows that differ: first those of the older file in its order (removed, changed), then the added ones in the newer file's.
///
/// Cost: one pass over each file and a map of the newer one.
pub fn row_changes(before: &RowSet, after: &RowSet) -> Vec<RowChange> {
    let mut left: HashMap<(&str, AssetId), &FeeRow> =
        after.rows.iter().map(|row| ((after.pair(row.pair), row.asset), row)).collect();
    let mut changes = Vec::new();
    for row in &before.rows {
        let pair = before.pair(row.pair);
        let kind = match left.remove(&(pair, row.asset)) {
            None => RowChangeKind::Removed(*row),
            Some(now) if figures(now) == figures(row) => continue,
            Some(now) => RowChangeKind::Changed { before: *row, after: *now },
        };
        changes.push(RowChange { pair: pair.to_owned(), asset: row.asset, kind });
    }
    let added = after.rows.iter().filter(|row| left.contains_key(&(after.pair(row.pair), row.asset)));
    changes.extend(added.map(|row| RowChange {
        pair: after.pair(row.pair).to_owned(),
        asset: row.asset,
        kind: RowChangeKind::Added(*row),
    }));
    changes
}

/// What a row says beside its key.
const fn figures(row: &FeeRow) -> (u64, i128, i128, Quantity, Quantity) {
    (row.trades, row.volume_base, row.volume_quote, row.gross_fee, row.rebate)
}

#[cfg(test)]
mod tests {
    use super::super::rows::parse_rows;
    use super::*;

    fn set(rows: &[&str]) -> RowSet {
        let header = super::super::rows::COLUMNS.join(",");
        let ids = ["BTC", "ETH"];
        let mut resolve = |code: &crate::domain::asset::AssetCode| {
            ids.iter().zip(2..).find(|(c, _)| **c == code.as_str()).map(|(_, id)| (AssetId(id), 8))
        };
        parse_rows(format!("{header}\n{}", rows.join("\n")).as_bytes(), None, &mut resolve).unwrap()
    }

    #[test]
    fn totals_differ_up_down_new_and_gone() {
        let (btc, eth, bnb, usd) = (AssetId(2), AssetId(3), AssetId(4), AssetId(1));
        let changes = total_changes(
            &[(btc, Quantity(100)), (eth, Quantity(50)), (usd, Quantity(7))],
            &[(bnb, Quantity(5)), (btc, Quantity(90)), (usd, Quantity(7))],
        );
        let differences: Vec<(AssetId, i128)> = changes.iter().map(|c| (c.asset, c.difference().minor())).collect();
        assert_eq!(differences, [(btc, -10), (eth, -50), (bnb, 5)]);
    }

    #[test]
    fn rows_are_matched_by_their_key_whatever_their_order() {
        let before = set(&[
            "spot,2018-10-05,BTC-USD,BTC,1,1,1,0.01,0,0.01",
            "spot,2018-10-05,ETH-BTC,BTC,2,1,1,0.02,0,0.02",
            "spot,2018-10-05,ETH-BTC,ETH,3,1,1,0.03,0,0.03",
        ]);
        let after = set(&[
            "spot,2018-10-05,ETH-BTC,ETH,3,1.0,1,0.030,0,0.03",
            "spot,2018-10-05,ETH-BTC,BTC,2,1,1,0.03,0.01,0.02",
            "spot,2018-10-05,XMR-BTC,BTC,4,1,1,0.04,0,0.04",
        ]);
        let shown: Vec<(String, i32, &str)> = row_changes(&before, &after)
            .into_iter()
            .map(|change| {
                let kind = match change.kind {
                    RowChangeKind::Added(_) => "added",
                    RowChangeKind::Removed(_) => "removed",
                    RowChangeKind::Changed { .. } => "changed",
                };
                (change.pair, change.asset.0, kind)
            })
            .collect();
        assert_eq!(
            shown,
            [("BTC-USD".to_owned(), 2, "removed"), ("ETH-BTC".to_owned(), 2, "changed"), ("XMR-BTC".to_owned(), 2, "added")]
        );
        assert!(row_changes(&after, &after).is_empty());
    }
}
