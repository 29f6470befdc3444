//! Wallets, observed balances, breaks and the sign-off of months.

use super::reports::{DOC, FORMAT, format_of, send};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::doc::Doc;
use crate::service::reconciliation::breaks::{AssignBreak, ExplainBreak, MatchBalances};
use crate::service::reconciliation::docs;
use crate::service::reconciliation::sign_off::{SignOff, month};
use crate::service::registry::{DescribeWallet, NewWallet};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::web::input::Input;
use crate::web::operation::{Media, Method, Operation, Param, Shape, Success};
use crate::web::problem::Failed;
use actix_web::HttpResponse;
use jiff::Timestamp;

/// Balances that a listing shows.
const LISTED: usize = 500;
const BREAK: Param = Param::path("break", "Number of the break.", "3");
const PERIOD: Param = Param::path("period", "The month.", "2019-05");

/// Operations of reconciliation.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        params: &[FORMAT],
        success: Success::json("The document", DOC),
        route: |route| route.to(|input: Input| shown(input, |conn, _, _| docs::wallets(conn))),
        ..read("/wallets", "listWallets", "List wallets", "Each with what it holds by the book and by the last observation.")
    },
    Operation {
        body: &[Media::json::<NewWallet>(
            r#"{"code":"cold-btc","account":1110,"address":"bc1q","purpose":"Reserve in cold storage","network":"bitcoin"}"#,
        )],
        success: Success::created("The wallet", r#"{"wallet":"cold-btc","id":3}"#),
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::AlreadyExists],
        route: |route| route.to(|input: Input| input.post(|book, call, body: NewWallet| book.add_wallet(call, body))),
        ..command(
            "/wallets",
            "addWallet",
            "Add a wallet",
            "Accounts: 1110 cold, 1120 payout, 1130 in transit, 1140 custodian, 1150 encumbered, 1160 bank.",
        )
    },
    Operation {
        body: &[Media::json::<DescribeWallet>(
            r#"{"wallet":"cold-btc","purpose":"Reserve in cold storage","network":"bitcoin"}"#,
        )],
        success: Success::created(
            "The wallet as it is described now",
            r#"{"wallet":"cold-btc","purpose":"Reserve","network":"bitcoin"}"#,
        ),
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::UnknownWallet],
        route: |route| route.to(|input: Input| input.post(|book, call, body: DescribeWallet| book.describe_wallet(call, body))),
        ..command(
            "/wallets/descriptions",
            "describeWallet",
            "Say what a wallet is for",
            "With a network, only balances of that network are taken as observed.",
        )
    },
    Operation {
        params: &[Param::query("of", "Only of this asset and wallet.", "BTC@cold"), FORMAT],
        success: Success::json("The document", DOC),
        refusals: &[OutcomeCode::NotFound],
        route: |route| route.to(balances),
        ..read(
            "/balances",
            "listBalances",
            "List observed balances",
            "The latest first, with block, source and the SHA-256 of the file.",
        )
    },
    Operation {
        params: &[Param::query("file", "Name of the file; required.", "balances-2019-05-31.csv")],
        body: &[
            Media {
                media: "text/csv",
                example: "wallet,asset,network,quantity,block_height,observed_at,source\ncold,BTC,bitcoin,1.5,578000,2019-06-01T00:00:00Z,bitcoind\n",
                shape: Shape::Text,
            },
            Media {
                media: "application/json",
                example: r#"[{"wallet":"cold","asset":"BTC","network":"bitcoin","quantity":"1.5","block_height":578000,"observed_at":"2019-06-01T00:00:00Z","source":"bitcoind"}]"#,
                shape: Shape::Text,
            },
        ],
        success: Success::created(
            "How many were new, the breaks they opened, and the incidents drafted because units are missing",
            r#"{"file":"balances-2019-05-31.csv","sha256":"b194","rows":1,"recorded":1,"breaks":[3],"incidents":["INC-2019-002"],"already_imported":false}"#,
        ),
        refusals: &[
            OutcomeCode::InvalidRow,
            OutcomeCode::DuplicateRow,
            OutcomeCode::ObservationConflict,
            OutcomeCode::UnknownAsset,
            OutcomeCode::UnknownWallet,
        ],
        route: |route| route.to(import),
        ..command(
            "/balances",
            "importBalances",
            "Import observed balances",
            "The file is checked whole, then recorded and matched with the book, or refused. The same file again is answered with what it did.",
        )
    },
    Operation {
        body: &[Media::json::<MatchBalances>(r#"{"period":"2019-05"}"#)],
        success: Success::created(
            "The breaks that were opened; 200 if there were none",
            r#"{"period":"2019-05","breaks":[4],"incidents":[]}"#,
        ),
        refusals: &[OutcomeCode::ApprovalNeeded],
        route: |route| route.to(|input: Input| input.post(|book, call, body: MatchBalances| book.match_balances(call, body))),
        ..command(
            "/balances/matches",
            "matchBalances",
            "Match a month again",
            "Opens a break for every difference that entries made after the observations.",
        )
    },
    Operation {
        params: &[FORMAT],
        success: Success::json("The document", DOC),
        route: |route| route.to(|input: Input| shown(input, |conn, _, now| docs::standing_breaks(conn, now))),
        ..read("/breaks", "listBreaks", "List breaks", "Those that stand, with reason, owner and age.")
    },
    Operation {
        body: &[Media::json::<ExplainBreak>(
            r#"{"break":3,"explanation":"entry","reason":"Deposit booked on the next day","difference":"0.5","entries":[815]}"#,
        )],
        success: Success::created(
            "The reason",
            r#"{"break":3,"explanation":"entry","difference":"0.5","fact":120,"incident":null}"#,
        ),
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::NotFound, OutcomeCode::WrongState],
        route: |route| route.to(|input: Input| input.post(|book, call, body: ExplainBreak| book.explain_break(call, body))),
        ..command(
            "/breaks/explanations",
            "explainBreak",
            "Say why a break is",
            "`entry` names entries dated later that account for exactly the difference, `timing` and `accepted` are words, `escalated` hands it to a suspected incident. A reason covers exactly the difference it names.",
        )
    },
    Operation {
        body: &[Media::json::<AssignBreak>(r#"{"break":3,"owner":"tess"}"#)],
        success: Success::created("The owner", r#"{"break":3,"owner":"tess"}"#),
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::NotFound, OutcomeCode::WrongState],
        route: |route| route.to(|input: Input| input.post(|book, call, body: AssignBreak| book.assign_break(call, body))),
        ..command("/breaks/assignments", "assignBreak", "Give a break an owner", "A person of the book.")
    },
    // After the addresses of commands, which its parameter would take too.
    Operation {
        params: &[BREAK, FORMAT],
        success: Success::json("The document", DOC),
        refusals: &[OutcomeCode::NotFound],
        route: |route| {
            route.to(|input: Input| {
                shown(input, |conn, part, now| {
                    let missing = || Rejection::new(OutcomeCode::NotFound, "break", part, "is not a number of a break");
                    docs::one_break(conn, part.parse().map_err(|_| missing())?, now)
                })
            })
        },
        ..read("/breaks/{break}", "getBreak", "Show a break", "With all that happened to it.")
    },
    Operation {
        params: &[PERIOD, FORMAT],
        success: Success::json("The document", DOC),
        refusals: &[OutcomeCode::InvalidField],
        route: |route| route.to(|input: Input| shown(input, |conn, part, now| docs::month(conn, month("period", part)?, now))),
        ..read(
            "/reconciliations/{period}",
            "getReconciliation",
            "Show a month's reconciliation",
            "Its notes have the hash that a sign-off names.",
        )
    },
    Operation {
        body: &[Media::json::<SignOff>(
            r#"{"period":"2019-05","statement":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}"#,
        )],
        success: Success::created(
            "What was signed",
            r#"{"period":"2019-05","statement":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","lines":6,"fact":121,"prepared_by":["person:paula"]}"#,
        ),
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::OutOfOrder, OutcomeCode::WrongState, OutcomeCode::AlreadyExists],
        route: |route| route.to(|input: Input| input.post(|book, call, body: SignOff| book.sign_off(call, body))),
        ..command(
            "/reconciliations",
            "signOff",
            "Sign a month's reconciliation off",
            "Refused while anything has no reason. Under four eyes the giver prepared it, and another agrees.",
        )
    },
];

const fn command(path: &'static str, id: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation::command("Reconciliation", path, [id, summary, about])
}

const fn read(path: &'static str, id: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation { method: Method::Get, ..command(path, id, summary, about) }
}

/// Makes a document from the one part of the path, as things stand at a moment.
type Make = fn(&mut Conn, &str, Timestamp) -> Result<Doc, StoreError>;

async fn shown(input: Input, make: Make) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    query.done()?;
    let part = ["break", "period"].map(|name| input.part(name)).concat();
    let book = input.state.book.clone();
    send(format, move || book.read(|conn| make(conn, &part, book.clock.now()))).await
}

async fn balances(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let (of, format) = (query.take("of")?, format_of(&mut query)?);
    query.done()?;
    let book = input.state.book.clone();
    send(format, move || book.read(|conn| docs::balances(conn, of.as_deref(), LISTED))).await
}

async fn import(mut input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    let file = query.take("file")?;
    query.done()?;
    input.require_media(&["text/csv", "application/json"])?;
    let body = input.body().await?;
    let file = file.ok_or_else(|| Rejection::invalid("file", "", "is missing; name the file that the balances come from"))?;
    input.command(call, move |book, call| book.import_balances(call, &file, &body)).await
}
