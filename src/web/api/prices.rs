//! Price sets.

use super::reports::{DOC, FORMAT, format_of, send};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::prices::{LockPrices, governance};
use crate::service::{Book, Call};
use crate::web::input::Input;
use crate::web::operation::{Access, Media, Method, Operation, Param, Shape, Success};
use crate::web::problem::Failed;
use actix_web::HttpResponse;

/// Sets whose governance is shown.
const SETS: usize = 100;

/// Operations on prices.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Post,
        path: "/prices",
        id: "importPrices",
        tag: "Prices",
        access: Access::Operate,
        summary: "Import daily prices",
        about: "Keeps the prices of each day of the body, ready to be locked. A later import of a day replaces an earlier one. \
                As JSON (day, then asset code and price), or as CSV with the columns `date,asset,price` and perhaps `basis`, or \
                with `date` and one column an asset.",
        params: &[
            Param::query("source", "Where the prices come from; required.", "Exchange closes"),
            Param::query("second", "`true` for a second source, which is only compared with the first.", "true"),
        ],
        body: &[
            Media {
                media: "application/json",
                example: r#"{"2019-05-07":{"BTC":"5850.1","BNB":{"price":"22.4","basis":"observed"}}}"#,
                shape: Shape::Example(&[("2019-05-07", "The prices of a day by asset code, as text or with their basis.")]),
            },
            Media { media: "text/csv", example: "date,asset,price\n2019-05-07,BTC,5850.1\n", shape: Shape::Text },
        ],
        success: Success::created(
            "How many days were kept",
            r#"{"days":1,"first":"2019-05-07","last":"2019-05-07","sha256":"b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184"}"#,
        ),
        refusals: &[OutcomeCode::InvalidRow, OutcomeCode::UnknownAsset],
        route: |route| route.to(import),
    },
    Operation {
        method: Method::Get,
        path: "/prices/governance",
        id: "getPriceGovernance",
        tag: "Prices",
        access: Access::Operate,
        summary: "Compare two sources, and see who locked and who approved",
        about: "The days that wait to be locked with what both sources say, and the latest sets with their sources, difference, and \
                the persons behind them.",
        params: &[FORMAT],
        body: &[],
        success: Success::json("The document", DOC),
        refusals: &[],
        route: |route| route.to(governed),
    },
    Operation {
        method: Method::Post,
        path: "/prices/locks",
        id: "lockPrices",
        tag: "Prices",
        access: Access::Operate,
        summary: "Lock the prices of a day and value the books",
        about: "The prices that were imported for the day become its price set, or those that are `given` here. The books of \
                the day are valued with it unless `value` is false. A locked set is never changed. Prices that moved further \
                than the policy allows since the set before need `accept_outliers` and a `reason`; prices set by hand, \
                carried over, or further from the second source than the policy tolerates need a `reason`, and under four eyes \
                somebody else.",
        params: &[],
        body: &[Media::json::<LockPrices>(
            r#"{"day":"2019-05-07","given":{"source":"Exchange closes","prices":{"BTC":{"price":"5850.1"}}},"value":true}"#,
        )],
        success: Success::created(
            "The set as it is locked, and the entries of the valuation",
            r#"{"day":"2019-05-07","source":"Exchange closes","prices":{"BTC":"5850.1"},"accepted_outliers":[],"valued":true,"entries":[813]}"#,
        ),
        refusals: &[
            OutcomeCode::AlreadyExists,
            OutcomeCode::PeriodClosed,
            OutcomeCode::OutOfOrder,
            OutcomeCode::UnknownAsset,
            OutcomeCode::PriceMissing,
            OutcomeCode::PriceOutlier,
        ],
        route: |route| route.to(|input: Input| input.post(|book, call, body: LockPrices| book.lock_prices(call, body))),
    },
];

async fn import(mut input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    let source = query.take("source")?;
    let second = query.take_as("second", "write true or false", |text| text.parse::<bool>().ok())?.unwrap_or(false);
    query.done()?;
    input.require_media(&["application/json", "text/csv"])?;
    let body = input.body().await?;
    let source = source.ok_or_else(|| Rejection::invalid("source", "", "is missing; name where the prices come from"))?;
    let run = move |book: &Book, call: &Call| match second {
        true => book.import_second_prices(call, &source, &body),
        false => book.import_prices(call, &source, &body),
    };
    input.command(call, run).await
}

async fn governed(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    query.done()?;
    let book = input.state.book.clone();
    send(format, move || book.read(|conn| governance::doc(conn, book.clock.now(), SETS))).await
}
