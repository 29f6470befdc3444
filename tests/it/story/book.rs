//! The book of the story: days, commands, and the comparison of what they posted with the vector.

use crate::support::database::TestDb;
use diesel::prelude::*;
use safu_ledger::domain::account::{AccountNo, no};
use safu_ledger::domain::amount::{Quantity, Rounding, Value, format_minor_trimmed, mul_div, parse_minor, pow10};
use safu_ledger::domain::asset::AssetId;
use safu_ledger::domain::entry::{Balanced, Posting};
use safu_ledger::domain::ids::IncidentId;
use safu_ledger::domain::outcome::Rejection;
use safu_ledger::domain::price::Price;
use safu_ledger::ledger::asset_table::AssetTable;
use safu_ledger::ledger::invariants;
use safu_ledger::ledger::posting::{
    Context, Header, Receipt, accrual, approval, case_revision, ibnr, incident, payout, recovery, restatement, transfer,
};
use safu_ledger::ledger::trial_balance::{Amounts, TrialBalance};
use safu_ledger::service::clock::Clock;
use safu_ledger::service::desk::{self, Desk};
use safu_ledger::service::init::{self, NewBook};
use safu_ledger::service::prices::{GivenPrices, LockPrices, Quote};
use safu_ledger::service::refs::Refs;
use safu_ledger::service::registry::{NewAsset, NewWallet};
use safu_ledger::service::treasury::{TreasuryCommand, TreasuryEvent, Units};
use safu_ledger::service::{Answer, Book, Call, Reply};
use safu_ledger::store::conn::DatabaseUrl;
use safu_ledger::store::error::StoreError;
use safu_ledger::store::tx::Tx;
use safu_ledger::store::{journal, projection};
use serde_json::{Value as Json, json};
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
    book: Book,
    url: String,
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
        let mut story = Self {
            book,
            url: db.url().to_owned(),
            refs,
            entries,
            end: vector["end"].clone(),
            at: 0,
            seen: 0,
            prices: Vec::new(),
        };
        story.declare(1, "INC-1");
        story.declare(2, "INC-2");
        story
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

/// Steps whose workflows stand on files and states: here by their posting rule.
impl Story {
    fn declare(&mut self, id: i32, code: &str) {
        let sql = format!(
            "INSERT INTO incident (id, code, kind, title, occurred_at, leaf) VALUES ({id}, '{code}', 'theft', 'x', 0, -{id})"
        );
        match self.url.split_once("://").unwrap() {
            ("sqlite", path) => {
                let mut conn = SqliteConnection::establish(path).unwrap();
                diesel::sql_query(sql).execute(&mut conn).unwrap();
            }
            #[cfg(feature = "postgres")]
            _ => {
                let mut conn = PgConnection::establish(&self.url).unwrap();
                diesel::sql_query(sql).execute(&mut conn).unwrap();
            }
            #[cfg(not(feature = "postgres"))]
            other => panic!("{other:?}"),
        }
    }

    fn rule(
        &mut self,
        assets: &[&str],
        rule: impl Fn(&mut Tx<'_>, &Desk) -> Box<dyn FnOnce(&mut Context<'_>, Header) -> Result<Balanced, Rejection>> + Send + 'static,
    ) {
        let day = self.today();
        let assets: Vec<String> = assets.iter().map(|code| (*code).to_owned()).collect();
        self.reply(|book, call| {
            book.command(&call, &json!({"rule": call.key}), move |tx| {
                let desk = Desk::load(tx, day)?;
                let ids: Vec<AssetId> = assets.iter().map(|code| desk.refs.asset("", code).unwrap().id).collect();
                let rule = rule(tx, &desk);
                let entry = desk.run(tx, &ids, &[], |ctx| rule(ctx, Header::new(day, "test")))?;
                tx.post_entry(entry, "treasury:test")?;
                Ok(Answer::created(json!({})))
            })
        });
    }

    pub fn accrue(&mut self, contributions: &[(&str, &str)]) {
        let contributions: Vec<(String, String)> =
            contributions.iter().map(|(a, q)| ((*a).to_owned(), (*q).to_owned())).collect();
        self.rule(&[], move |_, desk| {
            let contributions = contributions.iter().map(|(a, q)| desk.amount("", a, q).unwrap()).collect();
            let input = accrual::Accrual { report: None, contributions };
            Box::new(move |ctx, header| accrual::post(ctx, header, &input))
        });
    }

    pub fn restate_down(&mut self, asset: &'static str, quantity: &'static str) {
        self.rule(&[], move |tx, desk| {
            let (asset, quantity) = desk.amount("", asset, quantity).unwrap();
            let stands = desk::claimed(tx, no::CONTRIBUTIONS_RECEIVABLE, asset, None).unwrap();
            let changes = vec![(asset, restatement::Change::Down(quantity, stands))];
            Box::new(move |ctx, header| restatement::post(ctx, header, &restatement::Restatement { report: None, changes }))
        });
    }

