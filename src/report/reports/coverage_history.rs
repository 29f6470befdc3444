//! Coverage at every price set, computed in one pass over the daily movements.

use crate::domain::amount::Value;
use crate::domain::coverage::{Coverage, Flows, Input, Memo, Ratio, Targets, Totals};
use crate::ledger::trial_balance::TrialBalance;
use crate::report::doc::{Cell, Chart, ChartKind, Column, Doc, Row, Series, Table, Tone};
use crate::report::params::Params;
use crate::report::source::{CoverageTerms, PriceSet, ReportError, Source};
use crate::report::{fund, link, registry};
use jiff::civil::Date;
use rust_decimal::Decimal;

/// The highest ratio that is drawn.
const HIGHEST_DRAWN: Decimal = Decimal::TEN;

/// The fund on one day of the history.
#[derive(Debug, Clone)]
pub struct Point {
    /// Cut-off date of the price set.
    pub day: Date,
    /// Ratios; those of policy and memo figures are not part of a history.
    pub coverage: Coverage,
}

/// The fund at every price set of the days `from..=to`.
///
/// # Errors
/// [`ReportError::Source`].
pub fn points(source: &mut dyn Source, from: Option<Date>, to: Date) -> Result<Vec<Point>, ReportError> {
    let sets = source.price_sets(from, to)?;
    let movements = source.movements(None, to)?;
    let mut moved = movements.iter().peekable();
    let mut balance = TrialBalance::default();
    let mut points = Vec::with_capacity(sets.len());
    for set in &sets {
        while let Some(movement) = moved.next_if(|movement| movement.day <= set.cutoff_on) {
            balance.add(movement.account, movement.asset, movement.quantity, movement.value)?;
        }
        points.push(Point { day: set.cutoff_on, coverage: at(source, &balance, set)? });
    }
    Ok(points)
}

fn at(source: &dyn Source, balance: &TrialBalance, set: &PriceSet) -> Result<Coverage, ReportError> {
    let unknown = || Err("not part of a history".to_owned());
    let input = Input {
        positions: fund::positions(source.facts(), balance, &|asset| set.price(asset), None)?,
        totals: Totals::default(),
        targets: Targets::default(),
        memo: Memo { covered: unknown(), hot_wallets: unknown() },
        flows: Flows::default(),
    };
    Ok(input.coverage())
}

/// The chart of coverage over time with the bands of the policy in force.
pub fn chart(points: &[Point], terms: Option<&CoverageTerms>) -> Chart {
    let line = |name: &str, key: &str| Series {
        name: name.to_owned(),
        points: points.iter().map(|point| (point.day, drawn(point, key), Some(link::coverage_on(point.day)))).collect(),
    };
    Chart {
        id: "coverage-history".to_owned(),
        title: "Coverage over time".to_owned(),
        finding: drawn_finding(points),
        kind: ChartKind::Line {
            series: vec![line("Coverage", "coverage"), line("Lowest matched", "matched")],
            bands: bands(terms),
            unit: "×".to_owned(),
        },
    }
}

/// The chart of what the fund was worth and what it owed.
pub fn value_chart(points: &[Point], currency: &str) -> Chart {
    let line = |name: &str, value: &dyn Fn(&Point) -> Option<Value>| Series {
        name: name.to_owned(),
        points: points.iter().map(|p| (p.day, value(p).map(fund::decimal), Some(link::coverage_on(p.day)))).collect(),
    };
    let worth = |point: &Point| point.coverage.fund_value.clone().ok();
    let most = points.iter().filter(|point| !point.coverage.obligations.is_zero()).max_by_key(|point| point.coverage.obligations);
    let finding = match most {
        None => "Nothing was owed on any of these days.".to_owned(),
        Some(point) => {
            let owed = fund::compact(point.coverage.obligations);
            let beside =
                worth(point).map_or_else(String::new, |value| format!(", when it was worth {} {currency}", fund::compact(value)));
            format!("The fund owed most on {}, {owed} {currency}{beside}.", point.day)
        }
    };
    Chart {
        id: "value-history".to_owned(),
        title: "Fund value and obligations".to_owned(),
        finding,
        kind: ChartKind::Line {
            series: vec![line("Fund value", &worth), line("Obligations", &|point| Some(point.coverage.obligations))],
            bands: Vec::new(),
            unit: currency.to_owned(),
        },
    }
}

fn ratio(point: &Point, key: &str) -> Option<Decimal> {
    point.coverage.get(key).and_then(|ratio| ratio.value.clone().ok())
}

fn bands(terms: Option<&CoverageTerms>) -> Vec<(String, Decimal, Tone)> {
    let Some(terms) = terms else { return Vec::new() };
    let minimum = terms.minimum.map(|minimum| ("minimum".to_owned(), fund::level(minimum), Tone::Bad));
    let other = terms.bands.iter().filter(|band| Some(band.below) != terms.minimum);
    minimum.into_iter().chain(other.map(|band| (band.name.clone(), fund::level(band.below), Tone::Warn))).collect()
}

