//! All incidents.

use super::{amount, anchor, state, valued};
use crate::domain::amount::Value;
use crate::report::doc::{Cell, Chart, ChartKind, Column, Doc, Figure, Row, Table, Tone};
use crate::report::{fund, link};
use crate::service::at::At;
use crate::service::incidents::view::{self, Summary, sum};
use crate::service::refs::{FUNCTIONAL, Refs};
use crate::store::conn::Conn;
use crate::store::error::StoreError;

/// All incidents with what they cost and still owe, the newest first.
pub fn list(conn: &mut Conn, at: &At) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    let incidents = view::list(conn, at)?;
    let open = incidents.iter().filter(|incident| incident.life.state.is_open()).count();
    let owed = sum(incidents.iter().map(Summary::owed).collect::<Result<Vec<_>, _>>()?)?;
    Ok(Doc {
        name: "incidents".to_owned(),
        title: "Incidents".to_owned(),
        finding: Some(finding(incidents.len(), open, &amount(&refs, owed))),
        figures: if incidents.is_empty() { Vec::new() } else { figures(&incidents, open, owed)? },
        charts: chart(&refs, &incidents).into_iter().collect(),
        tables: vec![table(&refs, &incidents)?],
        ..Doc::default()
    })
}

fn figures(incidents: &[Summary], open: usize, owed: Value) -> Result<Vec<Figure>, StoreError> {
    let net = sum(incidents.iter().map(|incident| incident.loss.net))?;
    let figures = [
        ("open", "Open incidents", Cell::count(open).to("#incidents"), "of all ever declared or suspected"),
        ("owed", "Still owed", Cell::value(owed).to(link::coverage("obligations")), "carrying amount of what is not paid yet"),
        ("net_loss", "Net loss of all incidents", Cell::value(net).to("#incidents"), "gross loss less recoveries"),
    ];
    Ok(figures.into_iter().map(|(key, label, cell, hint)| Figure::new(key, label, cell).hint(hint)).collect())
}

fn finding(all: usize, open: usize, owed: &str) -> String {
    match (all, open) {
        (0, _) => "No incident has been declared or suspected.".to_owned(),
        (_, 0) => "No incident is open.".to_owned(),
        (_, 1) => format!("One incident is open; {owed} is still owed."),
        _ => format!("{open} incidents are open; {owed} is still owed."),
    }
}

/// Gross losses from large to small; one alone needs no comparison.
fn chart(refs: &Refs, incidents: &[Summary]) -> Option<Chart> {
    let mut losses: Vec<&Summary> = incidents.iter().filter(|incident| incident.loss.gross > Value::ZERO).collect();
    losses.sort_by_key(|incident| std::cmp::Reverse(incident.loss.gross));
    let largest = losses.first().filter(|_| losses.len() > 1)?;
    let bar = |incident: &&Summary| {
        (incident.code.clone(), fund::decimal(incident.loss.gross), Tone::Neutral, Some(link::incident(&incident.code)))
    };
    Some(Chart {
        id: "losses".to_owned(),
        title: "Gross loss by incident".to_owned(),
        finding: format!("The largest is {}: {}.", largest.code, largest.title),
        kind: ChartKind::Ranked { bars: losses.iter().map(bar).collect(), marker: None, unit: refs.code(FUNCTIONAL).to_owned() },
    })
}

fn table(refs: &Refs, incidents: &[Summary]) -> Result<Table, StoreError> {
    let row = |incident: &Summary| {
        let value = |value: Value, table: &str| Cell::value(value).to(anchor(&incident.code, table));
        Ok(Row::body(vec![
            Cell::code(&incident.code).to(link::incident(&incident.code)),
            Cell::text(&incident.title),
            Cell::text(incident.kind.title()),
            Cell::time(incident.occurred_at),
            state(incident.life.state),
            value(incident.loss.gross, "loss"),
            value(incident.loss.recovered, "recoveries"),
            value(incident.loss.net, "loss"),
            value(incident.owed()?, "reserves"),
        ]))
    };
    let rows: Result<Vec<Row>, StoreError> = incidents.iter().rev().map(row).collect();
    let columns = vec![
        Column::text("incident", "Incident"),
        Column::text("title", "What happened"),
        Column::text("kind", "Kind"),
        Column::text("occurred_at", "When"),
        Column::text("state", "State"),
        Column::number("gross_loss", &valued(refs, "Gross loss")),
        Column::number("recovered", &valued(refs, "Recovered")),
        Column::number("net_loss", &valued(refs, "Net loss")),
        Column::number("owed", &valued(refs, "Still owed")),
    ];
    let empty = "No incident so far. Declare one, or record a mere suspicion, with `safu incidents declare`.";
    Ok(Table::new("incidents", "All incidents, the newest first", columns, rows?, empty))
}
