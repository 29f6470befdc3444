//! What makes a price set one that a second person looks at: prices that somebody typed, prices that were carried over from an earlier
//! day, prices far from the set before, and prices on which two sources disagree by more than the policy tolerates.

use super::{ACCEPTED, Accepted, COMPARED, GivenPrices, IMPORTED, LockPrices, SECOND, moved_share};
use crate::domain::approval::{State, Step};
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::price::Price;
use crate::report::doc::{Cell, Column, Content, Doc, Row, Table, Tone};
use crate::report::link;
use crate::service::approvals::all_before;
use crate::service::command::Command;
use crate::service::people;
use crate::service::policies::{Ratio, price_policy};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::{fact, log, price};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// One asset in two sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedPrice {
    /// Price of the first source, which is locked.
    pub price: String,
    /// Price of the second.
    pub second: String,
    /// How far the second is from the first, as a part of the first.
    pub difference: Ratio,
    /// True within the policy's tolerance.
    pub within: bool,
}

/// Two sources of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// The first source.
    pub source: String,
    /// The second.
    pub second: String,
    /// SHA-256 of the second's file, hex.
    pub second_hash: String,
    /// The policy's tolerance then.
    pub tolerance: Ratio,
    /// By asset code; what only one of them has is left out.
    pub prices: BTreeMap<String, ComparedPrice>,
}

impl Compared {
    /// The largest difference.
    pub fn largest(&self) -> Option<Ratio> {
        self.prices.values().map(|one| one.difference).max()
    }

    /// True where all are within the tolerance.
    pub fn is_within(&self) -> bool {
        self.prices.values().all(|one| one.within)
    }
}

/// Compares prices with what the second source says of the day; `None` where there is no second source.
pub fn compare(conn: &mut Conn, day: Date, given: &GivenPrices) -> Result<Option<Compared>, StoreError> {
    let Some(row) = fact::of_subject(conn, SECOND, &day.to_string())?.pop() else { return Ok(None) };
    let second: GivenPrices = row.parse()?;
    let tolerance = price_policy(conn, day)?.source_tolerance;
    let mut prices = BTreeMap::new();
    for (code, quote) in &given.prices {
        let Some(other) = second.prices.get(code) else { continue };
        let read =
            |text: &str| Price::parse(text).map_err(|e| Rejection::invalid(format!("/prices/{code}"), text, e.to_string()));
        let (first, other) = (read(&quote.price)?, read(&other.price)?);
        let difference = moved_share(first, other).map_or(Ratio::MAX, Ratio::of_millionths);
        let within = difference <= tolerance;
        prices.insert(code.clone(), ComparedPrice { price: first.to_string(), second: other.to_string(), difference, within });
    }
    Ok(Some(Compared { source: given.source.clone(), second: second.source, second_hash: second.source_hash, tolerance, prices }))
}

/// What a second person has to look at, besides outliers: the code of the refusal stays that of a price that is not as expected.
pub(super) fn concerns(given: &GivenPrices, compared: Option<&Compared>) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut note = |code: &str, value: &str, detail: String| {
        found.push(Problem { pointer: format!("/prices/{code}"), detail, value: value.to_owned() });
    };
    for (code, quote) in &given.prices {
        let how = match quote.basis.as_str() {
            "manual" => "was set by hand",
            "carried" => "is carried over from an earlier day, because none was found for this one",
            _ => continue,
        };
        note(code, &quote.price, format!("{how}; give a reason, and under four eyes somebody else agrees"));
    }
    for (code, one) in compared.into_iter().flat_map(|compared| &compared.prices).filter(|(_, one)| !one.within) {
        let (second, tolerance) = compared.map_or(("", Ratio::ZERO), |compared| (compared.second.as_str(), compared.tolerance));
        let detail = format!(
            "{second} has {}, which is {} of it away; the policy tolerates {tolerance}; find out which is right, or give a reason, and \
             under four eyes somebody else agrees",
            one.second, one.difference
        );
        note(code, &one.price, detail);
    }
    found
}

/// Who locked a set, who agreed, and why, by day.
#[derive(Debug, Clone, Default)]
struct Locked {
    by: String,
    approved_by: Vec<String>,
    reason: Option<String>,
    compared: Option<Compared>,
}

