//! The fund at one day: balances, prices, policy and memo figures made into the input of the coverage ratios.

use super::doc::{Basis, Cell, Content, Tone};
use super::format::{self, Style};
use super::link;
use super::params::Params;
use super::registry::ReportDef;
use super::source::{BookFacts, CoverageTerms, FUNCTIONAL, MemoFigure, Movement, PriceSet, ReportError, Source, overflow};
use crate::domain::account::{AccountClass, AccountNo, no};
use crate::domain::amount::{Quantity, VALUE_SCALE, Value};
use crate::domain::asset::AssetId;
use crate::domain::coverage::{Amount, Coverage, Flows, Input, Kind, Memo, Position, Ratio, Totals};
use crate::domain::price::Price;
use crate::ledger::trial_balance::TrialBalance;
use jiff::{ToSpan, civil::Date};
use rust_decimal::Decimal;

/// Days over which flows are averaged.
const WINDOW_DAYS: i64 = 90;

/// The fund at one day.
#[derive(Debug, Clone)]
pub struct Fund {
    /// Balances.
    pub balance: TrialBalance,
    /// Prices in force.
    pub prices: Option<PriceSet>,
    /// Policy in force.
    pub terms: Option<CoverageTerms>,
    /// Memo figures in force.
    pub memo: Vec<MemoFigure>,
    /// What the ratios are made of.
    pub input: Input,
    /// The ratios.
    pub coverage: Coverage,
}

impl Fund {
    /// Loads the fund as of a day.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    pub fn load(source: &mut dyn Source, day: Date) -> Result<Self, ReportError> {
        let balance = source.balances(day)?;
        let prices = source.prices(day)?;
        let terms = terms_at(&source.coverage_policies()?, day).cloned();
        let memo = source.memo(day)?;
        let flows = flows(source, day)?;
        let facts = source.facts();
        let price = |asset: AssetId| price_of(prices.as_ref(), asset);
        let input = Input {
            positions: positions(facts, &balance, &price, terms.as_ref())?,
            totals: totals(&balance)?,
            targets: terms.as_ref().map(|terms| terms.targets.clone()).unwrap_or_default(),
            memo: Memo {
                covered: memo_value(facts, &memo, no::COVERED_USER_ASSETS, &price),
                hot_wallets: memo_value(facts, &memo, no::HOT_WALLET_USER_ASSETS, &price),
            },
            flows,
        };
        let coverage = input.coverage();
        Ok(Self { balance, prices, terms, memo, input, coverage })
    }

    /// The judgement of the coverage ratio by the policy in force.
    pub fn state(&self) -> (String, Tone) {
        let ratio = self.coverage.get("coverage").and_then(|ratio| ratio.value.clone().ok());
        judge(self.terms.as_ref(), ratio)
    }
}

/// The price of an asset in a set; the functional currency's is one even without a set.
pub fn price_of(prices: Option<&PriceSet>, asset: AssetId) -> Option<Price> {
    if asset == FUNCTIONAL { Some(Price::ONE) } else { prices.and_then(|set| set.price(asset)) }
}

/// The policy in force on a day; of two for the same day the later recording.
pub fn terms_at(policies: &[CoverageTerms], day: Date) -> Option<&CoverageTerms> {
    policies.iter().rev().find(|terms| terms.since <= day)
}

/// The state word of a coverage ratio, with its tone.
pub fn judge(terms: Option<&CoverageTerms>, ratio: Option<Decimal>) -> (String, Tone) {
    let Some(ratio) = ratio else { return ("not applicable".to_owned(), Tone::Neutral) };
    let Some(terms) = terms else { return ("no policy".to_owned(), Tone::Neutral) };
    let below = |millionths: i128| ratio < level(millionths);
    if terms.minimum.is_some_and(below) {
        return ("below the minimum".to_owned(), Tone::Bad);
    }
    match terms.bands.iter().position(|band| below(band.below)) {
        // The lowest band is the alarm; the ones above it ask for attention.
        Some(0) if terms.minimum.is_none() => (name_of(terms, 0), Tone::Bad),
        Some(at) => (name_of(terms, at), Tone::Warn),
        None => ("within policy".to_owned(), Tone::Good),
    }
}

