//! Roll-forward of the holdings by asset, in units and in value: what came in, what went out, and what prices did.

use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::ledger::trial_balance::{Amounts, TrialBalance};
use crate::report::doc::{Cell, Column, Doc, Row, RowKind, Table};
use crate::report::params::Params;
use crate::report::source::{BookFacts, ReportError, Source, overflow};
use crate::report::{fund, link, registry};
use std::collections::BTreeMap;

/// Units of an asset sum to zero over all accounts, so what left all other accounts is what came into the holdings. Entries
/// between accounts of one group cancel inside it.
const GROUPS: &[(&str, &[AccountNo])] = &[
    (
        "Contributions",
        &[no::CONTRIBUTIONS_RECEIVABLE, no::REFUNDABLE, no::CONTRIBUTIONS, no::RESTATEMENTS, no::SETTLEMENT_DIFFERENCE],
    ),
    ("Yield and interest", &[no::YIELD_RECEIVABLE, no::YIELD]),
    ("Sponsor capital", &[no::SPONSOR_CAPITAL, no::TOP_UP_RECEIVABLE]),
    ("Loans", &[no::LOANS, no::INTEREST_PAYABLE, no::LOAN_INTEREST]),
    (
        "Compensation paid",
        &[
            no::CASE_RESERVES,
            no::IBNR,
            no::CLAIMS_PAYABLE,
            no::CLAIMS_PAYABLE_FIXED,
            no::RECOVERY_RIGHTS,
            no::UNCLAIMED,
            no::ESCHEAT,
            no::CLAIMS_HANDLING,
            no::INCURRED_CASE,
            no::INCURRED_IBNR,
            no::DEVELOPMENT,
            no::REMEASUREMENT,
            no::ELECTION_DIFFERENCE,
            no::CLAIMS_HANDLING_EXPENSE,
            no::FORFEITED,
            no::RELEASE_GAIN,
        ],
    ),
    ("Recoveries", &[no::RECOVERIES, no::RECOVERIES_ALLOWANCE, no::LOSS_RECOVERIES, no::RECOVERIES_ABOVE_LOSS]),
    ("Network fees", &[no::NETWORK_FEES]),
    ("Loss of fund assets", &[no::ASSET_LOSS]),
    ("Unidentified receipts", &[no::SUSPENSE]),
    ("Price effect", &[no::REALISED, no::UNREALISED]),
];
const CONVERSIONS: usize = GROUPS.len();
const OTHER: usize = GROUPS.len() + 1;

/// One asset over the range.
struct Roll {
    opening: Amounts,
    /// One a group, then conversions, then the rest.
    groups: Vec<Amounts>,
    closing: Amounts,
}

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("roll-forward")?;
    let as_of = source.facts().as_of;
    let to = params.date("to")?.map_or(as_of, |to| to.min(as_of));
    let from = params.date("from")?;
    let opening = match from.and_then(|from| from.yesterday().ok()) {
        Some(before) => source.balances(before)?,
        None => TrialBalance::default(),
    };
    let mut rolls: BTreeMap<AssetId, Roll> = BTreeMap::new();
    let only = params.text("asset").map(|code| source.facts().asset("/asset", code).map(|asset| asset.id)).transpose()?;
    for asset in source.facts().assets.keys().filter(|asset| only.is_none_or(|only| only == **asset)) {
        let stands = held(&opening, *asset).ok_or_else(overflow)?;
        let groups = vec![Amounts::default(); OTHER + 1];
        rolls.insert(*asset, Roll { opening: stands, groups, closing: stands });
    }
    for movement in source.movements(from, to)?.iter().filter(|movement| !movement.closing) {
        let Some(roll) = rolls.get_mut(&movement.asset) else { continue };
        roll.add(movement.account, movement.quantity, movement.value).ok_or_else(overflow)?;
    }
    let facts = source.facts();
    let mut rows = Vec::new();
    for (asset, roll) in rolls.iter_mut() {
        roll.settle().ok_or_else(overflow)?;
        rows.extend(lines(facts, *asset, roll));
    }
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        basis: fund::basis(facts, report, params, None),
        tables: vec![Table::new("roll-forward", "Holdings by asset, from opening to closing", vec![
                Column::text("asset", "Asset"),
                Column::text("line", "Line"),
                Column::number("units", "Units"),
                Column::number("value", &format!("Value ({})", facts.currency())),
            ], rows, "No units were held or moved in this range.")],
        notes: vec![
            "Holdings are accounts 1110 to 1150 with their fair-value adjustment (1190). A conversion carries value from one asset \
             to the other; over all assets it comes to the cost of converting."
                .to_owned(),
        ],
        ..Doc::default()
    })
}

