//! Manual entries, their templates, and evidence.

use super::reports::{DOC, FORMAT, format_of, send};
use super::uploads::{Upload, parts};
use crate::domain::outcome::OutcomeCode;
use crate::service::entries::ManualEntry;
use crate::service::entries::template::{self, EntryTemplate};
use crate::service::evidence::{self, AttachEvidence, GivenFile};
use crate::web::blocking::block;
use crate::web::evidence::download;
use crate::web::input::Input;
use crate::web::operation::{CURSOR, LIMIT, Media, Method, Operation, Param, Shape, Success};
use crate::web::problem::{Failed, internal};
use actix_web::HttpResponse;
use serde_json::json;

const FILE: &str = r#"{"sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","kind":"pdf","name":"Invoice 7.pdf","bytes":51234}"#;

/// Operations on manual entries and evidence.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        body: &[Media::json::<ManualEntry>(
            r#"{"on":"2019-05-10","memo":"Custody fee of April","reason":"The custodian bills in arrears; there is no event for it","lines":[{"account":5210,"asset":"USD","side":"debit","units":"1250.00"},{"account":2300,"asset":"USD","side":"credit","units":"1250.00"}],"evidence":["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}"#,
        )],
        success: Success::created("The entry as it was posted", entry!()),
        refusals: &[
            OutcomeCode::ApprovalNeeded,
            OutcomeCode::NotFound,
            OutcomeCode::PeriodClosed,
            OutcomeCode::UnknownAsset,
            OutcomeCode::UnknownWallet,
            OutcomeCode::UnknownAccount,
            OutcomeCode::InsufficientUnits,
            OutcomeCode::AboveLimit,
        ],
        route: |route| route.to(|input: Input| input.post(|book, call, body: ManualEntry| book.post_manual(call, body))),
        ..command(
            "/entries",
            "postManualEntry",
            "Post a manual entry",
            "For what no other event covers. Accounts that a sub-ledger adds up to take none; the refusal names what to use instead. \
             Above a limit of the approval terms it needs evidence, which is added before.",
        )
    },
    Operation {
        body: &[Media::json::<EntryTemplate>(
            r#"{"name":"Custody fee","memo":"Custody fee","reason":"The custodian bills in arrears","lines":[{"account":5210,"asset":"USD","side":"debit"},{"account":2300,"asset":"USD","side":"credit"}]}"#,
        )],
        success: Success::created("The template", r#"{"fact":93,"name":"Custody fee","lines":2}"#),
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::NotFound, OutcomeCode::AboveLimit],
        route: |route| route.to(|input: Input| input.post(|book, call, body: EntryTemplate| book.save_template(call, body))),
        ..command(
            "/entry-templates",
            "saveEntryTemplate",
            "Keep a template of an entry",
            "Replaces the one of its name; without lines it retires it.",
        )
    },
    Operation {
        success: Success::json(
            "The templates by name",
            r#"{"items":[{"name":"Custody fee","memo":"Custody fee","reason":"","lines":[{"account":5210,"asset":"USD","side":"debit"}]}]}"#,
        ),
        route: |route| {
            route.to(|input: Input| async move {
                input.query()?.done()?;
                input.read(|conn| Ok(json!({"items": template::all(conn)?}))).await
            })
        },
        ..read("/entry-templates", "listEntryTemplates", "List templates of entries", "Those that are not retired, by name.")
    },
    Operation {
        body: &[Media {
            media: "multipart/form-data",
            example: "file: the bytes of `Invoice 7.pdf`",
            shape: Shape::Parts(&[("file", "any", "The file with its name; pdf, png, jpg, csv, txt, json, xlsx, docx or eml.")]),
        }],
        success: Success::created("The file; 200 if it is there already", FILE),
        refusals: &[OutcomeCode::ApprovalNeeded],
        route: |route| route.to(add),
        ..command(
            "/evidence",
            "addEvidence",
            "Add a file of evidence",
            "Kept once by the SHA-256 of its content. What it is, its content says; its name is kept as data only. At most 10 MiB.",
        )
    },
    Operation {
        params: &[FORMAT, CURSOR, LIMIT],
        success: Success::json("The document", DOC),
        route: |route| route.to(list),
        ..read("/evidence", "listEvidence", "List evidence", "Latest first.")
    },
    Operation {
        body: &[Media::json::<AttachEvidence>(
            r#"{"sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","subject":"entry/814","note":"The invoice"}"#,
        )],
        success: Success::created(
            "The attachment",
            r#"{"fact":94,"subject":"entry/814","sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}"#,
        ),
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::NotFound, OutcomeCode::AlreadyExists],
        route: |route| route.to(|input: Input| input.post(|book, call, body: AttachEvidence| book.attach_evidence(call, body))),
        ..command(
            "/evidence/attachments",
            "attachEvidence",
            "Attach evidence",
            "To an entry, a proposal or an incident that is there.",
        )
    },
    Operation {
        params: &[Param::path(
            "sha256",
            "SHA-256 of the content, hex.",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        )],
        success: Success {
            status: 200,
            about: "The file, as a download",
            media: "application/octet-stream",
            example: "%PDF-1.7",
        },
        refusals: &[OutcomeCode::NotFound],
        route: |route| {
            route.to(|input: Input| async move {
                input.query()?.done()?;
                let (hash, book) = (input.part("sha256"), input.state.book.clone());
                let found = block(move || book.evidence(&hash)).await.map_err(|error| internal(&error))?;
                Ok::<_, Failed>(download(found?))
            })
        },
        ..read("/evidence/{sha256}", "getEvidence", "Fetch a file of evidence", "Under a name made from its hash.")
    },
];

const fn command(path: &'static str, id: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation::command("Entries", path, [id, summary, about])
}

const fn read(path: &'static str, id: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation { method: Method::Get, ..command(path, id, summary, about) }
}

async fn add(mut input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    query.done()?;
    let state = input.state.clone();
    let Upload { permit: _permit, mut parts } = parts(&mut input, &state, &["file"]).await?;
    let file = parts.need("file")?;
    let given = GivenFile { name: file.file_name.unwrap_or_default(), bytes: file.bytes.into() };
    input.command(call, move |book, call| book.add_evidence(call, given)).await
}

async fn list(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    let (cursor, limit) = query.page()?;
    query.done()?;
    let book = input.state.book.clone();
    send(format, move || book.read(|conn| evidence::list(conn, cursor, limit))).await
}