fn name_of(terms: &CoverageTerms, at: usize) -> String {
    terms.bands.get(at).map(|band| band.name.clone()).unwrap_or_default()
}

/// Millionths as a decimal.
pub fn level(millionths: i128) -> Decimal {
    Decimal::try_from_i128_with_scale(millionths, 6).unwrap_or_default()
}

/// A functional value as a decimal for charts; what does not fit is drawn at zero.
pub fn decimal(value: Value) -> Decimal {
    Decimal::try_from_i128_with_scale(value.minor(), u32::from(VALUE_SCALE)).unwrap_or_default()
}

/// Units as a decimal for charts; what does not fit is drawn at zero.
pub fn units(quantity: Quantity, scale: u8) -> Decimal {
    Decimal::try_from_i128_with_scale(quantity.minor(), u32::from(scale)).unwrap_or_default()
}

/// One position for every asset that is held or owed.
///
/// # Errors
/// [`ReportError::Source`] when a sum does not fit.
pub fn positions(
    facts: &BookFacts,
    balance: &TrialBalance,
    price: &dyn Fn(AssetId) -> Option<Price>,
    terms: Option<&CoverageTerms>,
) -> Result<Vec<Position>, ReportError> {
    let mut positions = Vec::new();
    for asset in facts.assets.values() {
        let units = |accounts: &[AccountNo]| balance.units_of(accounts, asset.id).ok_or_else(overflow);
        let owed = Value::checked_sum(no::OBLIGATIONS.map(|account| balance.get(account, asset.id).value));
        let position = Position {
            asset: asset.id,
            code: asset.code.to_string(),
            scale: asset.scale,
            own_token: asset.own_token,
            price: price(asset.id),
            held: units(&no::HOLDINGS)?,
            encumbered: units(&[no::ENCUMBERED])?,
            owed: units(&no::IN_KIND)?.negated(),
            obligations: owed.ok_or_else(overflow)?.negated(),
            haircut: terms.and_then(|terms| terms.haircuts.get(&asset.id).copied()).unwrap_or(0),
        };
        if !(position.held.is_zero() && position.owed.is_zero() && position.obligations.is_zero()) {
            positions.push(position);
        }
    }
    Ok(positions)
}

/// Value of a class of accounts, signed.
///
/// # Errors
/// [`ReportError::Source`] when a sum does not fit.
pub fn value_of_class(balance: &TrialBalance, class: AccountClass) -> Result<Value, ReportError> {
    let rows = balance.rows().filter(|(account, ..)| AccountClass::of(*account) == Some(class));
    Value::checked_sum(rows.map(|(_, _, amounts)| amounts.value)).ok_or_else(overflow)
}

fn totals(balance: &TrialBalance) -> Result<Totals, ReportError> {
    let owed = |accounts: &[AccountNo]| balance.value_of(accounts).map(Value::negated).ok_or_else(overflow);
    Ok(Totals {
        assets: value_of_class(balance, AccountClass::Asset)?,
        liabilities: value_of_class(balance, AccountClass::Liability)?.negated(),
        suspense: owed(&[no::SUSPENSE])?,
        refundable: owed(&[no::REFUNDABLE])?,
        loans: owed(&[no::LOANS, no::INTEREST_PAYABLE])?,
    })
}

fn memo_value(
    facts: &BookFacts,
    memo: &[MemoFigure],
    account: AccountNo,
    price: &dyn Fn(AssetId) -> Option<Price>,
) -> Result<Value, String> {
    let figures: Vec<&MemoFigure> = memo.iter().filter(|figure| figure.account == account).collect();
    if figures.is_empty() {
        return Err(format!("no figure of {account} is recorded"));
    }
    let value = |figure: &&MemoFigure| {
        if figure.quantity.is_zero() {
            return Ok(Value::ZERO);
        }
        let code = facts.code(figure.asset);
        let price = price(figure.asset).ok_or_else(|| format!("there is no locked price of {code}"))?;
        price.fair_value(figure.quantity, facts.scale(figure.asset)).ok_or_else(|| "a sum does not fit".to_owned())
    };
    let values: Result<Vec<Value>, String> = figures.iter().map(value).collect();
    Value::checked_sum(values?).ok_or_else(|| "a sum does not fit".to_owned())
}