fn is_held(account: AccountNo) -> bool {
    no::HOLDINGS.contains(&account) || account == no::FAIR_VALUE_ADJUSTMENT
}

fn held(balance: &TrialBalance, asset: AssetId) -> Option<Amounts> {
    let mut sum = Amounts::default();
    for (_, _, amounts) in balance.rows().filter(|(account, of, _)| *of == asset && is_held(*account)) {
        sum = sum.plus(amounts.quantity, amounts.value)?;
    }
    Some(sum)
}

impl Roll {
    fn add(&mut self, account: AccountNo, quantity: Quantity, value: Value) -> Option<()> {
        if is_held(account) {
            self.closing = self.closing.plus(quantity, value)?;
            return Some(());
        }
        let group = match account {
            no::CONVERSION | no::CONVERSION_COST => CONVERSIONS,
            _ => GROUPS.iter().position(|(_, accounts)| accounts.contains(&account)).unwrap_or(OTHER),
        };
        let sum = self.groups.get_mut(group)?;
        *sum = sum.plus(quantity.negated(), value.negated())?;
        Some(())
    }

    /// The value of conversions is what is left: clearing (3900) carries units only.
    fn settle(&mut self) -> Option<()> {
        let mut value = self.closing.value.checked_sub(self.opening.value)?;
        for (at, sum) in self.groups.iter().enumerate() {
            if at != CONVERSIONS {
                value = value.checked_sub(sum.value)?;
            }
        }
        self.groups.get_mut(CONVERSIONS)?.value = value;
        Some(())
    }
}

fn lines(facts: &BookFacts, asset: AssetId, roll: &Roll) -> Vec<Row> {
    let untouched = roll.opening.is_zero() && roll.closing.is_zero() && roll.groups.iter().all(|sum| sum.is_zero());
    if untouched {
        return Vec::new();
    }
    let code = facts.code(asset);
    let row = |kind: RowKind, label: &str, amounts: Amounts, to: String| {
        let units = Cell::units(amounts.quantity, facts.scale(asset)).to(&to);
        Row::of(kind, vec![Cell::text(code), Cell::text(label), units, Cell::value(amounts.value).to(to)])
    };
    let journal = |accounts: &[AccountNo]| {
        let accounts: Vec<String> = accounts.iter().map(ToString::to_string).collect();
        link::journal(&format!("account={}&asset={code}&closings=out", accounts.join(",")))
    };
    let holdings = || journal(&no::HOLDINGS);
    let mut rows = vec![row(RowKind::Opening, "Opening", roll.opening, holdings())];
    for (at, sum) in roll.groups.iter().enumerate().filter(|(_, sum)| !sum.is_zero()) {
        let (label, to) = match GROUPS.get(at) {
            Some((label, accounts)) => (*label, journal(accounts)),
            None if at == CONVERSIONS => ("Conversions between assets", journal(&[no::CONVERSION, no::CONVERSION_COST])),
            None => ("Other", link::journal(&format!("asset={code}&closings=out"))),
        };
        rows.push(row(RowKind::Body, label, *sum, to));
    }
    rows.push(row(RowKind::Subtotal, "Closing", roll.closing, holdings()));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{AccountClass, STANDARD_CHART};

    #[test]
    fn every_account_that_moves_units_has_its_line() {
        for (number, name) in STANDARD_CHART {
            let account = AccountNo(*number);
            let class = AccountClass::of(account);
            let grouped = GROUPS.iter().filter(|(_, accounts)| accounts.contains(&account)).count();
            let apart = is_held(account) || [no::CONVERSION, no::CONVERSION_COST].contains(&account);
            let rest = [no::BANK, no::ACCOUNTS_PAYABLE, no::FUND_BALANCE, no::DESIGNATED_TARGET].contains(&account);
            let memo = class == Some(AccountClass::Memo);
            assert_eq!(grouped, usize::from(!apart && !rest && !memo), "{number} {name}");
        }
    }
}
