//! Incidents as they are read: the same documents as on their pages.

use super::reports::{DOC, FORMAT, format_of, send};
use crate::domain::outcome::OutcomeCode;
use crate::report::doc::Doc;
use crate::service::at::At;
use crate::service::incidents::docs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::web::input::Input;
use crate::web::operation::{CURSOR, LIMIT, Operation, Param, Success};
use crate::web::problem::Failed;
use actix_web::{HttpResponse, Route};
use jiff::Timestamp;

const CODE: Param = Param::path("code", "Code of the incident.", "INC-2019-001");

/// Operations that read incidents.
pub(super) const OPERATIONS: &[Operation] = &[
    read(
        "/incidents",
        "listIncidents",
        "List incidents",
        "All incidents with their state, reserves and losses.",
        &[FORMAT],
        |route| route.to(list),
    ),
    read(
        "/incidents/{code}",
        "getIncident",
        "Show an incident",
        "Its life, estimates, reserves, claims, payouts, recoveries and statements.",
        &[CODE, FORMAT],
        |route| route.to(|input: Input| of_incident(input, docs::incident)),
    ),
    read(
        "/incidents/{code}/claims",
        "listClaims",
        "List the claims of an incident",
        "By number, with their states. `next` of the table goes on.",
        &[CODE, FORMAT, CURSOR, LIMIT],
        |route| route.to(claims),
    ),
    read(
        "/incidents/{code}/payouts",
        "listPayouts",
        "List the payout batches of an incident",
        "Each with its first transactions.",
        &[CODE, FORMAT],
        |route| route.to(|input: Input| of_incident(input, |conn, code, _| docs::payouts(conn, code, &At::NOW))),
    ),
];

/// An operation that reads; the fields that all of them share.
const fn read(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    about: &'static str,
    params: &'static [Param],
    route: fn(Route) -> Route,
) -> Operation {
    Operation {
        params,
        success: Success::json("The document", DOC),
        refusals: &[OutcomeCode::InvalidField, OutcomeCode::NotFound],
        route,
        ..Operation::reading("Incidents", path, [id, summary, about])
    }
}

async fn list(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    query.done()?;
    let book = input.state.book.clone();
    send(format, move || book.read(|conn| docs::list(conn, &At::NOW))).await
}

/// Makes a document of an incident as it stands at a moment.
type Make = fn(&mut Conn, &str, Timestamp) -> Result<Doc, StoreError>;

async fn of_incident(input: Input, make: Make) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    query.done()?;
    let (book, code) = (input.state.book.clone(), input.part("code"));
    send(format, move || book.read(|conn| make(conn, &code, book.clock.now()))).await
}

async fn claims(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    let (after, limit) = query.page()?;
    query.done()?;
    let (book, code) = (input.state.book.clone(), input.part("code"));
    send(format, move || book.read(|conn| docs::claims(conn, &code, after.unwrap_or(0), limit, &At::NOW))).await
}
