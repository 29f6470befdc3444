//! One incident: what it cost and still owes, its life with dates and clocks, claims, payouts, estimates, recoveries, statements.

use super::tables::Tables;
use super::{amount, anchor, charts, payouts, state};
use crate::report::doc::{Cell, Doc, Figure};
use crate::report::{format, link};
use crate::service::at::At;
use crate::service::incidents::view::{self, IncidentView};
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use jiff::Timestamp;

/// The document of an incident as it stands `now`.
///
/// # Errors
/// `NotFound`.
pub fn incident(conn: &mut Conn, code: &str, now: Timestamp) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    document(&refs, &view::incident(conn, code, &At::NOW)?, now)
}

/// The document of an incident that is read already.
///
/// # Errors
/// `Damaged` when a sum does not fit.
pub fn document(refs: &Refs, shown: &IncidentView, now: Timestamp) -> Result<Doc, StoreError> {
    let code = shown.summary.code.as_str();
    let tables = Tables { refs, shown };
    let mut charts = charts::estimates(code, shown);
    charts.extend(charts::progress(refs, shown));
    Ok(Doc {
        name: format!("incident-{}", code.to_ascii_lowercase()),
        title: format!("{code}: {}", shown.summary.title),
        finding: Some(finding(refs, shown)?),
        figures: figures(shown, now)?,
        charts,
        tables: vec![
            tables.loss(),
            tables.reserves()?,
            tables.claims(),
            payouts::table(refs, code, &shown.batches),
            tables.estimates(),
            tables.steps(),
            tables.statements(),
            tables.recoveries(),
            tables.traced(),
            tables.files(),
        ],
        notes: vec![
            "Gross loss is accounts 5100 to 5140; recoveries are shown apart and never netted in the books.".to_owned(),
            "Traced and frozen funds are memo figures: they are in no total until a recovery is virtually certain.".to_owned(),
        ],
        ..Doc::default()
    })
}

fn finding(refs: &Refs, shown: &IncidentView) -> Result<String, StoreError> {
    let (summary, claims) = (&shown.summary, &shown.claims);
    let kind = summary.kind.title();
    if summary.loss.gross.is_zero() {
        return Ok(format!("{kind}; {}, nothing is in the books yet.", summary.life.state.title().to_lowercase()));
    }
    let paid = match claims.count {
        0 => String::new(),
        all => format!(" {} of {} paid.", format::count(claims.paid_count), format::how_many(all, "claim", "claims")),
    };
    let owed = summary.owed()?;
    let left =
        if owed.is_zero() { "nothing is owed any more".to_owned() } else { format!("{} is still owed", amount(refs, owed)) };
    let (gross, net) = (amount(refs, summary.loss.gross), amount(refs, summary.loss.net));
    Ok(format!("{kind}. It cost {gross} gross, {net} net of recoveries; {left}.{paid}"))
}

fn figures(shown: &IncidentView, now: Timestamp) -> Result<Vec<Figure>, StoreError> {
    let (summary, claims) = (&shown.summary, &shown.claims);
    let to = |table: &str| anchor(&summary.code, table);
    let figure = |key: &str, label: &str, cell: Cell, hint: &str| Figure::new(key, label, cell).hint(hint);
    let since = format!("since {}", format::instant(summary.since));
    let since = match summary.life.state.is_open() {
        true => format!("{since}, {} ago", format::span(now.duration_since(summary.since))),
        false => since,
    };
    let above = if summary.loss.above_loss.is_zero() { "" } else { "the part above the loss is income, not less loss" };
    let (gross, recovered) = (Cell::value(summary.loss.gross), Cell::value(summary.loss.recovered));
    let all = format::how_many(claims.count, "claim", "claims");
    Ok(vec![
        figure("state", "State", state(summary.life.state).to(to("steps")), &since),
        figure("gross_loss", "Gross loss", gross.to(to("loss")), "what the fund took upon itself"),
        figure("recovered", "Recovered", recovered.to(to("recoveries")), above),
        figure("net_loss", "Net loss", Cell::value(summary.loss.net).to(to("loss")), "gross less recovered"),
        figure("owed", "Still owed", Cell::value(summary.owed()?).to(to("reserves")), "provisions and approved claims"),
        figure(
            "paid",
            "Claims paid",
            Cell::count(claims.paid_count).to(link::claims(&summary.code)),
            &format!("of {all}, {} approved", format::count(claims.approved_count)),
        ),
    ])
}
