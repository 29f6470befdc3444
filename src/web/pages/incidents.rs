//! The list of incidents.

use super::cells::{code, state, table, time};
use super::{Asked, Page};
use crate::domain::amount::Value;
use crate::domain::incident::life::State;
use crate::report::doc::{Cell, Chart, ChartKind, Column, Content, Doc, Figure, Row, Table, Tone};
use crate::report::{format, link};
use crate::service::incidents::view::{self, Summary};
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section};
use rust_decimal::Decimal;

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let incidents = asked.book.read(view::list)?;
    Ok(Page { context: asked.context(Section::Incidents), doc: doc(&incidents, asked.currency)?, extras: Extras::default() })
}

/// True while something may still be owed.
pub(super) const fn is_open(state: State) -> bool {
    !matches!(state, State::Closed | State::Rejected)
}

/// The word for a state.
pub(super) const fn word(state: State) -> &'static str {
    match state {
        State::Suspected => "Suspected",
        State::Declared => "Declared",
        State::Assessed => "Assessed",
        State::Recognised => "Recognised",
        State::ClaimsOpen => "Claims open",
        State::Paying => "Paying",
        State::Closed => "Closed",
        State::Rejected => "No incident",
        State::Reopened => "Reopened",
    }
}

/// How urgent a state is.
pub(super) const fn tone(state: State) -> Tone {
    match state {
        State::Suspected | State::Declared | State::Assessed | State::Reopened => Tone::Bad,
        State::Recognised | State::ClaimsOpen | State::Paying => Tone::Warn,
        State::Closed => Tone::Good,
        State::Rejected => Tone::Neutral,
    }
}

/// What is owed for an incident in functional value.
pub(super) fn reserve(incident: &Summary) -> Result<Value, StoreError> {
    sum(incident.reserves.iter().map(|reserve| reserve.amounts.value))
}

/// A sum of values.
pub(super) fn sum(values: impl IntoIterator<Item = Value>) -> Result<Value, StoreError> {
    Value::checked_sum(values).ok_or_else(|| StoreError::Damaged("a sum over incidents does not fit".to_owned()))
}

fn doc(incidents: &[Summary], currency: &str) -> Result<Doc, StoreError> {
    let open = incidents.iter().filter(|incident| is_open(incident.life.state)).count();
    let owed = sum(incidents.iter().map(reserve).collect::<Result<Vec<_>, _>>()?)?;
    let net = sum(incidents.iter().map(|incident| incident.loss.net))?;
    let figures = [
        ("open", "Open incidents", super::cells::count(open).to("#incidents"), "of all ever declared or suspected"),
        ("reserve", "Still owed", Cell::value(owed).to(link::coverage("obligations")), "carrying amount of what is not paid yet"),
        ("net_loss", "Net loss of all incidents", Cell::value(net).to("#incidents"), "gross loss less recoveries"),
    ];
    let figures = figures.into_iter().map(|(key, label, cell, hint)| Figure {
        key: key.to_owned(),
        label: label.to_owned(),
        cell,
        state: None,
        formula: None,
        parts: None,
        hint: Some(hint.to_owned()),
    });
    Ok(Doc {
        name: "incidents".to_owned(),
        title: "Incidents".to_owned(),
        finding: Some(finding(incidents.len(), open, owed, currency)),
        figures: if incidents.is_empty() { Vec::new() } else { figures.collect() },
        charts: chart(incidents, currency).into_iter().collect(),
        tables: vec![list(incidents, currency)?],
        ..Doc::default()
    })
}

fn finding(all: usize, open: usize, owed: Value, currency: &str) -> String {
    let owed = format::compact(decimal(owed));
    match (all, open) {
        (0, _) => "No incident has been declared or suspected.".to_owned(),
        (_, 0) => "No incident is open.".to_owned(),
        (_, 1) => format!("One incident is open; {owed} {currency} is still owed."),
        _ => format!("{open} incidents are open; {owed} {currency} is still owed."),
    }
}

/// A functional value for charts and sentences; what does not fit is drawn at zero.
pub(super) fn decimal(value: Value) -> Decimal {
    Decimal::try_from_i128_with_scale(value.minor(), u32::from(crate::domain::amount::VALUE_SCALE)).unwrap_or_default()
}

/// Gross losses from large to small; one alone needs no comparison.
fn chart(incidents: &[Summary], currency: &str) -> Option<Chart> {
    let mut losses: Vec<&Summary> = incidents.iter().filter(|incident| incident.loss.gross > Value::ZERO).collect();
    losses.sort_by_key(|incident| std::cmp::Reverse(incident.loss.gross));
    let largest = losses.first().filter(|_| losses.len() > 1)?;
    let bar = |incident: &&Summary| {
        (incident.code.clone(), decimal(incident.loss.gross), Tone::Neutral, Some(link::incident(&incident.code)))
    };
    Some(Chart {
        id: "losses".to_owned(),
        title: "Gross loss by incident".to_owned(),
        finding: format!("The largest is {}: {}.", largest.code, largest.title),
        kind: ChartKind::Ranked { bars: losses.iter().map(bar).collect(), marker: None, unit: currency.to_owned() },
    })
}

/// The table of incidents, the newest first.
pub(super) fn list(incidents: &[Summary], currency: &str) -> Result<Table, StoreError> {
    let row = |incident: &Summary| {
        let to = link::incident(&incident.code);
        let amount = |value: Value, anchor: &str| Cell::value(value).to(format!("{to}#{anchor}"));
        Ok(Row::body(vec![
            code(&incident.code).to(&to),
            Cell::text(&incident.title),
            Cell::text(incident.kind.title()),
            time(incident.occurred_at),
            state(word(incident.life.state), tone(incident.life.state)),
            amount(incident.loss.gross, "loss"),
            amount(incident.loss.recovered, "recoveries"),
            amount(incident.loss.net, "loss"),
            amount(reserve(incident)?, "reserve"),
        ]))
    };
    let rows: Result<Vec<Row>, StoreError> = incidents.iter().rev().map(row).collect();
    let columns = vec![
        Column::text("incident", "Incident"),
        Column::text("title", "What happened"),
        Column::text("kind", "Kind"),
        Column::text("occurred_at", "When"),
        Column::text("state", "State"),
        Column::number("gross_loss", &format!("Gross loss ({currency})")),
        Column::number("recovered", &format!("Recovered ({currency})")),
        Column::number("net_loss", &format!("Net loss ({currency})")),
        Column::number("reserve", &format!("Still owed ({currency})")),
    ];
    let empty = "No incident so far. Declare one with `safu incidents declare`, or record a mere suspicion with it.";
    Ok(table("incidents", "All incidents, the newest first", columns, rows?, empty))
}

/// An asset's units as a chart's number.
pub(super) fn units(quantity: crate::domain::amount::Quantity, scale: u8) -> Decimal {
    Decimal::try_from_i128_with_scale(quantity.minor(), u32::from(scale)).unwrap_or_default()
}

/// A word for how many: `1 claim`, `20,000 claims`.
pub(super) fn how_many(count: i64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A count for sentences.
pub(super) fn grouped(count: i64) -> String {
    format::show(&Content::Count(count), format::Style::default()).plain()
}
