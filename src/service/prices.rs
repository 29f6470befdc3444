//! Price sets: imported from files, then locked for a cut-off day, never changed. Locking refuses what is missing, unknown or far
//! from the set before, and values the books of that day in the same transaction.
//!
//! A set may be locked for a day before the latest one valued (a late fee report may need it), but then nothing is valued: what
//! was valued since stands.

pub mod file;
pub mod governance;

use super::approvals::gate;
use super::command::Command;
use super::contributions::waiting;
use super::desk::Desk;
use super::policies::{Ratio, price_policy, require_open};
use super::posting::Prices;
use super::refs::{FUNCTIONAL, Refs};
use super::treasury::require_not_future;
use super::{Answer, Book, Call, Reply, valuation};
use crate::domain::account::AccountClass;
use crate::domain::amount::{Rounding, mul_div, pow10};
use crate::domain::approval::Risk;
use crate::domain::asset::AssetId;
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::person::Role;
use crate::domain::price::Price;
use crate::domain::text::check_free_text;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::price::{self, PriceRow, PriceSet, PriceSetRow};
use crate::store::tx::Tx;
use crate::store::{fact, projection};
pub use file::{DayPrices, Quote, parse_file};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Kind of the facts that hold imported prices; the subject is the day.
pub const IMPORTED: &str = "price.imported";
/// Kind of the facts that keep why prices that need a second look were accepted; the subject is the day.
pub const ACCEPTED: &str = "price.accepted";
/// Kind of the facts that hold what a second source says; the subject is the day.
pub const SECOND: &str = "price.second";
/// Kind of the facts that keep how two sources compared when a set was locked; the subject is the day.
pub const COMPARED: &str = "price.compared";

/// Prices of one day with their source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenPrices {
    /// Where they come from.
    pub source: String,
    /// SHA-256 of the source file, hex; empty for prices typed in.
    #[serde(default)]
    pub source_hash: String,
    /// Quote by asset code.
    pub prices: BTreeMap<String, Quote>,
}

/// A set to lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockPrices {
    /// Cut-off day (24:00 UTC).
    pub day: Date,
    /// The prices; none to lock what was imported for the day.
    #[serde(default)]
    pub given: Option<GivenPrices>,
    /// Lock although prices are far from the set before; needs `reason`.
    #[serde(default)]
    pub accept_outliers: bool,
    /// Why prices are right that are outliers, were set by hand or carried over, or differ from the second source.
    #[serde(default)]
    pub reason: Option<String>,
    /// Value holdings and obligations of the day at once.
    #[serde(default = "yes")]
    pub value: bool,
}

const fn yes() -> bool {
    true
}

impl LockPrices {
    /// Locks and values what was imported for a day.
    pub const fn imported(day: Date) -> Self {
        Self { day, given: None, accept_outliers: false, reason: None, value: true }
    }

    /// Locks and values given prices.
    pub const fn given(day: Date, given: GivenPrices) -> Self {
        Self { day, given: Some(given), accept_outliers: false, reason: None, value: true }
    }

    /// Without valuing.
    #[must_use]
    pub const fn without_valuation(mut self) -> Self {
        self.value = false;
        self
    }

    /// With a reason for prices that need a second look.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Accepting outliers for a reason.
    #[must_use]
    pub fn accepting_outliers(mut self, reason: impl Into<String>) -> Self {
        self.accept_outliers = true;
        self.reason = Some(reason.into());
        self
    }
}

/// Why prices that need a second look were accepted, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Accepted {
    assets: Vec<String>,
    reason: String,
}

impl Book {
    /// Keeps the prices of a file, day by day, ready to be locked. A later import of a day replaces an earlier one.
    ///
    /// # Errors
    /// `InvalidField`, `InvalidRow` (see [`parse_file`]), `UnknownAsset`, `Forbidden` for a person who may not lock prices either.
    pub fn import_prices(&self, call: &Call, source: &str, bytes: &[u8]) -> Result<Reply, StoreError> {
        self.import_as(call, IMPORTED, source, bytes)
    }

    /// Keeps what a second source says, day by day, to be compared with the prices that are locked.
    ///
    /// # Errors
    /// As [`Book::import_prices`]; `InvalidField` for the first source or its own file.
    pub fn import_second_prices(&self, call: &Call, source: &str, bytes: &[u8]) -> Result<Reply, StoreError> {
        self.import_as(call, SECOND, source, bytes)
    }

