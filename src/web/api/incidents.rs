//! Incidents, from the first suspicion to the last recovery.

use super::uploads::{Upload, parts};
use crate::domain::incident::claims::ControlTotals;
use crate::domain::incident::life::State;
use crate::domain::outcome::OutcomeCode;
use crate::service::incidents::approvals::NewApproval;
use crate::service::incidents::claims::NewClaims;
use crate::service::incidents::declare::{NewIncident, NewStatement};
use crate::service::incidents::estimates::NewEstimate;
use crate::service::incidents::payouts::{NewPayout, PaidBy};
use crate::service::incidents::recognition::NewRecognition;
use crate::service::incidents::recoveries::{NewRecovery, NewRecoveryReceipt, RecoveryMemo};
use crate::service::{Book, Call, Reply};
use crate::store::error::StoreError;
use crate::web::input::Input;
use crate::web::json::read_json;
use crate::web::operation::{Media, Operation, Param, Shape, Success};
use crate::web::problem::Failed;
use actix_web::{HttpResponse, Route};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

const CODE: Param = Param::path("code", "Code of the incident.", "INC-2019-001");
const MOVED: &str = r#"{"incident":"INC-2019-001","state":"declared"}"#;
const STATE: &[OutcomeCode] = &[OutcomeCode::NotFound, OutcomeCode::WrongState, OutcomeCode::PeriodClosed];
const BOOKED: &[OutcomeCode] = &[
    OutcomeCode::NotFound,
    OutcomeCode::WrongState,
    OutcomeCode::PeriodClosed,
    OutcomeCode::OutOfOrder,
    OutcomeCode::UnknownAsset,
    OutcomeCode::UnknownWallet,
    OutcomeCode::PriceMissing,
    OutcomeCode::PriceStale,
    OutcomeCode::InsufficientUnits,
    OutcomeCode::AboveLimit,
];

/// A command on one incident; the fields that all of them share.
const fn command(path: &'static str, id: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation {
        params: &[CODE],
        success: Success::created("The incident and where it stands", MOVED),
        refusals: BOOKED,
        ..Operation::command("Incidents", path, [id, summary, about])
    }
}

