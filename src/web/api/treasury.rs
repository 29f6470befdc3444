//! The fund's own assets, month closing and reversals.

use crate::domain::outcome::OutcomeCode;
use crate::service::reversals::Reverse;
use crate::service::treasury::TreasuryCommand;
use crate::web::input::Input;
use crate::web::operation::{Access, Body, Method, Operation, Success};
use crate::web::problem::Failed;
use actix_web::HttpResponse;
use serde::Deserialize;
use utoipa::ToSchema;

/// Operations of the treasury.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Post,
        path: "/treasury",
        id: "postTreasuryEvent",
        tag: "Treasury",
        access: Access::Operate,
        summary: "Record an event of the treasury",
        about: "One event: `settlement`, `yield-accrued`, `yield-received`, `transfer`, `rebalance`, `sponsor-capital`, `loan`, \
                `loan-interest`, `asset-loss` and others; `safu treasury --help` lists all with their fields. The fields of the \
                event stand beside `event`, `on`, `memo` and `reference`. A reference is booked once per event.",
        params: &[],
        body: Some(Body {
            media: &[(
                "application/json",
                r#"{"event":"settlement","on":"2019-05-10","memo":"Weekly settlement","reference":"tx 9f2c","receipts":[{"wallet":"cold-btc","asset":"BTC","quantity":"1.5"}]}"#,
            )],
            fields: &[
                ("event", "What happened."),
                ("on", "Business date."),
                ("memo", "What people read in the journal; may be left out."),
                ("reference", "Transaction id or other reference from outside; may be left out."),
                ("receipts", "What arrived, and where; of a settlement."),
            ],
            schema: None,
        }),
        success: Success::created("The entry as it was posted", r#"{"entry":814,"fact":92}"#),
        refusals: &[
            OutcomeCode::NotFound,
            OutcomeCode::WrongState,
            OutcomeCode::PeriodClosed,
            OutcomeCode::AlreadyExists,
            OutcomeCode::UnknownAsset,
            OutcomeCode::UnknownWallet,
            OutcomeCode::PriceMissing,
            OutcomeCode::PriceStale,
            OutcomeCode::InsufficientUnits,
            OutcomeCode::AboveLimit,
        ],
        route: |route| route.to(post_event),
    },
    Operation {
        method: Method::Post,
        path: "/reversals",
        id: "reverseEntry",
        tag: "Treasury",
        access: Access::Operate,
        summary: "Reverse an entry",
        about: "Posts the exact negation of an entry that was posted by hand, once. What a workflow posted is mended in that \
                workflow. Nothing is ever deleted.",
        params: &[],
        body: Some(Body {
            media: &[("application/json", r#"{"entry":814,"on":"2019-05-11","reason":"Booked to the wrong wallet"}"#)],
            fields: &[
                ("entry", "Number of the entry."),
                ("on", "Business date of the reversal, in an open month and not before the entry's own."),
                ("reason", "Why."),
            ],
            schema: None,
        }),
        success: Success::created("The entry of the reversal", r#"{"entry":815}"#),
        refusals: &[OutcomeCode::NotFound, OutcomeCode::WrongState, OutcomeCode::PeriodClosed, OutcomeCode::AlreadyReversed],
        route: |route| route.to(reverse),
    },
    Operation {
        method: Method::Post,
        path: "/periods/closed",
        id: "closePeriod",
        tag: "Treasury",
        access: Access::Operate,
        summary: "Close a month",
        about: "Months are closed in order, and never reopened. A refusal lists every condition that is not met yet.",
        params: &[],
        body: Some(Body {
            media: &[("application/json", r#"{"period":"2019-05"}"#)],
            fields: &[],
            schema: Some(crate::web::operation::NamedSchema {
                name: "ClosePeriod",
                make: crate::web::operation::schemas_of::<ClosePeriod>,
            }),
        }),
        success: Success::created("The entry that closes the month", r#"{"period":"2019-05","entry":820}"#),
        refusals: &[OutcomeCode::AlreadyExists, OutcomeCode::OutOfOrder],
        route: |route| route.to(close),
    },
];

/// A month that is to be closed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClosePeriod {
    /// The month.
    #[schema(example = "2019-05", pattern = "^[0-9]{4}-[0-9]{2}$")]
    period: String,
}

async fn post_event(mut input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    query.done()?;
    let command: TreasuryCommand = input.json().await?;
    input.command(call, move |book, call| book.post_treasury(call, command)).await
}

async fn reverse(mut input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    query.done()?;
    let command: Reverse = input.json().await?;
    input.command(call, move |book, call| book.reverse_entry(call, command)).await
}

async fn close(mut input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    query.done()?;
    let body: ClosePeriod = input.json().await?;
    input.command(call, move |book, call| book.close_period(call, &body.period)).await
}
