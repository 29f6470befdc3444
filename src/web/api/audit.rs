//! The audit log, the checks of the chain, and the pack for auditors.

use super::reports::{DOC, FORMAT, format_of, send};
use crate::domain::outcome::OutcomeCode;
use crate::service::audit::list::{FILTERS, Filter};
use crate::service::audit::pack::{Options, require_auditor};
use crate::service::audit::{check, docs};
use crate::store::error::StoreError;
use crate::web::blocking::block;
use crate::web::input::Input;
use crate::web::operation::{CURSOR, LIMIT, Method, Operation, Param, Success};
use crate::web::problem::{self, Failed};
use actix_web::HttpResponse;
use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};

const FROM: Param = Param::query("from", "First day, UTC.", "2019-05-01");
const TO: Param = Param::query("to", "Last day, UTC.", "2019-05-31");

/// Operations on the audit log.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        params: &[
            FROM,
            TO,
            Param::query("period", "The days of this month.", "2019-05"),
            Param::query("actor", "Who; the beginning is enough, so `key:` is every key.", "person:paula"),
            Param::query("kind", "Kind of record or fact, or its beginning up to a dot.", "policy"),
            Param::query("outcome", "`recorded` or `refused`.", "refused"),
            Param::query("subject", "What it is about contains this.", "INC-2019-001"),
            Param::query("text", "What was recorded contains this.", "theft"),
            FORMAT,
            CURSOR,
            LIMIT,
        ],
        route: |route| route.to(list),
        ..read(
            "/audit",
            "listAudit",
            "List the audit log",
            "Everything that was recorded and every refused command of a known caller, latest first, with who, what it changed, how it \
             ended and why. One answer looks through a bounded part of the log: `next` may be there though no line was found.",
        )
    },
    Operation {
        route: |route| route.to(checks),
        params: &[FORMAT],
        ..read("/audit/checks", "listChecks", "List checks of the chain", "Results, latest first, and how far a running one is.")
    },
    Operation {
        method: Method::Post,
        success: Success {
            status: 202,
            about: "The check runs; under the same key its result is the answer once it is there",
            media: "application/json",
            example: r#"{"state":"running","by":"key:auditor","started_at":"2019-06-01T12:00:00Z"}"#,
        },
        refusals: &[OutcomeCode::WrongState],
        route: |route| route.to(begin),
        ..read(
            "/audit/checks",
            "beginCheck",
            "Check the chain",
            "Replays the log and recomputes everything from it, in the background; nobody who writes waits for it. Has no body.",
        )
    },
    Operation {
        params: &[
            FROM,
            TO,
            Param::query("backdated_days", "Entries recorded more than this many days late are back-dated; 3 if not given.", "3"),
            Param::query("hours", "Office hours in UTC, Monday to Friday; 08:00-18:00 if not given.", "08:00-18:00"),
            Param::query("size", "The log as it was at this size; as it is now if not given.", "5120"),
        ],
        success: Success { status: 200, about: "The pack", media: "application/zip", example: "" },
        refusals: &[OutcomeCode::InvalidField],
        route: |route| route.to(pack),
        ..read(
            "/audit/pack",
            "getAuditPack",
            "Take the populations of a range along",
            "A ZIP with entries, reversals, back-dated and after-hours ones, approvals, roles, keys, policy changes, prices, closes and all \
             other facts, each as CSV with its number of rows and its hash in a manifest that names size and root of the log. For keys \
             that an auditor answers for.",
        )
    },
    Operation {
        params: &[Param::path("record", "Index of the record.", "814"), FORMAT],
        refusals: &[OutcomeCode::NotFound, OutcomeCode::InvalidField],
        route: |route| route.to(show),
        ..read(
            "/audit/records/{record}",
            "getAuditRecord",
            "Show one record",
            "With what it changed, its command, and its proof.",
        )
    },
];

const fn read(path: &'static str, id: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation {
        success: Success::json("The document", DOC),
        refusals: &[OutcomeCode::InvalidField],
        ..Operation::reading("Audit", path, [id, summary, about])
    }
}

async fn list(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    let (below, limit) = query.page()?;
    let mut named = Vec::new();
    for name in FILTERS {
        if let Some(value) = query.take(name)? {
            named.push((name.to_owned(), value));
        }
    }
    query.done()?;
    let filter = Filter::parse(&named)?;
    let book = input.state.book.clone();
    send(format, move || book.read(|conn| docs::page(conn, &filter, named, below, limit))).await
}

async fn show(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    query.done()?;
    let text = input.part("record");
    let wrong = || crate::domain::outcome::Rejection::invalid("/record", &text, "is not an index of a record");
    let leaf: i64 = text.parse().map_err(|_| wrong())?;
    let book = input.state.book.clone();
    send(format, move || book.audit_record(leaf)).await
}

async fn checks(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    query.done()?;
    let state = input.state.clone();
    send(format, move || state.book.read(|conn| check::doc(conn, Some(&state.checks)))).await
}

async fn begin(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    query.done()?;
    let checks = std::sync::Arc::clone(&input.state.checks);
    input.command(call, move |book, call| book.begin_check(call, &checks)).await
}

async fn pack(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let mut named = Vec::new();
    for name in Options::NAMES {
        if let Some(value) = query.take(name)? {
            named.push((name, value));
        }
    }
    query.done()?;
    let (book, caller) = (input.state.book.clone(), input.caller.clone());
    let made = block(move || {
        book.read(|conn| require_auditor(conn, &caller))?;
        let value = |name: &str| named.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        let options = Options::parse(&value)?;
        Ok::<_, StoreError>((options.file_name(), book.audit_pack_zip(&options)?))
    });
    let (file, bytes) = made.await.map_err(|error| problem::internal(&error))??;
    let parameters = vec![DispositionParam::Filename(file)];
    let disposition = ContentDisposition { disposition: DispositionType::Attachment, parameters };
    Ok(HttpResponse::Ok().content_type("application/zip").insert_header(disposition).body(bytes))
}
