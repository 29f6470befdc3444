//! Whole fee reports: manifest and rows in, what became of them out.

use super::uploads::{Upload, parts};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::render::Format;
use crate::service::contributions::ageing::ageing;
use crate::service::contributions::calendar::calendars;
use crate::service::contributions::changes::{changed_rows_csv, restatement};
use crate::service::contributions::rejection::RejectReport;
use crate::service::contributions::view::{self, ReportFilter};
use crate::service::contributions::waiting::{ACCEPTED, QUARANTINED, REJECTED, SUPERSEDED};
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::web::blocking::block;
use crate::web::input::Input;
use crate::web::operation::{Access, CURSOR, LIMIT, Media, Method, Operation, Param, Shape, Success};
use crate::web::problem::{self, Failed};
use actix_web::{HttpResponse, Route};
use serde_json::json;

const ID: Param = Param::path("id", "Number of the report in the book.", "71");
const REPORT: &str = r#"{"id":71,"report_id":"spot-2019-05-07","venue":"spot","business_date":"2019-05-07","version":1,"supersedes":null,"state":"accepted","reason":"","rows":412,"entry":812,"control_totals":{"BTC":"1.25"},"contributions":{"BTC":"0.125"},"submitted_by":"key:fee-job","recorded_at":"2019-05-08T00:12:00Z","generated_at":"2019-05-08T00:10:00Z","sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","rows_root":"5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8","leaf":2041,"share":"0.1","price_set":"2019-05-07","stop":null,"totals":[{"asset":"BTC","control_total":"1.25","gross_fee":"1.3","rebate":"0.05","net_fee":"1.25","difference":"0","contribution":"0.125"}],"steps":[{"step":1,"state":"accepted","reason":"","problems":[],"because":null,"entry":812,"by":"key:fee-job","recorded_at":"2019-05-08T00:12:00Z","leaf":2042}]}"#;

