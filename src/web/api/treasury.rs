//! The fund's own assets, and reversals.

use crate::domain::outcome::OutcomeCode;
use crate::service::reversals::Reverse;
use crate::service::treasury::TreasuryCommand;
use crate::web::input::Input;
use crate::web::operation::{Access, Media, Method, Operation, Success};

/// Operations of the treasury.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Post,
        path: "/treasury",
        id: "postTreasuryEvent",
        tag: "Treasury",
        access: Access::Operate,
        summary: "Record an event of the treasury",
        about: "One event with its day: a settlement, a transfer, a rebalance, capital, a loan, a loss and others. The fields of \
                the event stand beside `event`, `on`, `memo` and `reference`. A reference is booked once per event.",
        params: &[],
        body: &[Media::json::<TreasuryCommand>(
            r#"{"event":"settlement","on":"2019-05-10","memo":"Weekly settlement","reference":"tx 9f2c","receipts":[{"wallet":"cold","asset":"BTC","quantity":"1.5"}]}"#,
        )],
        success: Success::created(
            "The entry as it was posted",
            r#"{"entry":814,"event":"E02","effective_on":"2019-05-10","lines":[{"account":1130,"asset":"BTC","quantity":"1.5","value":"8775.15"},{"account":1210,"asset":"BTC","quantity":"-1.5","value":"-8775.15"}],"fact":92}"#,
        ),
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
        route: |route| route.to(|input: Input| input.post(|book, call, body: TreasuryCommand| book.post_treasury(call, body))),
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
        body: &[Media::json::<Reverse>(r#"{"entry":814,"on":"2019-05-11","reason":"Booked to the wrong wallet"}"#)],
        success: Success::created(
            "The entry of the reversal",
            r#"{"entry":815,"event":"E29","effective_on":"2019-05-10","lines":[{"account":1130,"asset":"BTC","quantity":"1.5","value":"8775.15"},{"account":1210,"asset":"BTC","quantity":"-1.5","value":"-8775.15"}],"reverses":814}"#,
        ),
        refusals: &[OutcomeCode::NotFound, OutcomeCode::WrongState, OutcomeCode::PeriodClosed, OutcomeCode::AlreadyReversed],
        route: |route| route.to(|input: Input| input.post(|book, call, body: Reverse| book.reverse_entry(call, body))),
    },
];