/// What is drawn of a ratio: when next to nothing is owed, coverage leaves every scale that shows the limits.
fn drawn(point: &Point, key: &str) -> Option<Decimal> {
    ratio(point, key).filter(|ratio| *ratio <= HIGHEST_DRAWN)
}

fn drawn_finding(points: &[Point]) -> String {
    let beyond = points.iter().any(|point| ratio(point, "coverage").is_some_and(|ratio| ratio > HIGHEST_DRAWN));
    let words = if beyond { format!(" Points above {HIGHEST_DRAWN}× are left to the table.") } else { String::new() };
    let without = points.iter().filter(|point| ratio(point, "coverage").is_none()).count();
    let gaps = match without {
        none_or_all if none_or_all == 0 || none_or_all == points.len() => String::new(),
        1 => " On one day there is no ratio, as nothing was owed.".to_owned(),
        many => format!(" On {many} days there is no ratio, as nothing was owed."),
    };
    format!("{}{words}{gaps}", finding(points))
}

/// The day on which a ratio was lowest.
pub fn lowest<'p>(points: &'p [Point], key: &str) -> Option<(&'p Point, &'p Ratio)> {
    let known = points.iter().filter_map(|point| Some((point, point.coverage.get(key)?)));
    known.filter(|(_, ratio)| ratio.value.is_ok()).min_by_key(|(_, ratio)| ratio.value.clone().ok())
}

/// Where coverage was lowest, in all and in one asset, and where it stood last.
pub fn finding(points: &[Point]) -> String {
    let shown = |ratio: &Ratio| fund::shown(&fund::ratio_cell(ratio).content);
    let Some((worst, coverage)) = lowest(points, "coverage") else {
        return "Nothing was owed on any of these days, so there is no coverage to show.".to_owned();
    };
    let matched = lowest(points, "matched").map_or_else(String::new, |(point, ratio)| {
        format!("; {} on {}, {}", fund::lower_first(&ratio.label), point.day, shown(ratio))
    });
    let last =
        points.iter().rev().find_map(|point| Some((point, point.coverage.get("coverage")?)).filter(|(_, r)| r.value.is_ok()));
    let last = last
        .filter(|(point, _)| point.day != worst.day)
        .map_or_else(String::new, |(point, ratio)| format!(". It stood last at {} on {}", shown(ratio), point.day));
    format!("Coverage was lowest on {}, {}{matched}{last}.", worst.day, shown(coverage))
}

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("coverage-history")?;
    let as_of = source.facts().as_of;
    let to = params.date("to")?.map_or(as_of, |to| to.min(as_of));
    let points = points(source, params.date("from")?, to)?;
    let policies = source.coverage_policies()?;
    let terms = fund::terms_at(&policies, as_of);
    let facts = source.facts();
    let currency = facts.currency();
    let rows = points.iter().rev().map(|point| row(point, fund::terms_at(&policies, point.day)));
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        finding: Some(finding(&points)),
        basis: fund::basis(facts, report, params, None),
        charts: if points.is_empty() { Vec::new() } else { vec![chart(&points, terms), value_chart(&points, currency)] },
        tables: vec![Table {
            id: "coverage-history".to_owned(),
            caption: "Coverage at each price set, the latest first".to_owned(),
            columns: vec![
                Column::text("day", "Prices of"),
                Column::number("fund_value", &format!("Fund value ({currency})")),
                Column::number("obligations", &format!("Obligations ({currency})")),
                Column::number("coverage", "Coverage"),
                Column::text("state", "State"),
                Column::number("available", "Available"),
                Column::number("matched", "Lowest matched"),
                Column::text("matched_asset", "Of asset"),
            ],
            rows: rows.collect(),
            next: None,
            empty: Some("No price set is locked yet; `safu prices import` brings the first.".to_owned()),
        }],
        notes: vec!["Each day is judged by the policy in force on that day; the lines show the limits of today's.".to_owned()],
        ..Doc::default()
    })
}

fn row(point: &Point, terms: Option<&CoverageTerms>) -> Row {
    let to = link::coverage_on(point.day);
    let value = |known: &Result<Value, String>| match known {
        Ok(value) => Cell::value(*value),
        Err(why) => Cell::blank(why),
    };
    let cell = |key: &str| point.coverage.get(key).map_or_else(Cell::empty, fund::ratio_cell).to(&to);
    let (word, tone) = fund::judge(terms, ratio(point, "coverage"));
    let lowest = point.coverage.matched.first().map(|ratio: &Ratio| ratio.label.trim_start_matches("Matched ").to_owned());
    // One reason a row is enough.
    let beside = |key: &str| if ratio(point, "coverage").is_none() { Cell::empty() } else { cell(key) };
    Row::body(vec![
        Cell::date(point.day).to(link::price_set(point.day)),
        value(&point.coverage.fund_value).to(&to),
        Cell::value(point.coverage.obligations).to(&to),
        cell("coverage"),
        Cell::state(word, tone),
        beside("available"),
        beside("matched"),
        Cell::text(lowest.unwrap_or_default()),
    ])
}