/// Contributions and net outflow of the holdings over the window before a day, or since the first entry.
fn flows(source: &mut dyn Source, day: Date) -> Result<Flows, ReportError> {
    let Ok(from) = day.checked_sub((WINDOW_DAYS - 1).days()) else { return Ok(Flows::default()) };
    let movements = source.movements(Some(from), day)?;
    let (mut contributions, mut inflow) = (Value::ZERO, Value::ZERO);
    let add = |sum: &mut Value, movement: &Movement| -> Result<(), ReportError> {
        *sum = sum.checked_add(movement.value).ok_or_else(overflow)?;
        Ok(())
    };
    for movement in movements.iter().filter(|movement| !movement.closing) {
        let account = movement.account;
        if [no::CONTRIBUTIONS, no::RESTATEMENTS].contains(&account) {
            add(&mut contributions, movement)?;
        }
        // What moved the holdings at fair value, less the gains and losses of prices, is what came in or went out.
        let at_fair_value = no::HOLDINGS.contains(&account) || account == no::FAIR_VALUE_ADJUSTMENT;
        if at_fair_value || [no::REALISED, no::UNREALISED].contains(&account) {
            add(&mut inflow, movement)?;
        }
    }
    let first = source.facts().first_day.filter(|first| *first > from).unwrap_or(from);
    let days = i128::from(days_between(first, day)).saturating_add(1);
    Ok(Flows { days, contributions: contributions.negated(), net_outflow: inflow.negated() })
}

/// Whole days from one day to a later one.
pub fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// The basis of a document of `report`.
pub fn basis(facts: &BookFacts, report: &ReportDef, params: &Params, prices: Option<&PriceSet>) -> Basis {
    Basis {
        as_of: Some(facts.as_of),
        known_at: facts.known_at,
        prices: prices.map(|set| (set.cutoff_on, set.source.clone())),
        filters: params.filters(report.params),
    }
}

/// The cell of a ratio's value.
pub fn ratio_cell(ratio: &Ratio) -> Cell {
    Cell::new(match (&ratio.value, ratio.kind) {
        (Err(why), _) => Content::Blank(format!("n/a: {why}")),
        (Ok(value), Kind::Multiple) => Content::Ratio(*value),
        (Ok(value), Kind::Share) => Content::Percent(*value),
        (Ok(value), Kind::Price | Kind::Days) => Content::Price(*value),
    })
}

/// The cell of one side of a ratio.
pub fn amount_cell(amount: &Amount) -> Cell {
    Cell::new(match amount {
        Amount::Value(value) => Content::Value(*value),
        Amount::Units { quantity, scale, code } => {
            Content::Units { quantity: *quantity, scale: *scale, asset: Some(code.clone()) }
        }
        Amount::Unknown(why) => Content::Blank(why.clone()),
    })
}

/// Numerator and denominator of a ratio, linked to the tables they are summed in.
pub fn parts(ratio: &Ratio) -> (Cell, Cell) {
    let (above, below) = match ratio.key.as_str() {
        "reserve_ratio" => (link::report("balance-sheet"), link::coverage("memo")),
        "hot_wallet_coverage" => (link::coverage("holdings"), link::coverage("memo")),
        "target_attainment" | "distance_to_floor" | "concentration" | "wrong_way_share" | "trigger_price" => {
            (link::coverage("holdings"), link::coverage("holdings"))
        }
        "run_off" | "time_to_target" => (link::coverage("holdings"), link::report("changes-in-fund")),
        _ => (link::coverage("holdings"), link::coverage("obligations")),
    };
    (amount_cell(&ratio.numerator).to(above), amount_cell(&ratio.denominator).to(below))
}

/// A content as a sentence says it: `1.69×`, `12.5 %`.
pub fn shown(content: &Content) -> String {
    format::show(content, Style::alone(content)).plain()
}

/// A functional value as a sentence says it: `512.3 M`.
pub fn compact(value: Value) -> String {
    format::compact(decimal(value))
}

/// A label inside a sentence: its first letter small.
pub fn lower_first(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