    fn import_as(&self, call: &Call, kind: &'static str, source: &str, bytes: &[u8]) -> Result<Reply, StoreError> {
        check_free_text(source, 200).map_err(|e| Rejection::invalid("/source", source, e.to_string()))?;
        let days = parse_file(bytes)?;
        let source_hash = hex::encode(crate::proof::merkle::sha256(bytes));
        let (source, by) = (source.to_owned(), call.clone());
        let name = if kind == SECOND { "second_prices" } else { "prices" };
        self.command(call, &json!({name: {"source": source, "sha256": source_hash}}), move |tx| {
            gate::require_giver(tx, &by, LockPrices::GIVERS)?;
            let refs = Refs::load(tx.conn)?;
            for (day, prices) in &days {
                require_known_assets(&refs, prices)?;
                let given = GivenPrices { source: source.clone(), source_hash: source_hash.clone(), prices: prices.clone() };
                require_two_sources(tx, kind, *day, &given)?;
                tx.add_fact(kind, &day.to_string(), *day, &given);
            }
            let first = days.keys().next();
            let last = days.keys().last();
            Ok(Answer::created(json!({"days": days.len(), "first": first, "last": last, "sha256": source_hash})))
        })
    }

    /// Locks a price set and, unless told otherwise, values the books of its day.
    ///
    /// # Errors
    /// `AlreadyExists`, `PriceMissing` (nothing imported, or an asset in use lacks a price), `UnknownAsset`, `InvalidField`,
    /// `PriceOutlier`, `PeriodClosed`, `OutOfOrder` when valuing before the latest day valued.
    pub fn lock_prices(&self, call: &Call, mut command: LockPrices) -> Result<Reply, StoreError> {
        // Whoever agrees to imported prices for a reason agrees to exactly these, whatever is imported meanwhile.
        if command.given.is_none() && command.reason.is_some() {
            let day = command.day.to_string();
            let imported =
                self.read(|conn| fact::of_subject(conn, IMPORTED, &day)?.last().map(fact::FactRow::parse).transpose())?;
            command.given = imported;
        }
        self.give(call, command)
    }
}

impl Command for LockPrices {
    const KIND: &'static str = "prices.lock";
    const TITLE: &'static str = "Lock a price set";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn risk(&self) -> Risk {
        // What a job imported is locked as it came; what a person typed or waved through is looked at by another.
        let as_it_came = self.given.is_none() && !self.accept_outliers && self.reason.is_none();
        if as_it_came { Risk::Free } else { Risk::One }
    }

    fn check(&self) -> Result<(), Rejection> {
        if let Some(reason) = &self.reason {
            check_free_text(reason, 500).map_err(|e| Rejection::invalid("/reason", reason, e.to_string()))?;
        }
        if let Some(given) = &self.given {
            check_free_text(&given.source, 200).map_err(|e| Rejection::invalid("/given/source", &given.source, e.to_string()))?;
        }
        Ok(())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        require_not_future("/day", self.day, tx.today())?;
        require_open(tx, "/day", self.day)?;
        lock(tx, self)
    }
}

/// Days between two days (both included) that were imported and have no locked set yet, in order.
pub fn imported_days(conn: &mut Conn, from: Date, until: Date) -> Result<BTreeSet<Date>, StoreError> {
    let locked: BTreeSet<String> = price::headers(conn)?.into_iter().map(|set| set.cutoff_on).collect();
    let imported = super::registry::parsed_facts::<GivenPrices>(conn, IMPORTED)?;
    let wanted = imported.into_iter().map(|(day, ..)| day).filter(|day| (from..=until).contains(day));
    Ok(wanted.filter(|day| !locked.contains(&day.to_string())).collect())
}

