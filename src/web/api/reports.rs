//! The reports of the registry, as data.

use crate::domain::outcome::OutcomeCode;
use crate::report::doc::Doc;
use crate::report::registry::REPORTS;
use crate::report::render::{Format, Look, render};
use crate::store::error::StoreError;
use crate::store::log;
use crate::web::blocking::block;
use crate::web::input::{Input, Query};
use crate::web::operation::{Access, CURSOR, LIMIT, Method, Operation, Param, Success};
use crate::web::problem::{self, Failed};
use crate::web::report_cache::Sent;
use actix_web::HttpResponse;
use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use serde_json::json;

/// How a document is written.
pub(super) const FORMAT: Param =
    Param::query("format", "`json` (default), `csv` (the main table), `xlsx` or `table` (text).", "json");

/// A document as JSON, for examples.
pub(super) const DOC: &str = r#"{"name":"coverage","title":"Coverage","finding":null,"basis":{"as_of":"2019-05-07","known_at":null,"prices":null,"filters":{}},"figures":[],"tables":[],"notes":[]}"#;

/// Operations on reports.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: "/reports",
        id: "listReports",
        tag: "Reports",
        access: Access::Operate,
        summary: "List the reports",
        about: "Every report with its own parameters.",
        params: &[],
        body: &[],
        success: Success::json(
            "The reports",
            r#"{"items":[{"name":"coverage","title":"Coverage","about":"What the fund is worth against what it owes","params":[{"name":"from","title":"From","required":false}]}]}"#,
        ),
        refusals: &[],
        route: |route| route.to(list),
    },
    Operation {
        method: Method::Get,
        path: "/reports/{name}",
        id: "getReport",
        tag: "Reports",
        access: Access::Operate,
        summary: "Make a report",
        about: "Figures, tables and what they rest on, exactly as the page of the same name shows them. Besides the parameters \
                here each report has its own; the list of reports names them.",
        params: &[
            Param::path("name", "Name of the report.", "coverage"),
            Param::query(
                "as_of",
                "Entries up to this business date count; the last day of the book where none is given.",
                "2019-05-07",
            ),
            Param::query("known_at", "The book as it was known at this moment.", "2019-05-08T00:00:00Z"),
            Param::query(
                "compare_as_of",
                "Puts the report as of this day beside it: every figure before, after, and the difference. Lists have to fit one page.",
                "2019-04-30",
            ),
            Param::query(
                "compare_known_at",
                "The same as it was known at this moment; alone it shows what became known since.",
                "2019-05-01T00:00:00Z",
            ),
            FORMAT,
            CURSOR,
            LIMIT,
        ],
        body: &[],
        success: Success::json("The report", DOC),
        refusals: &[OutcomeCode::InvalidField, OutcomeCode::NotFound, OutcomeCode::UnknownAsset, OutcomeCode::UnknownAccount],
        route: |route| route.to(make),
    },
];

async fn list(input: Input) -> Result<HttpResponse, Failed> {
    input.query()?.done()?;
    let items: Vec<_> = REPORTS
        .iter()
        .map(|report| {
            let params = report.params.iter().map(|p| json!({"name": p.name, "title": p.title, "required": p.required}));
            json!({
                "name": report.name, "title": report.title, "about": report.about, "params": params.collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(HttpResponse::Ok().content_type("application/json").body(json!({"items": items}).to_string()))
}

async fn make(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    let pairs = query.into_pairs()?;
    let state = input.state.clone();
    let address = format!("{}?{}", input.request.path(), input.request.query_string());
    // Read before the report is made: a commit in between makes the kept one stale, never the other way round.
    let version = {
        let book = state.book.clone();
        input.look_up(move || book.read(log::version)).await?
    };
    if let Some(sent) = state.reports.find(&address, version, state.uptime()) {
        return Ok(answer(sent));
    }
    let (name, book) = (input.part("name"), state.book.clone());
    let sent = written(format, move || book.report(&name, &pairs)).await?;
    state.reports.keep(address, version, state.uptime(), &sent);
    Ok(answer(sent))
}

/// The format that is asked for; JSON where none is.
pub(super) fn format_of(query: &mut Query) -> Result<Format, Failed> {
    Ok(query.take_as("format", "write json, csv, xlsx or table", Format::parse)?.unwrap_or(Format::Json))
}

/// Makes a document away from the worker and answers with it in this format.
pub(super) async fn send<F>(format: Format, make: F) -> Result<HttpResponse, Failed>
where
    F: FnOnce() -> Result<Doc, StoreError> + Send + 'static,
{
    written(format, make).await.map(answer)
}

async fn written<F>(format: Format, make: F) -> Result<Sent, Failed>
where
    F: FnOnce() -> Result<Doc, StoreError> + Send + 'static,
{
    let made = block(move || {
        let doc = make()?;
        let bytes = render(&doc, format, Look::default()).map_err(|error| problem::internal(&error))?;
        let file_name = (format != Format::Json).then(|| format.file_name(&doc));
        Ok::<_, Failed>(Sent { media: format.media_type(), file_name, bytes: bytes.into() })
    });
    made.await.map_err(|error| problem::internal(&error))?
}

fn answer(sent: Sent) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type(sent.media);
    if let Some(name) = sent.file_name {
        let parameters = vec![DispositionParam::Filename(name)];
        response.insert_header(ContentDisposition { disposition: DispositionType::Attachment, parameters });
    }
    response.body(sent.bytes)
}
