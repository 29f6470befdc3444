//! The book of the story: days, commands, and the comparison of what they posted with the vector.

use super::fund_story::Expected;
use crate::support::database::TestDb;
use safu_ledger::domain::amount::format_minor_trimmed;
use safu_ledger::domain::asset::AssetId;
use safu_ledger::domain::entry::Posting;
use safu_ledger::domain::price::Price;
use safu_ledger::ledger::asset_table::AssetTable;
use safu_ledger::ledger::invariants;
use safu_ledger::ledger::trial_balance::TrialBalance;
use safu_ledger::service::clock::Clock;
use safu_ledger::service::init::{self, NewBook};
use safu_ledger::service::prices::{GivenPrices, LockPrices, Quote};
use safu_ledger::service::refs::Refs;
use safu_ledger::service::registry::{NewAsset, NewWallet};
use safu_ledger::service::treasury::{TreasuryCommand, TreasuryEvent, Units};
use safu_ledger::service::verify::verify;
use safu_ledger::service::{Book, Call, Reply};
use safu_ledger::store::conn::DatabaseUrl;
use safu_ledger::store::error::StoreError;
use safu_ledger::store::{journal, projection};
use serde_json::Value as Json;
use std::collections::BTreeMap;

pub fn units(wallet: &str, asset: &str, quantity: &str) -> Units {
    Units::new(wallet, asset, quantity)
}

/// A book with the assets and wallets of the story, on a simulated clock.
pub fn new_book(db: &TestDb) -> Book {
    let clock = Clock::simulated("2019-01-01T12:00:00Z".parse().unwrap());
    let book = init::create(&DatabaseUrl::parse(db.url()).unwrap(), clock, "cli:test", &NewBook::default()).unwrap();
    for (code, network, scale, own_token) in
        [("BTC", "bitcoin", 8, false), ("BNB", "bsc", 8, true), ("USDC", "ethereum", 6, false)]
    {
        let asset = NewAsset { code: code.to_owned(), network: network.to_owned(), scale, own_token };
        book.add_asset(&Call::fresh("cli:test"), asset).unwrap().success().unwrap();
    }
    for (code, account) in [("cold", 1110), ("payout", 1120), ("bank", 1160)] {
        let wallet = NewWallet::new(code, account, "");
        book.add_wallet(&Call::fresh("cli:test"), wallet).unwrap().success().unwrap();
    }
    book
}

/// Prices of a day as they are given by hand.
pub fn given(prices: &[(&str, &str)]) -> GivenPrices {
    let quotes = prices.iter().map(|(code, price)| ((*code).to_owned(), Quote::observed(price)));
    GivenPrices { source: "test".to_owned(), source_hash: String::new(), prices: quotes.collect() }
}

pub struct Story {
    pub book: Book,
    refs: Refs,
    expected: Expected,
    seen: i64,
    prices: Vec<(String, String)>,
}

impl Story {
    pub fn new(db: &TestDb) -> Self {
        let book = new_book(db);
        let refs = book.read(Refs::load).unwrap();
        Self { book, refs, expected: Expected::new(), seen: 0, prices: Vec::new() }
    }

    pub fn book(&self) -> &Book {
        &self.book
    }

    pub fn today(&self) -> jiff::civil::Date {
        self.book.clock.today()
    }

    pub fn set_day(&mut self, day: &str) {
        self.book.clock.set(format!("{day}T12:00:00Z").parse().unwrap());
    }

    /// A new day with its prices; nothing is valued.
    pub fn day(&mut self, day: &str, prices: &[(&str, &str)]) {
        self.lock(day, prices, false);
    }

    /// A new day with its prices, valued at once.
    pub fn valued_day(&mut self, day: &str, prices: &[(&str, &str)]) {
        self.lock(day, prices, true);
    }

    /// The set of an earlier day, locked late; nothing is valued, and today's prices stay what they are.
    pub fn late_set(&mut self, day: &str, prices: &[(&str, &str)]) {
        let command = LockPrices::given(day.parse().unwrap(), given(prices)).without_valuation();
        self.reply(|book, call| book.lock_prices(&call, command));
    }

