//! The book of the story: days, commands, and the comparison of what they posted with the vector.

use crate::support::database::TestDb;
use safu_ledger::domain::account::{AccountNo, no};
use safu_ledger::domain::amount::{Quantity, Rounding, Value, format_minor_trimmed, mul_div, parse_minor, pow10};
use safu_ledger::domain::asset::AssetId;
use safu_ledger::domain::entry::Posting;
use safu_ledger::domain::price::Price;
use safu_ledger::ledger::asset_table::AssetTable;
use safu_ledger::ledger::invariants;
use safu_ledger::ledger::trial_balance::{Amounts, TrialBalance};
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
use std::collections::{BTreeMap, BTreeSet};

const STORY: &str = include_str!("../../fixtures/fund_story.json");

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
        let wallet = NewWallet { code: code.to_owned(), account, address: String::new() };
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
    entries: Vec<Json>,
    end: Json,
    at: usize,
    seen: i64,
    prices: Vec<(String, String)>,
}

impl Story {
    pub fn new(db: &TestDb) -> Self {
        let vector: Json = serde_json::from_str(STORY).unwrap();
        let book = new_book(db);
        let refs = book.read(Refs::load).unwrap();
        let entries = vector["entries"].as_array().unwrap().clone();
        Self { book, refs, entries, end: vector["end"].clone(), at: 0, seen: 0, prices: Vec::new() }
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
        let mut lines = Vec::new();
        for code in codes {
            assert_eq!(self.entries[self.at]["event"], *code, "step {}", self.at);
            lines.extend(self.entries[self.at]["lines"].as_array().unwrap().clone());
            self.at += 1;
        }
        let context = format!("{codes:?} before step {}", self.at);
        let actual = TrialBalance::of_postings(&self.posted()).unwrap();
        let (by_asset, by_account) = self.totals(&lines);
        let named: BTreeSet<AccountNo> = by_asset.keys().map(|(account, _)| *account).chain(by_account.keys().copied()).collect();
        for (account, asset, amounts) in actual.rows() {
            if !named.contains(&account) {
                assert!(account == no::CONVERSION && amounts.value.is_zero(), "{context}: unexpected line on {account}");
            } else if !by_account.contains_key(&account) {
                assert!(
                    by_asset.contains_key(&(account, asset)) || amounts.is_zero(),
                    "{context}: unexpected asset on {account}"
                );
            }
        }
        for ((account, asset), amounts) in by_asset {
            assert_eq!(actual.get(account, asset), amounts, "{context}: account {account}, asset {asset:?}");
        }
        for (account, value) in by_account {
            assert_eq!(actual.value_of(&[account]).unwrap(), value, "{context}: account {account}");
        }
    }

    fn posted(&mut self) -> Vec<Posting> {
        let first = self.seen + 1;
        let rows = self.book.read(|conn| journal::postings_between(conn, first, i64::MAX)).unwrap();
        self.seen = rows.last().unwrap_or_else(|| panic!("nothing was posted before step {}", self.at)).entry_no;
        rows.iter().map(|row| row.to_domain().unwrap()).collect()
    }

    fn totals(&self, lines: &[Json]) -> (BTreeMap<(AccountNo, AssetId), Amounts>, BTreeMap<AccountNo, Value>) {
        let mut by_asset: BTreeMap<(AccountNo, AssetId), Amounts> = BTreeMap::new();
        let mut by_account: BTreeMap<AccountNo, Value> = BTreeMap::new();
        for line in lines {
            let account = AccountNo(line["account"].as_str().unwrap().parse().unwrap());
            let value = Value::parse(line["usd"].as_str().unwrap()).unwrap();
            let debit = line["side"] == "dr";
            let value = if debit { value } else { value.negated() };
            match line["asset"].as_str() {
                None => {
                    let sum = by_account.entry(account).or_default();
                    *sum = sum.checked_add(value).unwrap();
                }
                Some(code) => {
                    let asset = self.refs.asset("", code).unwrap();
                    let quantity = Quantity::parse(line["quantity"].as_str().unwrap(), asset.scale).unwrap();
                    let row = by_asset.entry((account, asset.id)).or_default();
                    *row = row.plus(if debit { quantity } else { quantity.negated() }, value).unwrap();
                }
            }
        }
        (by_asset, by_account)
    }

    fn trial(&self) -> TrialBalance {
        let rows = self.book.read(projection::balances).unwrap();
        TrialBalance::of_balances(rows.iter().map(|r| (r.account(), r.asset(), r.quantity.quantity(), r.value.value()))).unwrap()
    }

