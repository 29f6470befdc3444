//! Whether the book takes commands.

use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::approvals::terms;
use crate::service::mode::{Mode, SetMode};
use crate::service::{Book, Call};
use crate::store::error::StoreError;
use crate::web::input::Input;
use crate::web::operation::{Access, Media, Method, Operation, Success};
use crate::web::problem::Failed;
use actix_web::HttpResponse;
use serde_json::json;

/// Operations on the mode.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: "/mode",
        id: "getMode",
        tag: "Operations",
        access: Access::AnyKey,
        summary: "Show whether commands are taken",
        about: "`open`; `switched-read-only` by an administrator; `started-read-only` for this server; `not-writable` while the disk \
                is full or the database cannot be reached, which ends by itself.",
        params: &[],
        body: &[],
        success: Success::json("The mode", r#"{"mode":"open","read_only":false,"words":null}"#),
        refusals: &[],
        route: |route| route.to(show),
    },
    Operation {
        method: Method::Post,
        path: "/mode",
        id: "setMode",
        tag: "Operations",
        access: Access::Operate,
        summary: "Make the book read-only, or writable again",
        about: "For administrators. While the book is read-only every other command is refused with `read-only`; logins go on.",
        params: &[],
        body: &[Media::json::<SetMode>(r#"{"read_only":true,"reason":"The custodian moves its wallets tonight"}"#)],
        success: Success::created(
            "The switch as it was recorded",
            r#"{"fact":40,"read_only":true,"reason":"The custodian moves its wallets tonight"}"#,
        ),
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::WrongState],
        route: |route| route.to(set),
    },
];

async fn show(input: Input) -> Result<HttpResponse, Failed> {
    input.query()?.done()?;
    let book = input.state.book.clone();
    let mode = input.look_up(move || Mode::of(&book)).await?;
    let body = json!({"mode": mode.word(), "read_only": mode != Mode::Open, "words": mode.banner()});
    Ok(HttpResponse::Ok().content_type("application/json").body(body.to_string()))
}

/// Under four eyes an administrator answers for the switch; a key of nobody's could be anybody's.
fn require_person(book: &Book, call: &Call) -> Result<(), StoreError> {
    if call.by.is_some() || book.read(terms::in_force)?.is_none() {
        return Ok(());
    }
    let detail = "switch with a key that an administrator answers for, or at /operations";
    Err(Rejection::new(OutcomeCode::ApprovalNeeded, "", "", detail).into())
}

async fn set(input: Input) -> Result<HttpResponse, Failed> {
    let state = input.state.clone();
    input
        .post(move |book, call, body: SetMode| {
            require_person(book, call)?;
            let reply = book.set_mode(call, body);
            state.watch.look(book);
            reply
        })
        .await
}
