//! A book with an incident: days, commands, files.

use crate::support::database::TestDb;
use safu_ledger::domain::incident::claims::ControlTotals;
use safu_ledger::domain::outcome::Rejection;
use safu_ledger::service::clock::Clock;
use safu_ledger::service::incidents::approvals::NewApproval;
use safu_ledger::service::incidents::claims::NewClaims;
use safu_ledger::service::incidents::declare::{NewIncident, NewStatement};
use safu_ledger::service::incidents::estimates::{NewAssetEstimate, NewEstimate};
use safu_ledger::service::incidents::payouts::{NewPayout, PaidBy};
use safu_ledger::service::incidents::recognition::NewRecognition;
use safu_ledger::service::init::{self, NewBook};
use safu_ledger::service::prices::{GivenPrices, LockPrices, Quote};
use safu_ledger::service::registry::{NewAsset, NewWallet};
use safu_ledger::service::treasury::{TreasuryCommand, TreasuryEvent, Units};
use safu_ledger::service::{Book, Call, Reply};
use safu_ledger::store::conn::DatabaseUrl;
use safu_ledger::store::error::StoreError;
use safu_ledger::store::journal;
use serde_json::Value;

pub const CODE: &str = "INC-2019-001";
pub const HEADER: &str = "claim_id,claimant_ref,asset,quantity,payout_address";

pub struct Theft {
    pub book: Book,
}

pub fn call() -> Call {
    Call::fresh("cli:ana")
}

pub fn accepted(reply: Result<Reply, StoreError>) -> Value {
    reply.unwrap().success().unwrap_or_else(|refused| panic!("{refused}")).json()
}

/// The refusal, whether it is kept under the key or not.
pub fn refused(reply: Result<Reply, StoreError>) -> Rejection {
    match reply {
        Ok(reply) => reply.success().expect_err("a refusal"),
        Err(StoreError::Rejected(rejection)) => rejection,
        Err(error) => panic!("{error}"),
    }
}

/// The first BTC estimate of an incident: case and IBNR.
pub fn btc(case: &str, ibnr: &str) -> NewAssetEstimate {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    NewAssetEstimate {
        asset: "BTC".to_owned(),
        case: some(case),
        case_low: None,
        case_high: None,
        ibnr: some(ibnr),
        identified: None,
    }
}

impl Theft {
    /// A fund of 10,000 BTC and an empty list of incidents on 2019-05-08.
    pub fn fund(db: &TestDb, framework: &str) -> Self {
        let clock = Clock::simulated("2019-05-08T12:00:00Z".parse().unwrap());
        let new = NewBook { framework: framework.to_owned(), ..NewBook::default() };
        let book = init::create(&DatabaseUrl::parse(db.url()).unwrap(), clock, "cli:ana", &new).unwrap();
        for (code, scale) in [("BTC", 8), ("USDC", 6)] {
            let asset = NewAsset { code: code.to_owned(), network: "net".to_owned(), scale, own_token: false };
            accepted(book.add_asset(&call(), asset));
        }
        for (code, account) in [("cold", 1110), ("payout", 1120)] {
            let wallet = NewWallet::new(code, account, "");
            accepted(book.add_wallet(&call(), wallet));
        }
        let theft = Self { book };
        theft.price("2019-05-07", "5800");
        let receipts = vec![Units::new("payout", "BTC", "10000"), Units::new("cold", "USDC", "1000000")];
        let capital = TreasuryCommand::new("2019-05-08".parse().unwrap(), TreasuryEvent::SponsorCapital { receipts });
        accepted(theft.book.post_treasury(&call(), capital));
        theft
    }

    /// The same after the theft was declared and its loss recognised.
    pub fn recognised(db: &TestDb, case: &str, ibnr: &str) -> Self {
        let theft = Self::fund(db, "us-gaap");
        accepted(theft.declare());
        accepted(theft.estimate(vec![btc(case, ibnr)]));
        accepted(theft.recognise());
        theft
    }