fn lock(tx: &mut Tx<'_>, command: &LockPrices) -> Result<Answer, StoreError> {
    let day = command.day;
    if price::set_on(tx.conn, &day.to_string())?.is_some() {
        let detail = "has a locked price set already; locked sets are never changed";
        return Err(Rejection::new(OutcomeCode::AlreadyExists, "/day", day, detail).into());
    }
    let refs = Refs::load(tx.conn)?;
    let given = given_prices(tx, command)?;
    require_known_assets(&refs, &given.prices)?;
    let set = to_set(&refs, day, &given)?;
    let now = Prices::of(&set)?;
    require_complete(tx, &refs, &now)?;
    let outliers = outliers(tx, &refs, day, &now)?;
    let compared = governance::compare(tx.conn, day, &given)?;
    let concerns = governance::concerns(&given, compared.as_ref());
    accept(tx, command, &outliers, &concerns)?;
    if let Some(compared) = &compared {
        tx.add_fact(COMPARED, &day.to_string(), day, compared);
    }
    let mut entries = Vec::new();
    if command.value {
        let desk = Desk::with_prices(tx, day, now.clone())?;
        entries = valuation::value_day(tx, &desk)?.0;
    }
    tx.record(set);
    let released = waiting::release(tx, Some(&now))?;
    Ok(Answer::created(json!({
        "day": day,
        "source": given.source,
        "prices": given.prices.iter().map(|(code, quote)| (code.clone(), json!(quote.price))).collect::<serde_json::Map<_, _>>(),
        "accepted_outliers": outliers.iter().map(|o| o.pointer.clone()).collect::<Vec<_>>(),
        "accepted_for_a_reason": concerns.iter().map(|o| o.pointer.clone()).collect::<Vec<_>>(),
        "compared": compared,
        "valued": command.value,
        "entries": entries,
        "released": released,
    })))
}

fn given_prices(tx: &mut Tx<'_>, command: &LockPrices) -> Result<GivenPrices, StoreError> {
    if let Some(given) = &command.given {
        return Ok(given.clone());
    }
    let day = command.day.to_string();
    match fact::of_subject(tx.conn, IMPORTED, &day)?.last() {
        Some(row) => row.parse(),
        None => {
            let detail = "no prices were imported for this day; import a file that has it, or give the prices";
            Err(Rejection::new(OutcomeCode::PriceMissing, "/day", day, detail).into())
        }
    }
}

fn require_known_assets(refs: &Refs, prices: &BTreeMap<String, Quote>) -> Result<(), Rejection> {
    for (code, quote) in prices {
        let pointer = format!("/prices/{code}");
        let asset = refs.asset(&pointer, code)?;
        let price = Price::parse(&quote.price).map_err(|e| Rejection::invalid(&pointer, &quote.price, e.to_string()))?;
        if asset.id == FUNCTIONAL && price != Price::ONE {
            return Err(Rejection::invalid(&pointer, price, "is the functional currency, which is always 1; leave it out"));
        }
        if !["observed", "interpolated", "carried", "manual"].contains(&quote.basis.as_str()) {
            let detail = "is not a basis; use observed, interpolated, carried or manual";
            return Err(Rejection::invalid(format!("{pointer}/basis"), &quote.basis, detail));
        }
    }
    Ok(())
}

fn to_set(refs: &Refs, day: Date, given: &GivenPrices) -> Result<PriceSet, StoreError> {
    let cutoff_on = day.to_string();
    let mut prices = Vec::new();
    for (code, quote) in &given.prices {
        let asset_id = refs.asset("/prices", code)?.id;
        if asset_id == FUNCTIONAL {
            continue;
        }
        let price = Price::parse(&quote.price).map_err(|e| Rejection::invalid("/prices", &quote.price, e.to_string()))?;
        prices.push(PriceRow {
            cutoff_on: cutoff_on.clone(),
            asset_id: asset_id.0,
            price: price.to_string(),
            basis: quote.basis.clone(),
        });
    }
    prices.sort_by_key(|row| row.asset_id);
    let header = PriceSetRow { cutoff_on, source: given.source.clone(), source_hash: given.source_hash.clone(), leaf: 0 };
    Ok(PriceSet { header, prices })
}