/// Operations on fee reports.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Post,
        path: "/fee-reports",
        id: "submitFeeReport",
        tag: "Fee reports",
        access: Access::Feed,
        summary: "Submit a fee report",
        about: "The whole report is checked against its manifest before anything is recorded. 201: recorded, state `accepted` (or \
                `superseded` for a version that comes too late). 202: kept in quarantine, posted by itself once what it waits \
                for is there. A higher version restates the day by its difference. The same report, version and bytes again \
                give the first answer again, whatever the Idempotency-Key.",
        params: &[],
        body: &[Media {
            media: "multipart/form-data",
            example: "manifest: {\"schema\":\"safu-fee-report/1\",\"report_id\":\"spot-2019-05-07\",\"venue\":\"spot\",\
                      \"business_date\":\"2019-05-07\",\"version\":1,\"generated_at\":\"2019-05-08T00:10:00Z\",\"row_count\":1,\
                      \"control_totals\":{\"BTC\":\"1.25\"},\"sha256\":\"…\"}\n\n\
                      rows: venue,business_date,pair,fee_asset,trades,volume_base,volume_quote,gross_fee,rebate,net_fee\n\
                      spot,2019-05-07,BTC-USDT,BTC,812,1250.5,7315550.05,1.3,0.05,1.25\n",
            shape: Shape::Parts(&[
                ("manifest", "application/json", "What the file must hold; `safu contributions manifest FILE` writes one."),
                ("rows", "text/csv or application/x-ndjson", "One row a pair and fee asset."),
            ]),
        }],
        success: Success::created(
            "What became of the report",
            r#"{"id":71,"report_id":"spot-2019-05-07","venue":"spot","business_date":"2019-05-07","version":1,"state":"accepted","entry":812,"rows":1,"contributions":{"BTC":"0.125"},"share":"0.1","price_set":"2019-05-07"}"#,
        ),
        refusals: &[
            OutcomeCode::InvalidRow,
            OutcomeCode::HashMismatch,
            OutcomeCode::RowCountMismatch,
            OutcomeCode::TotalsMismatch,
            OutcomeCode::DuplicateRow,
            OutcomeCode::ReportConflict,
            OutcomeCode::WrongState,
            OutcomeCode::OutOfOrder,
            OutcomeCode::UnknownAsset,
            OutcomeCode::UnknownVenue,
            OutcomeCode::PolicyMissing,
            OutcomeCode::RateOutlier,
        ],
        route: |route| route.to(submit),
    },
    read(
        "/fee-reports",
        "listFeeReports",
        "List fee reports",
        "Newest first, with where each stands.",
        &[
            Param::query("venue", "Only this venue.", "spot"),
            Param::query("state", "Only `accepted`, `quarantined`, `superseded` or `rejected` ones.", "quarantined"),
            Param::query("from", "Only business dates from this day.", "2019-05-01"),
            Param::query("until", "Only business dates until this day.", "2019-05-31"),
            CURSOR,
            LIMIT,
        ],
        Success::json(
            "A page of reports",
            r#"{"items":[{"id":71,"report_id":"spot-2019-05-07","venue":"spot","business_date":"2019-05-07","version":1,"supersedes":null,"state":"accepted","reason":"","rows":412,"entry":812,"control_totals":{"BTC":"1.25"},"contributions":{"BTC":"0.125"},"submitted_by":"key:fee-job","recorded_at":"2019-05-08T00:12:00Z"}],"next":70}"#,
        ),
        |route| route.to(list),
    ),
    read(
        "/fee-reports/{id}",
        "getFeeReport",
        "Show a fee report",
        "The report with its totals by asset, every step of its life and what it posted.",
        &[ID],
        Success::json("The report", REPORT),
        |route| route.to(show),
    ),
    Operation {
        method: Method::Post,
        path: "/fee-reports/{id}/rejection",
        id: "rejectFeeReport",
        tag: "Fee reports",
        access: Access::Operate,
        summary: "Reject a report that is in quarantine",
        about: "Ends the quarantine whatever its reason: a report held as a contradiction, or one that waits for a price or a \
                version. It will never be posted; its rows and steps stay. Reports that it held up may post, and are listed in \
                `moved`. What it should have said comes as a higher version. A posted report is not rejected but restated.",
        params: &[ID],
        body: &[Media::json::<RejectReport>(r#"{"reason":"Sent twice by the job of 8 May; the first file is right"}"#)],
        success: Success::created(
            "The report as it stands now",
            r#"{"id":72,"report_id":"spot-2019-05-07","venue":"spot","business_date":"2019-05-07","version":1,"state":"rejected","reason":"by-hand","entry":null,"because":"Sent twice by the job of 8 May; the first file is right","moved":[]}"#,
        ),
        refusals: &[OutcomeCode::NotFound, OutcomeCode::WrongState],
        route: |route| route.to(reject),
    },
    read(
        "/fee-reports/{id}/rows",
        "listFeeReportRows",
        "List the rows of a fee report",
        "In the order of the file. A report that was refused when it came keeps no rows.",
        &[ID, CURSOR, LIMIT],
        Success::json(
            "A page of rows",
            r#"{"items":[{"line":1,"pair":"BTC-USDT","fee_asset":"BTC","trades":812,"volume_base":"1250.5","volume_quote":"7315550.05","gross_fee":"1.3","rebate":"0.05","net_fee":"1.25"}],"next":1}"#,
        ),
        |route| route.to(list_rows),
    ),
    read(
        "/fee-reports/{id}/changes",
        "getRestatement",
        "Compare a version with the one it replaced",
        "What it changes by asset, and up to 1,000 of the rows that differ; null for a first version. Versions of more than 20,000 \
         rows are not compared row by row here: `rows_changed` and `rows_left_off` are null then. `left_off` says what is left \
         off and how to get it, and is null if nothing is.",
        &[ID],
        Success::json(
            "The difference",
            r#"{"previous":{"id":71,"version":1},"contributions":[{"asset":"BTC","before":"0.125","after":"0.15","difference":"0.025"}],"rows":[{"kind":"changed","pair":"BTC-USDT","fee_asset":"BTC","before":["1.3","0.05","1.25"],"after":["1.5","0","1.5"]}],"rows_changed":1,"rows_left_off":0,"left_off":null}"#,
        ),
        |route| route.to(changes),
    ),
    read(
        "/fee-reports/{id}/changed-rows",
        "listChangedRows",
        "Get every row that differs from the version that was replaced",
        "All of them with all their figures before and now, however many they are.",
        &[ID],
        Success {
            status: 200,
            about: "The rows as CSV",
            media: "text/csv",
            example: "change,pair,fee_asset,trades_before,trades_after,volume_base_before,volume_base_after,\
                      volume_quote_before,volume_quote_after,gross_fee_before,gross_fee_after,rebate_before,rebate_after,\
                      net_fee_before,net_fee_after\nchanged,BTC-USDT,BTC,812,812,1250.5,1250.5,7315550.05,7315550.05,1.3,1.5,0.05,0,1.25,1.5\n",
        },
        |route| route.to(changed_rows),
    ),
    read(
        "/fee-reports/{id}/failed-rows",
        "listFailedRows",
        "Get the failed rows of a refused report",
        "Exactly the rows that are wrong, as they stood in the file, with what is wrong.",
        &[ID],
        Success {
            status: 200,
            about: "The rows as CSV",
            media: "text/csv",
            example: "row,column,value,problem,line\n17,net_fee,1e5,write a plain decimal number,\"spot,2019-05-07,…\"\n",
        },
        |route| route.to(failed_rows),
    ),
    read(
        "/calendar",
        "getCalendar",
        "Show which reports are due and how each day stands",
        "One list of days a venue: `not-due`, `accepted`, `late`, `stale`, `quarantined` or `missing`.",
        &[
            Param::query("venue", "Only this venue.", "spot"),
            Param::query("from", "From this day; the venue's first due day at the earliest.", "2019-05-01"),
            Param::query("until", "Until this day; today where none is given.", "2019-05-31"),
        ],
        Success::json(
            "The calendars",
            r#"{"items":[{"venue":"spot","days":[{"date":"2019-05-07","state":"accepted","due_at":"2019-05-09T00:00:00Z","posted_version":1,"newest_version":1,"first_received_at":"2019-05-08T00:12:00Z","report":71}]}]}"#,
        ),
        |route| route.to(show_calendar),
    ),
    read(
        "/receivables",
        "getReceivables",
        "Show what venues still have to settle",
        "The contributions receivable by asset and business date, with its age.",
        &[
            Param::query("as_of", "Entries up to this business date count; today where none is given.", "2019-05-07"),
            Param::query("known_at", "The book as it was known at this moment.", "2019-05-08T00:00:00Z"),
        ],
        Success::json(
            "What is open",
            r#"{"items":[{"asset":"BTC","quantity":"0.125","value":"731.26","open":[{"asset":"BTC","date":"2019-05-07","age_days":3,"bucket":"0-30 days","quantity":"0.125","value":"731.26","entries":[812]}]}]}"#,
        ),
        |route| route.to(show_ageing),
    ),
];

/// An operation that reads; the fields that all of them share.
const fn read(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    about: &'static str,
    params: &'static [Param],
    success: Success,
    route: fn(Route) -> Route,
) -> Operation {
    Operation {
        access: Access::AnyKey,
        params,
        success,
        refusals: &[OutcomeCode::InvalidField, OutcomeCode::NotFound, OutcomeCode::WrongState, OutcomeCode::UnknownVenue],
        route,
        ..Operation::reading("Fee reports", path, [id, summary, about])
    }
}

async fn submit(mut input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    query.done()?;
    let state = input.state.clone();
    let Upload { permit: _permit, mut parts } = parts(&mut input, &state, &["manifest", "rows"]).await?;
    let (manifest, rows) = (parts.need("manifest")?.bytes, parts.need("rows")?.bytes);
    let counted = input.state.clone();
    input
        .command(call, move |book, call| {
            let reply = book.submit_report(call, &manifest, rows)?;
            if reply.is_success() && !reply.replayed && !call.dry_run {
                counted.metrics.report_recorded();
            }
            Ok(reply)
        })
        .await
}

async fn list(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let venue = query.take("venue")?;
    let known = |text: &str| [ACCEPTED, QUARANTINED, SUPERSEDED, REJECTED].contains(&text).then(|| text.to_owned());
    let state = query.take_as("state", "write accepted, quarantined, superseded or rejected", known)?;
    let (from, until) = (query.day("from")?, query.day("until")?);
    let (cursor, limit) = query.page()?;
    query.done()?;
    let filter = ReportFilter { venue, state, from, until, known_at: None, cursor, limit };
    input.read(move |conn| view::reports(conn, &filter)).await
}

async fn show(input: Input) -> Result<HttpResponse, Failed> {
    input.query()?.done()?;
    let id = number(&input)?;
    input.read(move |conn| view::report(conn, id)).await
}

async fn reject(input: Input) -> Result<HttpResponse, Failed> {
    let id = number(&input)?;
    input.post(move |book, call, body: RejectReport| book.reject_report(call, id, body)).await
}

async fn list_rows(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let (cursor, limit) = query.page()?;
    query.done()?;
    let id = number(&input)?;
    input.read(move |conn| view::rows(conn, id, cursor, limit)).await
}

async fn changes(input: Input) -> Result<HttpResponse, Failed> {
    input.query()?.done()?;
    let id = number(&input)?;
    input.read(move |conn| restatement(conn, id)).await
}

async fn failed_rows(input: Input) -> Result<HttpResponse, Failed> {
    input.query()?.done()?;
    csv(input, view::failed_rows_csv).await
}

async fn changed_rows(input: Input) -> Result<HttpResponse, Failed> {
    input.query()?.done()?;
    csv(input, changed_rows_csv).await
}

/// A CSV about the report in the path.
async fn csv(input: Input, make: fn(&mut Conn, i64) -> Result<String, StoreError>) -> Result<HttpResponse, Failed> {
    let (id, book) = (number(&input)?, input.state.book.clone());
    let csv = block(move || book.read(|conn| make(conn, id))).await;
    let csv = csv.map_err(|error| problem::internal(&error))??;
    Ok(HttpResponse::Ok().content_type(Format::Csv.media_type()).body(csv))
}

async fn show_calendar(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let venue = query.take("venue")?;
    let (from, until) = (query.day("from")?, query.day("until")?);
    query.done()?;
    let clock = input.state.book.clock.clone();
    input
        .read(move |conn| {
            let now = clock.now();
            let until = until.unwrap_or_else(|| clock.today());
            let venues = calendars(conn, venue.as_deref(), from, until, now)?;
            let shown = venues.iter().map(|calendar| json!({"venue": calendar.venue, "days": calendar.to_json()}));
            Ok(json!({"items": shown.collect::<Vec<_>>()}))
        })
        .await
}

async fn show_ageing(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let as_of = query.day("as_of")?;
    let known_at = query.take_as("known_at", "write a moment as 2019-05-08T12:00:00Z", |text| text.parse().ok())?;
    query.done()?;
    let today = input.state.book.clock.today();
    input
        .read(move |conn| {
            let refs = Refs::load(conn)?;
            let assets = ageing(conn, as_of.unwrap_or(today), known_at)?;
            let shown = assets.iter().map(|one| {
                json!({
                    "asset": refs.code(one.asset),
                    "quantity": one.quantity.to_text(refs.scale(one.asset)),
                    "value": one.value.to_string(),
                    "open": one.items.iter().map(|item| item.to_json(&refs)).collect::<Vec<_>>(),
                })
            });
            Ok(json!({"items": shown.collect::<Vec<_>>()}))
        })
        .await
}

/// The number of the report in the path.
fn number(input: &Input) -> Result<i64, Failed> {
    let text = input.part("id");
    let missing = || Rejection::new(OutcomeCode::NotFound, "id", &text, "there is no fee report of this number");
    Ok(text.parse().map_err(|_| missing())?)
}