    fn of_incident(
        &mut self,
        incident: &str,
        (asset, quantity): (&'static str, &'static str),
        rule: fn(
            &mut Tx<'_>,
            IncidentId,
            AssetId,
            Quantity,
        ) -> Box<dyn FnOnce(&mut Context<'_>, Header) -> Result<Balanced, Rejection>>,
    ) {
        let incident = IncidentId(if incident == "INC-1" { 1 } else { 2 });
        self.rule(&[asset], move |tx, desk| {
            let (asset, quantity) = desk.amount("", asset, quantity).unwrap();
            rule(tx, incident, asset, quantity)
        });
    }

    pub fn recognise(
        &mut self,
        incident: &str,
        estimates: &[(&'static str, &'static str, &'static str)],
        handling: &'static str,
    ) {
        let incident = IncidentId(if incident == "INC-1" { 1 } else { 2 });
        let estimates = estimates.to_vec();
        self.rule(&[], move |_, desk| {
            let estimate = |(asset, case, ibnr): &(&str, &str, &str)| {
                let (asset, case) = desk.amount("", asset, case).unwrap();
                let ibnr = Quantity::parse(ibnr, desk.refs.scale(asset)).unwrap();
                incident::Estimate { asset, case, ibnr }
            };
            let handling = desk.amount("", "USD", handling).unwrap().1;
            let input = incident::Recognition { incident, estimates: estimates.iter().map(estimate).collect(), handling };
            Box::new(move |ctx, header| incident::post(ctx, header, &input))
        });
    }

    pub fn identify(&mut self, incident: &str, asset: &'static str, quantity: &'static str) {
        self.of_incident(incident, (asset, quantity), |tx, incident, asset, quantity| {
            let ibnr = desk::owed(tx, no::IBNR, asset, Some(incident)).unwrap();
            Box::new(move |ctx, header| ibnr::post_identified(ctx, header, &ibnr::IbnrChange { incident, asset, quantity, ibnr }))
        });
    }

    pub fn release(&mut self, incident: &str, asset: &'static str, quantity: &'static str) {
        self.of_incident(incident, (asset, quantity), |tx, incident, asset, quantity| {
            let ibnr = desk::owed(tx, no::IBNR, asset, Some(incident)).unwrap();
            Box::new(move |ctx, header| ibnr::post_released(ctx, header, &ibnr::IbnrChange { incident, asset, quantity, ibnr }))
        });
    }

    pub fn raise(&mut self, incident: &str, asset: &'static str, quantity: &'static str) {
        self.of_incident(incident, (asset, quantity), |_, incident, asset, quantity| {
            let revision = case_revision::CaseRevision { incident, asset, quantity, revision: case_revision::Revision::Raise };
            Box::new(move |ctx, header| case_revision::post(ctx, header, &revision))
        });
    }

    pub fn approve(&mut self, incident: &str, asset: &'static str, quantity: &'static str) {
        self.of_incident(incident, (asset, quantity), |tx, incident, asset, quantity| {
            let case_reserve = desk::owed(tx, no::CASE_RESERVES, asset, Some(incident)).unwrap();
            Box::new(move |ctx, header| {
                approval::post(ctx, header, &approval::Approval { incident, asset, quantity, case_reserve })
            })
        });
    }

    pub fn recognise_recovery(&mut self, incident: &str, asset: &'static str, quantity: &'static str) {
        self.of_incident(incident, (asset, quantity), |tx, incident, asset, quantity| {
            let loss_room = desk::loss_room(tx, incident).unwrap();
            let input = recovery::RecoveryRecognised { incident, asset, quantity, loss_room };
            Box::new(move |ctx, header| recovery::post_recognised(ctx, header, &input))
        });
    }

    pub fn receive_recovery(&mut self, incident: &str, received: &Units) {
        let incident = IncidentId(if incident == "INC-1" { 1 } else { 2 });
        let received = received.clone();
        self.rule(&[], move |tx, desk| {
            let receipt = receipt(desk, &received);
            let asset = receipt.asset;
            let position = recovery::RecoveryPosition {
                gross: desk::claimed(tx, no::RECOVERIES, asset, Some(incident)).unwrap(),
                allowance: desk::owed(tx, no::RECOVERIES_ALLOWANCE, asset, Some(incident)).unwrap(),
                loss_room: desk::loss_room(tx, incident).unwrap(),
            };
            let input = recovery::RecoveryReceived { incident, receipt, position };
            Box::new(move |ctx, header| recovery::post_received(ctx, header, &input))
        });
    }

    pub fn pay(&mut self, incident: &str, paid: &Units, fee: Option<&Units>) {
        let incident = IncidentId(if incident == "INC-1" { 1 } else { 2 });
        let asset = paid.asset.clone();
        let paid = paid.clone();
        self.rule(&[&asset], move |tx, desk| {
            let Receipt { place: from, asset, quantity } = receipt(desk, &paid);
            let payable = desk::owed(tx, no::CLAIMS_PAYABLE, asset, Some(incident)).unwrap();
            let input = payout::Payout { incident, from, asset, quantity, payable };
            Box::new(move |ctx, header| payout::post(ctx, header, &input))
        });
        if let Some(fee) = fee.cloned() {
            self.rule(&[&asset], move |_, desk| {
                let Receipt { place, asset, quantity } = receipt(desk, &fee);
                let fee = transfer::NetworkFee { place, asset, quantity };
                Box::new(move |ctx, header| payout::post_network_fee(ctx, header, incident, &fee))
            });
        }
    }
}

fn receipt(desk: &Desk, units: &Units) -> Receipt {
    let place = desk.place("", &units.wallet).unwrap();
    let (asset, quantity) = desk.amount("", &units.asset, &units.quantity).unwrap();
    Receipt { place, asset, quantity }
}