/// Every asset that is held, owed or receivable must have a price, or the books of the day cannot be valued.
fn require_complete(tx: &mut Tx<'_>, refs: &Refs, now: &Prices) -> Result<(), StoreError> {
    let in_use: BTreeSet<AssetId> = projection::balances(tx.conn)?
        .iter()
        .filter(|row| {
            matches!(AccountClass::of(row.account()), Some(AccountClass::Asset | AccountClass::Liability))
                && !row.quantity.quantity().is_zero()
        })
        .map(projection::BalanceRow::asset)
        .collect();
    let problem = |asset: &AssetId| Problem {
        pointer: format!("/prices/{}", refs.code(*asset)),
        detail: format!("{} is held, owed or receivable and has no price in this set; add it", refs.code(*asset)),
        value: String::new(),
    };
    let problems: Vec<Problem> = in_use.iter().filter(|asset| !now.by_asset.contains_key(asset)).map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Rejection { code: OutcomeCode::PriceMissing, problems }.into()) }
}

/// Prices that moved further than the policy allows since the set before.
fn outliers(tx: &mut Tx<'_>, refs: &Refs, day: Date, now: &Prices) -> Result<Vec<Problem>, StoreError> {
    let limit = price_policy(tx.conn, day)?.outlier_share;
    let before = Prices::at(tx.conn, day)?;
    let mut problems = Vec::new();
    for (asset, price) in &now.by_asset {
        let Some(earlier) = before.by_asset.get(asset) else { continue };
        let moved = moved_share(*earlier, *price).unwrap_or(i128::MAX);
        if moved > limit.millionths() {
            let code = refs.code(*asset);
            let since = before.cutoff_on.map_or_else(String::new, |day| format!(" of {day}"));
            problems.push(Problem {
                pointer: format!("/prices/{code}"),
                detail: format!(
                    "is far from {earlier}, the price of {code}{since}: it moved by more than {limit} of it; check the file and the \
                     unit, or accept it with a reason"
                ),
                value: price.to_string(),
            });
        }
    }
    Ok(problems)
}

/// |now − before| ÷ before in millionths, rounded half-even; `None` when it does not fit.
fn moved_share(before: Price, now: Price) -> Option<i128> {
    let scale = before.decimal().scale().max(now.decimal().scale());
    let at = |price: Price| price.decimal().mantissa().checked_mul(pow10(scale.checked_sub(price.decimal().scale())?)?);
    let (before, now) = (at(before)?, at(now)?);
    mul_div(now.checked_sub(before)?.checked_abs()?, Ratio::ONE.millionths(), before, Rounding::HalfEven)
}

fn accept(tx: &mut Tx<'_>, command: &LockPrices, outliers: &[Problem], concerns: &[Problem]) -> Result<(), StoreError> {
    if outliers.is_empty() && concerns.is_empty() {
        return Ok(());
    }
    if !outliers.is_empty() && !command.accept_outliers {
        return Err(Rejection { code: OutcomeCode::PriceOutlier, problems: outliers.to_vec() }.into());
    }
    let Some(reason) = command.reason.clone() else {
        if outliers.is_empty() {
            return Err(governance::without_reason(concerns.to_vec()).into());
        }
        return Err(Rejection::invalid("/reason", "", "say why the prices are right").into());
    };
    let all = outliers.iter().chain(concerns).filter_map(|o| o.pointer.strip_prefix("/prices/").map(str::to_owned));
    let assets = all.collect::<BTreeSet<_>>().into_iter().collect();
    tx.add_fact(ACCEPTED, &command.day.to_string(), command.day, &Accepted { assets, reason });
    Ok(())
}

/// The second source must be another one: neither of the first's name nor its file.
fn require_two_sources(tx: &mut Tx<'_>, kind: &str, day: Date, given: &GivenPrices) -> Result<(), StoreError> {
    let other = if kind == SECOND { IMPORTED } else { SECOND };
    let Some(row) = fact::of_subject(tx.conn, other, &day.to_string())?.pop() else { return Ok(()) };
    let known: GivenPrices = row.parse()?;
    if known.source != given.source && known.source_hash != given.source_hash {
        return Ok(());
    }
    let detail = format!("is the other source of {day} already, by its name or its file; two sources are two");
    Err(Rejection::invalid("/source", &given.source, detail).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_measured_exactly() {
        let moved = |a: &str, b: &str| moved_share(Price::parse(a).unwrap(), Price::parse(b).unwrap()).unwrap();
        assert_eq!(moved("100", "150"), 500_000);
        assert_eq!(moved("100", "150.0001"), 500_001);
        assert_eq!(moved("0.5", "0.25"), 500_000);
        assert_eq!(moved("6000", "60"), 990_000);
    }
}