/// The governance of the sets that were locked last, and the days that wait to be locked.
///
/// # Errors
/// The database's failure.
pub fn tables(conn: &mut Conn, now: Timestamp, limit: usize) -> Result<Vec<Table>, StoreError> {
    let headers = price::headers(conn)?;
    let from = headers.len().saturating_sub(limit);
    let shown = headers.get(from..).unwrap_or_default();
    let approved = approvers(conn, now)?;
    let mut rows = Vec::new();
    for header in shown.iter().rev() {
        let locked = locked(conn, &header.cutoff_on, header.leaf, &approved)?;
        rows.push(locked_row(&header.cutoff_on, &header.source, &locked));
    }
    let columns = vec![
        Column::text("cutoff", "Prices of"),
        Column::text("source", "Source"),
        Column::text("second", "Second source"),
        Column::number("difference", "Largest difference"),
        Column::text("tolerance", "Within the tolerance"),
        Column::text("locked_by", "Locked by"),
        Column::text("approved_by", "Approved by"),
        Column::text("reason", "Reason"),
    ];
    let caption = format!("Who locked, who approved: the latest {limit} sets at most");
    let governance = Table::new("governance", &caption, columns, rows, "No price set is locked yet.");
    Ok(vec![waiting(conn, &headers)?, governance])
}

fn locked_row(day: &str, source: &str, locked: &Locked) -> Row {
    let cutoff = match day.parse::<Date>() {
        Ok(date) => Cell::date(date).to(link::price_set(date)),
        Err(_) => Cell::text(day),
    };
    let to = format!("/prices/{day}#compared");
    let [second, difference, within] = compared_cells(locked.compared.as_ref(), &to);
    let approved = locked.approved_by.join(", ");
    Row::body(vec![
        cutoff,
        Cell::text(source),
        second,
        difference,
        within,
        Cell::text(&locked.by),
        if approved.is_empty() { Cell::blank("not asked for") } else { Cell::text(approved) },
        locked.reason.as_ref().map_or_else(Cell::empty, Cell::text),
    ])
}

fn compared_cells(compared: Option<&Compared>, to: &str) -> [Cell; 3] {
    let Some(compared) = compared else { return [Cell::blank("none"), Cell::blank("one source"), Cell::empty()] };
    let largest = compared.largest().map_or_else(|| Cell::blank("no asset in both"), |ratio| percent(ratio).to(to));
    let within = if compared.is_within() { Cell::state("within", Tone::Good) } else { Cell::state("beyond", Tone::Warn) };
    [Cell::text(&compared.second), largest, within]
}

fn percent(ratio: Ratio) -> Cell {
    let shown = Decimal::try_from_i128_with_scale(ratio.millionths(), 6);
    shown.map_or_else(|_| Cell::text(ratio.to_string()), |decimal| Cell::new(Content::Percent(decimal)))
}

/// Days that were imported and have no set yet, with what the two sources say.
fn waiting(conn: &mut Conn, headers: &[price::PriceSetRow]) -> Result<Table, StoreError> {
    let locked: BTreeSet<&str> = headers.iter().map(|header| header.cutoff_on.as_str()).collect();
    let days: Vec<String> = fact::subjects(conn, IMPORTED)?.into_iter().filter(|day| !locked.contains(day.as_str())).collect();
    let mut rows = Vec::new();
    for day in days.iter().rev().take(31) {
        let Some(given) = latest::<GivenPrices>(conn, IMPORTED, day)? else { continue };
        let Ok(date) = day.parse::<Date>() else { continue };
        let compared = compare(conn, date, &given)?;
        let found = concerns(&given, compared.as_ref()).len();
        let [second, difference, within] = compared_cells(compared.as_ref(), "/prices#waiting");
        let needs = if found == 0 {
            Cell::text("nothing; it can be locked")
        } else {
            Cell::text("a reason, and another person under four eyes")
        };
        rows.push(Row::body(vec![Cell::date(date), Cell::text(given.source), second, difference, within, needs]));
    }
    let columns = vec![
        Column::text("day", "Prices of"),
        Column::text("source", "Source"),
        Column::text("second", "Second source"),
        Column::number("difference", "Largest difference"),
        Column::text("tolerance", "Within the tolerance"),
        Column::text("needs", "What locking needs"),
    ];
    let empty = "No imported day waits to be locked.";
    Ok(Table::new("waiting", "Imported and not locked yet, the latest first", columns, rows, empty))
}

fn latest<T: serde::de::DeserializeOwned>(conn: &mut Conn, kind: &str, day: &str) -> Result<Option<T>, StoreError> {
    fact::of_subject(conn, kind, day)?.last().map(fact::FactRow::parse).transpose()
}

