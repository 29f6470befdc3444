//! The first screen: how the fund stands, what changed since the last close and why, what is open, how old the prices are.

use super::changes_in_fund::{self, Changes};
use super::coverage;
use super::coverage_history::{self, Point};
use crate::domain::period::Period;
use crate::report::doc::{Cell, Chart, ChartKind, Column, Doc, Figure, Row, Table, Tone};
use crate::report::fund::{self, Fund};
use crate::report::params::Params;
use crate::report::source::{BookFacts, CoverageTerms, FeedState, IncidentLine, PriceSet, ReportError, Source};
use crate::report::{link, registry};

/// Days after which prices ask for attention.
const PRICE_DAYS: i32 = 2;
/// Headline figures of the coverage report that stand here too.
const KEYS: [&str; 4] = ["fund_value", "coverage", "matched", "obligations"];

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("dashboard")?;
    let as_of = source.facts().as_of;
    let fund = Fund::load(source, as_of)?;
    let history = coverage_history::points(source, None, as_of)?;
    let changes = since_close(source)?;
    let incidents = source.incidents()?;
    let feeds = source.feeds()?;
    let mut figures: Vec<Figure> =
        coverage::figures(&fund).into_iter().filter(|figure| KEYS.contains(&figure.key.as_str())).collect();
    figures.extend(worst(&source.coverage_policies()?, &history));
    let facts = source.facts();
    figures.push(price_age(facts, fund.prices.as_ref()));
    let mut charts: Vec<Chart> = spark(&history).into_iter().collect();
    if !history.is_empty() {
        charts.push(coverage_history::chart(&history, fund.terms.as_ref()));
        charts.push(coverage_history::value_chart(&history, facts.currency()));
    }
    charts.extend(changes_in_fund::waterfall(facts, &changes.iter().collect::<Vec<_>>()));
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        finding: Some(finding(facts, &fund, &history)),
        basis: fund::basis(facts, report, params, fund.prices.as_ref()),
        figures,
        charts,
        tables: vec![open_incidents(facts, &incidents), late_feeds(&feeds)],
        notes: Vec::new(),
    })
}

/// How the fund stands; where nothing is owed any more, how it stood when it was tested.
fn finding(facts: &BookFacts, fund: &Fund, history: &[Point]) -> String {
    let now = coverage::finding(facts, &fund.coverage);
    let owed = fund.coverage.get("coverage").is_some_and(|ratio| ratio.value.is_ok());
    if owed || coverage_history::lowest(history, "coverage").is_none() {
        return now;
    }
    format!("{now} {}", coverage_history::finding(history))
}

/// The lowest coverage and the lowest matched ratio that the history has.
fn worst(policies: &[CoverageTerms], history: &[Point]) -> Vec<Figure> {
    let figure = |key: &str| {
        let (point, ratio) = coverage_history::lowest(history, key)?;
        let value = ratio.value.clone().ok()?;
        let state = if key == "coverage" {
            fund::judge(fund::terms_at(policies, point.day), Some(value))
        } else {
            coverage::matched_state(ratio)
        };
        let label = format!("Lowest {}", fund::lower_first(&ratio.label));
        let cell = fund::ratio_cell(ratio).to(link::coverage_on(point.day));
        Some(Figure::new(&format!("lowest_{key}"), &label, cell).state(Some(state)).hint(&format!("on {}", point.day)))
    };
    ["coverage", "matched"].into_iter().filter_map(figure).collect()
}

/// The months that no close has sealed yet, at most a statement's worth of them.
fn since_close(source: &mut dyn Source) -> Result<Vec<Changes>, ReportError> {
    let as_of = source.facts().as_of;
    let closed = source.closed_periods()?.last().and_then(|period| Period::parse(period));
    let all = changes_in_fund::changes(&source.movements(None, as_of)?, Period::of(as_of), None)?;
    let open: Vec<Changes> = all.into_iter().filter(|changes| closed.is_none_or(|closed| changes.period > closed)).collect();
    Ok(open)
}

fn spark(history: &[Point]) -> Option<Chart> {
    let known = |point: &Point| point.coverage.get("coverage").and_then(|ratio| ratio.value.clone().ok());
    let values: Vec<_> = history.iter().filter_map(known).collect();
    (values.len() > 1).then(|| Chart {
        id: "coverage".to_owned(),
        title: "Coverage".to_owned(),
        finding: "Coverage at each price set since something is owed.".to_owned(),
        kind: ChartKind::Spark { values, link: Some(link::report("coverage-history")) },
    })
}

fn price_age(facts: &BookFacts, prices: Option<&PriceSet>) -> Figure {
    let (cell, state) = match prices {
        None => (Cell::blank("no price set is locked"), ("missing".to_owned(), Tone::Bad)),
        Some(set) => {
            let days = fund::days_between(set.cutoff_on, facts.as_of);
            let state = match days {
                0 => ("of the day".to_owned(), Tone::Good),
                1 => ("1 day old".to_owned(), Tone::Good),
                days if days <= PRICE_DAYS => (format!("{days} days old"), Tone::Good),
                days => (format!("{days} days old"), Tone::Warn),
            };
            (Cell::date(set.cutoff_on).to(link::price_set(set.cutoff_on)), state)
        }
    };
    Figure::new("prices", "Prices of", cell).state(Some(state)).hint(prices.map_or("", |set| &set.source))
}

fn open_incidents(facts: &BookFacts, incidents: &[IncidentLine]) -> Table {
    let currency = facts.currency();
    let row = |incident: &IncidentLine| {
        let to = link::incident(&incident.code);
        Row::body(vec![
            Cell::text(&incident.code).to(&to),
            Cell::text(&incident.title),
            Cell::time(incident.occurred_at),
            Cell::state(incident.state.clone(), Tone::Warn),
            Cell::value(incident.reserve).to(&to),
            Cell::value(incident.gross).to(&to),
            Cell::value(incident.net).to(&to),
        ])
    };
    Table {
        id: "incidents".to_owned(),
        caption: "Open incidents".to_owned(),
        columns: vec![
            Column::text("incident", "Incident"),
            Column::text("title", "Title"),
            Column::text("occurred", "Happened"),
            Column::text("state", "State"),
            Column::number("reserve", &format!("Still owed ({currency})")),
            Column::number("gross", &format!("Gross loss ({currency})")),
            Column::number("net", &format!("Net loss ({currency})")),
        ],
        rows: incidents.iter().filter(|incident| incident.open).map(row).collect(),
        next: None,
        empty: Some("No incident is open.".to_owned()),
    }
}

fn late_feeds(feeds: &[FeedState]) -> Table {
    let row = |feed: &FeedState| {
        Row::body(vec![
            Cell::text(&feed.venue).to(link::contributions(&feed.venue)),
            feed.last.map_or_else(|| Cell::blank("none yet"), Cell::date),
            Cell::count(feed.missing).to(format!("{}#calendar", link::contributions(&feed.venue))),
            Cell::count(feed.waiting).to(format!("{}&state=quarantined#reports", link::contributions(&feed.venue))),
        ])
    };
    Table::new(
        "feeds",
        "Feeds of contributions that need a look",
        vec![
            Column::text("venue", "Venue"),
            Column::text("last", "Last report of"),
            Column::number("missing", "Missing days"),
            Column::number("waiting", "In quarantine"),
        ],
        feeds.iter().filter(|feed| feed.missing > 0 || feed.waiting > 0).map(row).collect(),
        "Every report that is due is there.",
    )
}
