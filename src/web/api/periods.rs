//! Months: checklist, soft close, close, and what changed since.

use super::reports::{DOC, FORMAT, format_of, send};
use crate::domain::outcome::OutcomeCode;
use crate::report::doc::Doc;
use crate::service::Book;
use crate::service::periods::ClosePeriod;
use crate::service::periods::checklist::MarkItem;
use crate::service::periods::soft::SoftClose;
use crate::store::error::StoreError;
use crate::web::input::Input;
use crate::web::operation::{Media, Method, Operation, Param, Success};
use crate::web::problem::Failed;
use actix_web::HttpResponse;

const PERIOD: Param = Param::path("period", "The month.", "2019-05");

/// Operations on months.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        body: &[Media::json::<MarkItem>(
            r#"{"period":"2019-05","item":"statements","state":"done","note":"Statements of 31 May, folder 2019-05"}"#,
        )],
        success: Success::created(
            "The mark",
            r#"{"period":"2019-05","item":"statements","state":"done","owner":null,"note":"Statements of 31 May, folder 2019-05","accepted":[]}"#,
        ),
        refusals: &[OutcomeCode::NotFound, OutcomeCode::PeriodClosed, OutcomeCode::WrongState, OutcomeCode::AboveLimit],
        route: |route| route.to(|input: Input| input.post(|book, call, body: MarkItem| book.give(call, body))),
        ..command(
            "/periods/items",
            "markItem",
            "Mark an item of a checklist",
            "Ticks it with its evidence, leaves it out with a reason, opens it again, or names who looks after it. A reason for \
             what the book finds out by itself covers what it had found by then, and nothing that it finds later.",
        )
    },
    Operation {
        body: &[Media::json::<SoftClose>(r#"{"period":"2019-05"}"#)],
        success: Success::created("The month", r#"{"period":"2019-05","state":"soft-closed","last_entry":819}"#),
        refusals: &[OutcomeCode::AlreadyExists, OutcomeCode::OutOfOrder],
        route: |route| route.to(|input: Input| input.post(|book, call, body: SoftClose| book.give(call, body))),
        ..command(
            "/periods/soft-closed",
            "softClosePeriod",
            "Close a month softly",
            "From then on only what was approved goes into it; everything else with a date in it is booked in the next month.",
        )
    },
    Operation {
        body: &[Media::json::<ClosePeriod>(r#"{"period":"2019-05"}"#)],
        success: Success::created(
            "The entry that closes the month, null where nothing is to be closed, and the seal",
            r#"{"entry":820,"event":"E24","effective_on":"2019-05-31","lines":[{"account":1130,"asset":"BTC","quantity":"1.5","value":"8775.15"},{"account":1210,"asset":"BTC","quantity":"-1.5","value":"-8775.15"}],"period":"2019-05","seal":{"log_size":2210,"balances":41,"root":"9f2c"}}"#,
        ),
        refusals: &[OutcomeCode::AlreadyExists, OutcomeCode::OutOfOrder],
        route: |route| route.to(|input: Input| input.post(|book, call, body: ClosePeriod| book.give(call, body))),
        ..command(
            "/periods/closed",
            "closePeriod",
            "Close a month",
            "Months are closed in order, softly first, and never reopened. A refusal lists every item that is open, with its mend.",
        )
    },
    Operation {
        params: &[FORMAT],
        route: |route| route.to(|input: Input| document(input, |book, _| book.periods_doc())),
        ..read("/periods", "listPeriods", "List the months", "Every month since the first entry, the latest first.")
    },
    Operation {
        params: &[PERIOD, FORMAT],
        route: |route| route.to(|input: Input| document(input, |book, period| book.period_doc(period))),
        ..read(
            "/periods/{period}",
            "getPeriod",
            "Show a month's checklist",
            "Each item with its state, owner and evidence, and what is left to mend; for a closed month its sign-off with the seal.",
        )
    },
    Operation {
        params: &[PERIOD, FORMAT],
        refusals: &[OutcomeCode::InvalidField, OutcomeCode::WrongState],
        route: |route| route.to(|input: Input| document(input, |book, period| book.changes_doc(period))),
        ..read(
            "/periods/{period}/changes",
            "getPeriodChanges",
            "Show what changed since sign-off",
            "What was recorded for a closed month after its seal, and the balances that differ by it.",
        )
    },
];

const fn command(path: &'static str, id: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation { success: Success::created("What was recorded", "{}"), ..Operation::command("Close", path, [id, summary, about]) }
}

const fn read(path: &'static str, id: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation {
        method: Method::Get,
        success: Success::json("The document", DOC),
        refusals: &[OutcomeCode::InvalidField],
        ..command(path, id, summary, about)
    }
}

async fn document(input: Input, make: fn(&Book, &str) -> Result<Doc, StoreError>) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    query.done()?;
    let (book, period) = (input.state.book.clone(), input.part("period"));
    send(format, move || make(&book, &period)).await
}