    fn lock(&mut self, day: &str, prices: &[(&str, &str)], value: bool) {
        self.set_day(day);
        self.prices = prices.iter().map(|(code, price)| ((*code).to_owned(), (*price).to_owned())).collect();
        let command = LockPrices { value, ..LockPrices::given(self.today(), given(prices)) };
        self.reply(|book, call| book.lock_prices(&call, command));
    }

    pub fn reply(&mut self, command: impl FnOnce(&Book, Call) -> Result<Reply, StoreError>) -> Json {
        let reply = command(&self.book, Call::fresh("cli:test")).unwrap();
        reply.success().unwrap_or_else(|refused| panic!("{refused}")).json()
    }

    pub fn treasury(&mut self, event: TreasuryEvent) -> Json {
        let command = TreasuryCommand::new(self.today(), event);
        self.reply(|book, call| book.post_treasury(&call, command))
    }

    /// Open lots of a wallet, oldest first, as `units at cost`.
    pub fn open_lots(&self, wallet: &str, asset: &str) -> Vec<String> {
        let (wallet, account) = self.refs.wallet("", wallet).unwrap();
        let asset = self.refs.asset("", asset).unwrap();
        let lots = self.book.read(|conn| projection::open_lots(conn, Some(asset.id))).unwrap();
        let there = lots.iter().filter(|lot| lot.wallet == wallet && lot.account == account);
        let text = |lot: &safu_ledger::domain::lot::Lot| {
            let units = format_minor_trimmed(lot.quantity.minor(), asset.scale);
            format!("{units} at {}", format_minor_trimmed(lot.cost.minor(), 8))
        };
        there.map(text).collect()
    }

    /// Compares all that was posted since the last comparison with the next entries of the vector taken together.
    pub fn expect(&mut self, codes: &[&str]) {
        let posted = self.posted();
        let asset = |code: &str| self.refs.asset("", code).map(|asset| (asset.id, asset.scale)).unwrap();
        self.expected.check(&posted, codes, asset);
    }

    fn posted(&mut self) -> Vec<Posting> {
        let first = self.seen + 1;
        let rows = self.book.read(|conn| journal::postings_between(conn, first, i64::MAX)).unwrap();
        self.seen = rows.last().expect("something was posted since").entry_no;
        rows.iter().map(|row| row.to_domain().unwrap()).collect()
    }

    fn trial(&self) -> TrialBalance {
        let rows = self.book.read(projection::balances).unwrap();
        TrialBalance::of_balances(rows.iter().map(|r| (r.account(), r.asset(), r.quantity.quantity(), r.value.value()))).unwrap()
    }

    pub fn check_trial_balance(&self) {
        self.expected.check_trial_balance(&self.trial());
    }

    /// The whole vector was replayed, the books are sound, and the ratios are those of the vector.
    pub fn finish(&self) {
        self.expected.check_complete();
        let trial = self.trial();
        let assets = AssetTable::new(AssetId(1), self.refs.assets.values().cloned()).unwrap();
        let price = |(code, price): &(String, String)| (self.refs.asset("", code).unwrap().id, Price::parse(price).unwrap());
        let prices: BTreeMap<AssetId, Price> = self.prices.iter().map(price).collect();
        let lots = self.book.read(|conn| projection::open_lots(conn, None)).unwrap();
        assert_eq!(invariants::balances(&trial), []);
        assert_eq!(invariants::lots(&trial, &lots), []);
        assert_eq!(invariants::holdings_at_fair_value(&trial, &assets, &prices), []);
        let btc = self.refs.asset("", "BTC").unwrap().id;
        self.expected.check_ratios(&trial, &assets, &prices, btc);
        let verdict = verify(&self.book).unwrap();
        assert!(verdict.is_good(), "the log proves all of it: {:?}", verdict.findings);
    }
}