/// Operations on incidents.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        params: &[],
        body: &[Media::json::<NewIncident>(
            r#"{"kind":"hot-wallet-theft","title":"Theft from the hot wallet","occurred_at":"2019-05-07T17:15:24Z","statement":{"text":"All losses are covered in full.","by":"CEO"}}"#,
        )],
        refusals: &[OutcomeCode::AlreadyExists],
        route: |route| route.to(|input: Input| input.post(|book, call, body: NewIncident| book.declare_incident(call, body))),
        ..command(
            "/incidents",
            "declareIncident",
            "Declare an incident",
            "Records that something happened, or is suspected. Nothing is booked yet.",
        )
    },
    Operation {
        body: &[Media::json::<StepBody>(r#"{"state":"declared","note":"Confirmed by the chain analysis"}"#)],
        refusals: STATE,
        route: |route| {
            on(route, |book, call, code, body: StepBody| book.step_incident(call, code, body.state.into(), body.at, &body.note))
        },
        ..command(
            "/incidents/{code}/steps",
            "stepIncident",
            "Move an incident on where nothing is booked",
            "A suspected incident is declared or rejected; a closed one is reopened.",
        )
    },
    Operation {
        body: &[Media::json::<NewStatement>(r#"{"text":"All losses are covered in full.","by":"CEO"}"#)],
        success: Success::created(
            "The statement as it is kept",
            r#"{"incident":"INC-2019-001","statement":{"text":"All losses are covered in full.","by":"CEO","at":"2019-05-07T23:40:00Z"}}"#,
        ),
        refusals: STATE,
        route: |route| on(route, |book, call, code, body: NewStatement| book.record_statement(call, code, body)),
        ..command(
            "/incidents/{code}/statements",
            "recordStatement",
            "Record a public statement",
            "Who promised what and when: a promise to pay is an obligating event.",
        )
    },
    Operation {
        body: &[Media::json::<NewEstimate>(
            r#"{"on":"2019-05-07","note":"Chain analysis","assets":[{"asset":"BTC","case":"7000","ibnr":"0"}]}"#,
        )],
        success: Success::created(
            "The version of the estimate and its entries",
            r#"{"incident":"INC-2019-001","state":"assessed","version":1,"assets":{"BTC":{"low":"7000","case":"7000","high":"7000","ibnr":"0","identified":"0"}},"entries":[]}"#,
        ),
        route: |route| on(route, |book, call, code, body: NewEstimate| book.estimate_incident(call, code, body)),
        ..command(
            "/incidents/{code}/estimates",
            "estimateIncident",
            "Estimate what an incident costs",
            "A new version by asset: what identified claimants are owed (`case`) and what others may be (`ibnr`). Once the \
             incident is recognised, the difference is booked.",
        )
    },
    Operation {
        body: &[Media::json::<NewRecognition>(r#"{"on":"2019-05-07","note":"Promise of full compensation"}"#)],
        success: Success::created(
            "The incident and the entry of the recognition",
            concat!(r#"{"incident":"INC-2019-001","state":"recognised","entries":["#, entry!(), "]}"),
        ),
        route: |route| on(route, |book, call, code, body: NewRecognition| book.recognise_incident(call, code, body)),
        ..command(
            "/incidents/{code}/recognition",
            "recogniseIncident",
            "Recognise an incident by its latest estimate",
            "Books what is owed in each asset, at the price of the day.",
        )
    },
    Operation {
        body: &[Media {
            media: "multipart/form-data",
            example: "control: {\"row_count\":2,\"totals\":{\"BTC\":\"1.5\"}}\n\nclaims: claim_id,claimant_ref,asset,quantity,payout_address\n\
                      C-1,u-71,BTC,1,bc1qexample1\nC-2,u-72,BTC,0.5,bc1qexample2\n",
            shape: Shape::Parts(&[
                ("control", "application/json", "Number of rows and sums by asset, as the sender knows them; may be left out."),
                ("claims", "text/csv", "The file: claim_id, claimant_ref, asset, quantity, payout_address."),
            ]),
        }],
        success: Success::created(
            "The file as it is recorded, with its claims' numbers",
            r#"{"incident":"INC-2019-001","state":"claims-open","file":1,"sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","first_claim":1,"last_claim":2,"claims":2,"totals":{"BTC":{"claims":2,"quantity":"1.5"}},"already_imported":false}"#,
        ),
        refusals: &[
            OutcomeCode::InvalidRow,
            OutcomeCode::RowCountMismatch,
            OutcomeCode::TotalsMismatch,
            OutcomeCode::DuplicateRow,
            OutcomeCode::NotFound,
            OutcomeCode::WrongState,
            OutcomeCode::UnknownAsset,
            OutcomeCode::DuplicateClaim,
        ],
        route: |route| route.to(import_claims),
        ..command(
            "/incidents/{code}/claims",
            "importClaims",
            "Import a file of claims",
            "The whole file is checked before anything is recorded; a refusal names row, column and value. One claim per \
             incident, claimant and asset. The same file again is answered with the one that was recorded.",
        )
    },
    Operation {
        body: &[Media::json::<NewApproval>(r#"{"on":"2019-05-14","claims":"1-200,301","note":"Sample of 20 checked"}"#)],
        success: Success::created(
            "Which claims are approved, and the entries",
            concat!(
                r#"{"incident":"INC-2019-001","state":"claims-open","approved":"1-200,301","claims":201,"totals":{"BTC":"70.7"},"entries":["#,
                entry!(),
                "]}"
            ),
        ),
        route: |route| on(route, |book, call, code, body: NewApproval| book.approve_claims(call, code, body)),
        ..command(
            "/incidents/{code}/approvals",
            "approveClaims",
            "Approve claims",
            "Claims by number, or all that are not approved yet. They move from the reserve to what is payable.",
        )
    },
    Operation {
        body: &[
            Media::json::<PayoutBody>(
                r#"{"on":"2019-05-15","asset":"BTC","wallet":"cold","claims":"1-200","network_fee":"0.0012","txid":"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"}"#,
            ),
            Media {
                media: "multipart/form-data",
                example: "payout: {\"on\":\"2019-05-15\",\"asset\":\"BTC\",\"wallet\":\"cold\"}\n\ntransactions: claim_id,txid\nC-1,4a5e1e…\n",
                shape: Shape::Parts(&[
                    ("payout", "application/json", "The batch as in the JSON body, without `txid`."),
                    ("transactions", "text/csv", "Which transaction paid which claim: claim_id, txid."),
                ]),
            },
        ],
        success: Success::created(
            "The batch and its entries",
            concat!(
                r#"{"incident":"INC-2019-001","state":"paying","batch":1,"asset":"BTC","claims":200,"quantity":"70.2","network_fee":"0.0012","transactions":1,"entries":["#,
                entry!(),
                "]}"
            ),
        ),
        refusals: &[
            OutcomeCode::InvalidRow,
            OutcomeCode::DuplicateRow,
            OutcomeCode::NotFound,
            OutcomeCode::WrongState,
            OutcomeCode::PeriodClosed,
            OutcomeCode::UnknownAsset,
            OutcomeCode::UnknownWallet,
            OutcomeCode::PriceMissing,
            OutcomeCode::PriceStale,
            OutcomeCode::InsufficientUnits,
            OutcomeCode::AlreadyPaid,
        ],
        route: |route| route.to(pay),
        ..command(
            "/incidents/{code}/payouts",
            "payClaims",
            "Record a payout of approved claims",
            "Claims are paid in kind, each once. One transaction paid all (`txid`), or a file says which paid which.",
        )
    },
    Operation {
        body: &[Media::json::<MemoBody>(
            r#"{"on":"2019-05-10","channel":"exchange-a","asset":"BTC","quantity":"1200","note":"Addresses blocked"}"#,
        )],
        success: Success::created(
            "The memo figure",
            r#"{"incident":"INC-2019-001","channel":"exchange-a","asset":"BTC","quantity":"1200","traced_in_all":"1200"}"#,
        ),
        refusals: &[OutcomeCode::NotFound, OutcomeCode::WrongState, OutcomeCode::UnknownAsset],
        route: |route| {
            on(route, |book, call, code, body: MemoBody| {
                let memo = RecoveryMemo { channel: body.channel, asset: body.asset, quantity: body.quantity, note: body.note };
                book.record_recovery_memo(call, code, body.on, memo)
            })
        },
        ..command(
            "/incidents/{code}/recovery-memos",
            "recordRecoveryMemo",
            "Record stolen funds as traced or frozen",
            "They are never an asset of the fund; they are shown beside it. The latest memo of a channel and asset holds.",
        )
    },
    Operation {
        body: &[Media::json::<NewRecovery>(
            r#"{"on":"2019-06-10","asset":"BTC","quantity":"12","channel":"exchange-a","note":"Court order"}"#,
        )],
        success: Success::created(
            "The entry of the recovery",
            concat!(
                r#"{"incident":"INC-2019-001","recovery":{"what":"recognised","asset":"BTC","quantity":"12","channel":"exchange-a","note":"Court order","entry":814},"entries":["#,
                entry!(),
                "]}"
            ),
        ),
        route: |route| on(route, |book, call, code, body: NewRecovery| book.recognise_recovery(call, code, body)),
        ..command(
            "/incidents/{code}/recoveries",
            "recogniseRecovery",
            "Recognise a recovery",
            "At most up to the loss that was recognised.",
        )
    },
    Operation {
        body: &[Media::json::<NewRecoveryReceipt>(
            r#"{"on":"2019-06-20","asset":"BTC","quantity":"12","wallet":"cold","channel":"exchange-a","note":"Arrived"}"#,
        )],
        success: Success::created(
            "The entry of the receipt",
            concat!(
                r#"{"incident":"INC-2019-001","recovery":{"what":"received","asset":"BTC","quantity":"12","channel":"exchange-a","note":"Court order","entry":814},"entries":["#,
                entry!(),
                "]}"
            ),
        ),
        route: |route| on(route, |book, call, code, body: NewRecoveryReceipt| book.receive_recovery(call, code, body)),
        ..command(
            "/incidents/{code}/recovery-receipts",
            "receiveRecovery",
            "Record that a recovery arrived",
            "Units arrive in a wallet of the fund.",
        )
    },
    Operation {
        body: &[Media::json::<CloseBody>(r#"{"on":"2019-06-28","note":"All claims are paid"}"#)],
        success: Success::created(
            "The incident and how many claims were never approved",
            r#"{"incident":"INC-2019-001","state":"closed","unapproved_claims":0}"#,
        ),
        route: |route| on(route, |book, call, code, body: CloseBody| book.close_incident(call, code, body.on, &body.note)),
        ..command(
            "/incidents/{code}/closing",
            "closeIncident",
            "Close an incident",
            "Everything that was estimated, approved and payable must be settled.",
        )
    },
];

/// A step of an incident that books nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StepBody {
    /// Where it goes.
    state: StepState,
    /// When; now if left out.
    #[serde(default)]
    at: Option<Timestamp>,
    /// What it rests on.
    #[serde(default)]
    note: String,
}

/// The states that a step by itself leads to.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StepState {
    /// Something did happen.
    Declared,
    /// Nothing happened.
    Rejected,
    /// Something of a closed incident is open again.
    Reopened,
}

impl From<StepState> for State {
    fn from(state: StepState) -> Self {
        match state {
            StepState::Declared => Self::Declared,
            StepState::Rejected => Self::Rejected,
            StepState::Reopened => Self::Reopened,
        }
    }
}

/// A memo with its day.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemoBody {
    /// Business date.
    on: Date,
    /// Where they are, for example `exchange-a`, `police`, `chain`.
    channel: String,
    /// Asset code.
    asset: String,
    /// Units traced or frozen there by now, in whole units; 0 when there are none any more.
    quantity: String,
    /// What it rests on.
    note: String,
}

/// The end of an incident.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CloseBody {
    /// Business date.
    on: Date,
    /// Remark.
    #[serde(default)]
    note: String,
}

/// A payout batch that one transaction paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PayoutBody {
    /// Business date on which it was paid.
    on: Date,
    /// Asset code; claims in other assets are left alone.
    asset: String,
    /// Code of the wallet that paid.
    wallet: String,
    /// Claim numbers, for example `1-200,301`; all that are approved and not paid if left out.
    #[serde(default)]
    claims: Option<String>,
    /// What the network took in all, in the same asset.
    #[serde(default)]
    network_fee: Option<String>,
    /// Remark.
    #[serde(default)]
    note: String,
    /// The transaction that paid all.
    txid: String,
}

impl PayoutBody {
    fn split(self) -> (NewPayout, PaidBy) {
        let Self { on, asset, wallet, claims, network_fee, note, txid } = self;
        (NewPayout { on, asset, wallet, claims, network_fee, note }, PaidBy::One(txid))
    }
}

/// A route that runs a command on the incident of the path.
fn on<T: DeserializeOwned + Send + 'static>(route: Route, run: fn(&Book, &Call, &str, T) -> Result<Reply, StoreError>) -> Route {
    route.to(move |input: Input| {
        let code = input.part("code");
        input.post(move |book, call, body: T| run(book, call, &code, body))
    })
}

async fn import_claims(mut input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    query.done()?;
    let state = input.state.clone();
    let Upload { permit: _permit, mut parts } = parts(&mut input, &state, &["control", "claims"]).await?;
    let control: ControlTotals = match parts.take("control") {
        Some(part) => read_json(&part.bytes)?,
        None => ControlTotals::default(),
    };
    let claims = parts.need("claims")?;
    let new = NewClaims {
        file_name: claims.file_name.unwrap_or_else(|| "claims.csv".to_owned()),
        bytes: claims.bytes,
        control,
        note: String::new(),
    };
    let code = input.part("code");
    input.command(call, move |book, call| book.import_claims(call, &code, new)).await
}

async fn pay(mut input: Input) -> Result<HttpResponse, Failed> {
    let code = input.part("code");
    if input.require_media(&["multipart/form-data"]).is_err() {
        input.require_media(&["application/json", "multipart/form-data"])?;
        return input
            .post(move |book, call, body: PayoutBody| {
                let (payout, by) = body.split();
                book.pay_claims(call, &code, payout, by)
            })
            .await;
    }
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    query.done()?;
    let state = input.state.clone();
    let Upload { permit: _permit, mut parts } = parts(&mut input, &state, &["payout", "transactions"]).await?;
    let payout: NewPayout = read_json(&parts.need("payout")?.bytes)?;
    let by = PaidBy::File(parts.need("transactions")?.bytes);
    input.command(call, move |book, call| book.pay_claims(call, &code, payout, by)).await
}