    pub fn check_trial_balance(&self) {
        let trial = self.trial();
        let expected = self.end["trial_balance_before_close_usd"].as_object().unwrap();
        for (account, value) in expected {
            let account = AccountNo(account.parse().unwrap());
            assert_eq!(trial.value_of(&[account]).unwrap(), Value::parse(value.as_str().unwrap()).unwrap(), "account {account}");
        }
        for (account, ..) in trial.rows() {
            assert!(
                account == no::CONVERSION || expected.contains_key(&account.to_string()),
                "account {account} is not in the story"
            );
        }
    }

    /// The whole vector was replayed, the books are sound, and the ratios are those of the vector.
    pub fn finish(&self) {
        assert_eq!(self.at, self.entries.len(), "every entry of the story was replayed");
        let trial = self.trial();
        let assets = AssetTable::new(AssetId(1), self.refs.assets.values().cloned()).unwrap();
        let price = |(code, price): &(String, String)| (self.refs.asset("", code).unwrap().id, Price::parse(price).unwrap());
        let prices: BTreeMap<AssetId, Price> = self.prices.iter().map(price).collect();
        let lots = self.book.read(|conn| projection::open_lots(conn, None)).unwrap();
        assert_eq!(invariants::balances(&trial), []);
        assert_eq!(invariants::lots(&trial, &lots), []);
        assert_eq!(invariants::holdings_at_fair_value(&trial, &assets, &prices), []);
        self.check_ratios(&trial, &assets, &prices);
        let verdict = verify(&self.book).unwrap();
        assert!(verdict.is_good(), "the log proves all of it: {:?}", verdict.findings);
    }

    fn check_ratios(&self, trial: &TrialBalance, assets: &AssetTable, prices: &BTreeMap<AssetId, Price>) {
        let btc = self.refs.asset("", "BTC").unwrap().id;
        let figure = |name: &str| Value::parse(self.end[name].as_str().unwrap()).unwrap();
        let of = |accounts: &[AccountNo]| trial.value_of(accounts).unwrap();
        let minus = |a: Value, b: Value| a.checked_sub(b).unwrap();
        let class = |first: i32| {
            Value::checked_sum(trial.rows().filter(|(a, ..)| a.0.div_euclid(1000) == first).map(|(.., x)| x.value)).unwrap()
        };
        assert_eq!(class(1), figure("assets_usd"));
        assert_eq!(class(2).negated(), figure("liabilities_usd"));
        assert_eq!(class(3).negated(), figure("equity_usd"));
        assert_eq!((class(4), class(5)), (Value::ZERO, Value::ZERO), "income and expense are closed");
        let fair = of(&no::HOLDINGS.into_iter().chain([no::FAIR_VALUE_ADJUSTMENT]).collect::<Vec<_>>());
        assert_eq!(fair, figure("fund_fair_value_usd"));
        let locked = trial.units_of(&[no::ENCUMBERED], btc).unwrap();
        let encumbered = assets.fair_value(btc, locked, prices[&btc]).unwrap();
        assert_eq!(encumbered, figure("encumbered_fair_value_usd"));
        let owed = of(&no::OBLIGATIONS).negated();
        assert_eq!(owed, figure("obligations_usd"));

        let millionths = |a: i128, b: i128| mul_div(a, pow10(6).unwrap(), b, Rounding::HalfEven).unwrap();
        let ratio = |name: &str| parse_minor(self.end[name].as_str().unwrap(), 6).unwrap();
        assert_eq!(millionths(fair.minor(), owed.minor()), ratio("coverage_ratio"));
        let available = minus(minus(fair, encumbered), of(&[no::SUSPENSE, no::REFUNDABLE]).negated());
        assert_eq!(millionths(available.minor(), owed.minor()), ratio("available_ratio_excluding_encumbered"));
        let free: Vec<_> = no::HOLDINGS.into_iter().filter(|account| *account != no::ENCUMBERED).collect();
        let held = trial.units_of(&free, btc).unwrap();
        let due = trial.units_of(&no::IN_KIND, btc).unwrap().negated();
        let units = |name: &str| Quantity::parse(self.end[name].as_str().unwrap(), 8).unwrap();
        assert_eq!((held, due), (units("btc_held"), units("btc_owed")));
        assert_eq!(millionths(held.minor(), due.minor()), ratio("btc_matched_ratio"));
    }
}