    pub fn price(&self, day: &str, price: &str) {
        let quotes = [("BTC", price), ("USDC", "1")].map(|(code, price)| (code.to_owned(), Quote::observed(price)));
        let given = GivenPrices { source: "test".to_owned(), source_hash: String::new(), prices: quotes.into_iter().collect() };
        let command = LockPrices { value: false, ..LockPrices::given(day.parse().unwrap(), given) };
        accepted(self.book.lock_prices(&call(), command));
    }

    /// A later day with its price.
    pub fn day(&self, day: &str, price: &str) {
        self.book.clock.set(format!("{day}T12:00:00Z").parse().unwrap());
        self.price(day, price);
    }

    pub fn declare(&self) -> Result<Reply, StoreError> {
        let new = NewIncident {
            code: None,
            kind: "hot-wallet-theft".to_owned(),
            title: "7,000 BTC taken from the hot wallet".to_owned(),
            occurred_at: "2019-05-07T17:15:24Z".parse().unwrap(),
            at: Some("2019-05-07T19:06:00Z".parse().unwrap()),
            suspected: false,
            note: String::new(),
            statement: Some(NewStatement {
                text: "We will use the fund to cover this incident in full.".to_owned(),
                by: "the exchange".to_owned(),
                at: Some("2019-05-07T23:40:00Z".parse().unwrap()),
            }),
        };
        self.book.declare_incident(&call(), new)
    }

    pub fn estimate(&self, assets: Vec<NewAssetEstimate>) -> Result<Reply, StoreError> {
        let new = NewEstimate { on: self.book.clock.today(), note: "chain analysis".to_owned(), assets };
        self.book.estimate_incident(&call(), CODE, new)
    }

    pub fn recognise(&self) -> Result<Reply, StoreError> {
        let new = NewRecognition { on: self.book.clock.today(), handling: None, note: String::new() };
        self.book.recognise_incident(&call(), CODE, new)
    }

    pub fn import(&self, call: &Call, text: &str) -> Result<Reply, StoreError> {
        self.import_with(call, text, ControlTotals::default())
    }

    pub fn import_with(&self, call: &Call, text: &str, control: ControlTotals) -> Result<Reply, StoreError> {
        let new = NewClaims { file_name: "claims.csv".to_owned(), bytes: text.as_bytes().to_vec(), control, note: String::new() };
        self.book.import_claims(call, CODE, new)
    }

    pub fn approve(&self, call: &Call, claims: Option<&str>) -> Result<Reply, StoreError> {
        let new = NewApproval { on: self.book.clock.today(), claims: claims.map(str::to_owned), note: String::new() };
        self.book.approve_claims(call, CODE, new)
    }

    pub fn payout(&self, claims: Option<&str>) -> NewPayout {
        NewPayout {
            on: self.book.clock.today(),
            asset: "BTC".to_owned(),
            wallet: "payout".to_owned(),
            claims: claims.map(str::to_owned),
            network_fee: None,
            note: String::new(),
        }
    }

    pub fn pay(&self, call: &Call, claims: Option<&str>) -> Result<Reply, StoreError> {
        self.book.pay_claims(call, CODE, self.payout(claims), PaidBy::One("aa11".to_owned()))
    }

    /// How many entries the book has: to see that nothing was posted.
    pub fn entries(&self) -> usize {
        self.book.read(|conn| journal::headers_between(conn, 1, i64::MAX)).unwrap().len()
    }

    /// Leaves of the log: to see that nothing at all was recorded.
    pub fn leaves(&self) -> u64 {
        self.book.read(safu_ledger::store::log::Head::load).unwrap().log.size()
    }
}

/// A claims file of `count` claims over `total` hundred-millionths of a BTC, each a little different, summing exactly.
pub fn claims_file(count: i128, total: i128) -> String {
    use std::fmt::Write;
    let mut text = format!("{HEADER}\n");
    let mut left = total;
    for no in 1..=count {
        let rest = count - no;
        let amount = if rest == 0 { left } else { total / count + no % 7 };
        left -= amount;
        let amount = safu_ledger::domain::amount::format_minor_trimmed(amount, 8);
        writeln!(text, "c-{no},user-{no},BTC,{amount},bc1q{no}").unwrap();
    }
    text
}