fn locked(conn: &mut Conn, day: &str, leaf: i64, approved: &BTreeMap<String, Vec<String>>) -> Result<Locked, StoreError> {
    let stored = log::leaf(conn, leaf)?.and_then(|leaf| serde_json::from_str::<Json>(&leaf.bytes).ok());
    let by = stored.as_ref().and_then(|leaf| leaf.get("actor")).and_then(Json::as_str).unwrap_or_default().to_owned();
    Ok(Locked {
        by,
        approved_by: approved.get(day).cloned().unwrap_or_default(),
        reason: latest::<Accepted>(conn, ACCEPTED, day)?.map(|accepted| accepted.reason),
        compared: latest(conn, COMPARED, day)?,
    })
}

/// Who agreed to the locks that took effect as proposals, by day: names, the maker first.
fn approvers(conn: &mut Conn, now: Timestamp) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
    let names: BTreeMap<_, _> = people::all(conn)?.into_iter().map(|person| (person.id, person.name)).collect();
    let mut found = BTreeMap::new();
    if names.is_empty() {
        return Ok(found);
    }
    for proposal in all_before(conn, i64::MAX, now)? {
        if proposal.kind != LockPrices::KIND || proposal.state != State::Executed {
            continue;
        }
        let Some(day) = proposal.command.get("day").and_then(Json::as_str) else { continue };
        let voices = proposal.steps.iter().filter(|step| step.step == Step::Approve && step.revision == proposal.revision);
        let voices = voices.filter_map(|step| names.get(&step.person).cloned()).collect();
        found.insert(day.to_owned(), voices);
    }
    Ok(found)
}

/// Tables and facts of one set.
pub type OfDay = (Vec<Table>, Vec<(String, Cell)>);

/// One set: both sources asset by asset, who locked it and who agreed; nothing where the day has no set.
///
/// # Errors
/// The database's failure.
pub fn of_day(conn: &mut Conn, day: Date, now: Timestamp) -> Result<OfDay, StoreError> {
    let Some(set) = price::set_on(conn, &day.to_string())? else { return Ok((Vec::new(), Vec::new())) };
    let approved = approvers(conn, now)?;
    let locked = locked(conn, &set.header.cutoff_on, set.header.leaf, &approved)?;
    let mut facts = vec![("Locked by".to_owned(), Cell::text(&locked.by))];
    if !locked.approved_by.is_empty() {
        facts.push(("Approved by".to_owned(), Cell::text(locked.approved_by.join(", "))));
    }
    if let Some(reason) = &locked.reason {
        facts.push(("Reason".to_owned(), Cell::text(reason)));
    }
    let Some(compared) = &locked.compared else { return Ok((Vec::new(), facts)) };
    let to = link::price_set(day);
    let parsed =
        |text: &str| Price::parse(text).map_or_else(|_| Cell::text(text), |p| Cell::new(Content::Price(p.decimal())).to(&to));
    let rows = compared.prices.iter().map(|(code, one)| {
        let word = if one.within { Cell::state("within", Tone::Good) } else { Cell::state("beyond", Tone::Warn) };
        Row::body(vec![Cell::text(code), parsed(&one.price), parsed(&one.second), percent(one.difference).to(&to), word])
    });
    let columns = vec![
        Column::text("asset", "Asset"),
        Column::number("price", &compared.source),
        Column::number("second", &compared.second),
        Column::number("difference", "Difference"),
        Column::text("tolerance", &format!("Tolerance {}", compared.tolerance)),
    ];
    let table = Table::new("compared", "Two sources", columns, rows.collect(), "No asset is in both sources.");
    Ok((vec![table], facts))
}

/// The governance of prices as one document.
///
/// # Errors
/// The database's failure.
pub fn doc(conn: &mut Conn, now: Timestamp, limit: usize) -> Result<Doc, StoreError> {
    let tables = tables(conn, now, limit)?;
    Ok(Doc { name: "price-governance".to_owned(), title: "Governance of prices".to_owned(), tables, ..Doc::default() })
}

/// The refusal for what has no reason.
pub(super) fn without_reason(concerns: Vec<Problem>) -> Rejection {
    let mut problems = concerns;
    problems.truncate(Rejection::MAX_PROBLEMS);
    Rejection { code: OutcomeCode::PriceOutlier, problems }
}
