//! A book in memory: balances, lots and the day's prices. Every entry is applied and the standing invariants are checked.

use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::{Asset, AssetCode, AssetId};
use crate::domain::entry::{Balanced, Dims};
use crate::domain::ids::{EntryNo, IncidentId, WalletId};
use crate::domain::outcome::Rejection;
use crate::domain::price::Price;
use crate::domain::text::Name;
use crate::ledger::asset_table::AssetTable;
use crate::ledger::invariants;
use crate::ledger::lots::LotTable;
use crate::ledger::posting::close::{self, ClosingBalance};
use crate::ledger::posting::mark_to_market;
use crate::ledger::posting::remeasurement::{self, Obligation};
use crate::ledger::posting::reversal::{self, Original};
use crate::ledger::posting::{Carrying, Context, Header, NextLot, Place, Receipt};
use crate::ledger::trial_balance::{Amounts, TrialBalance};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use std::collections::BTreeMap;

pub const USD: AssetId = AssetId(1);
pub const BTC: AssetId = AssetId(2);
pub const BNB: AssetId = AssetId(3);
pub const USDC: AssetId = AssetId(4);
pub const COLD: Place = Place::new(WalletId(1), no::COLD);
pub const PAYOUT: Place = Place::new(WalletId(2), no::PAYOUT);
pub const BANK: Place = Place::new(WalletId(3), no::BANK);
pub const LOCKED: Place = Place::new(WalletId(1), no::ENCUMBERED);

pub struct Book {
    pub assets: AssetTable,
    pub prices: BTreeMap<AssetId, Price>,
    pub lots: LotTable,
    pub trial: TrialBalance,
    pub entries: Vec<Balanced>,
    by_incident: BTreeMap<(AccountNo, AssetId, Option<IncidentId>), Amounts>,
    next_lot: NextLot,
    today: Date,
}

impl Book {
    pub fn new() -> Self {
        let asset = |id, code, network, scale| Asset {
            id,
            code: AssetCode::parse(code).unwrap(),
            network: Name::parse(network).unwrap(),
            scale,
            own_token: id == BNB,
        };
        let all = [
            asset(USD, "USD", "fiat", 2),
            asset(BTC, "BTC", "bitcoin", 8),
            asset(BNB, "BNB", "bsc", 8),
            asset(USDC, "USDC", "eth", 6),
        ];
        let mut book = Self {
            assets: AssetTable::new(USD, all).unwrap(),
            prices: BTreeMap::new(),
            lots: LotTable::default(),
            trial: TrialBalance::default(),
            entries: Vec::new(),
            by_incident: BTreeMap::new(),
            next_lot: NextLot::starting_at(1),
            today: date(2019, 1, 1),
        };
        book.price(USDC, "1");
        book
    }

    pub fn price(&mut self, asset: AssetId, text: &str) {
        self.prices.insert(asset, Price::parse(text).unwrap());
    }

    pub fn units(&self, asset: AssetId, text: &str) -> Quantity {
        Quantity::parse(text, self.assets.get(asset).unwrap().scale).unwrap()
    }

    pub fn receipt(&self, place: Place, asset: AssetId, text: &str) -> Receipt {
        Receipt { place, asset, quantity: self.units(asset, text) }
    }

    /// What a credit account carries for an incident.
    pub fn owed(&self, account: AccountNo, asset: AssetId, incident: i32) -> Carrying {
        let amounts = self.by_incident.get(&(account, asset, Some(IncidentId(incident)))).copied().unwrap_or_default();
        Carrying::credit(amounts.quantity, amounts.value)
    }

    /// What a debit account carries for an incident.
    pub fn claimed(&self, account: AccountNo, asset: AssetId, incident: i32) -> Carrying {
        let amounts = self.by_incident.get(&(account, asset, Some(IncidentId(incident)))).copied().unwrap_or_default();
        Carrying::debit(amounts.quantity, amounts.value)
    }

    /// Runs a rule on the next day and applies its entry; a refused rule leaves the book alone.
    pub fn post(
        &mut self,
        rule: impl FnOnce(&mut Context<'_>, Header) -> Result<Balanced, Rejection>,
    ) -> Result<Balanced, Rejection> {
        self.post_some(|ctx, header| rule(ctx, header).map(Some)).map(Option::unwrap)
    }

    pub fn post_some(
        &mut self,
        rule: impl FnOnce(&mut Context<'_>, Header) -> Result<Option<Balanced>, Rejection>,
    ) -> Result<Option<Balanced>, Rejection> {
        let bank = self.trial.get(no::BANK, USD).quantity;
        let mut ctx =
            Context::new(&self.assets, &self.prices, self.lots.open().copied(), self.next_lot).with_bank(BANK.wallet, bank);
        let entry = rule(&mut ctx, Header::new(self.today, "test"))?;
        self.next_lot = ctx.next_lot();
        self.today = self.today.checked_add(1.day()).unwrap();
        if let Some(entry) = &entry {
            self.apply(entry);
        }
        Ok(entry)
    }

    fn apply(&mut self, entry: &Balanced) {
        self.lots.apply(entry).unwrap();
        for line in entry.lines() {
            self.trial.add(line.account, line.asset, line.quantity, line.value).unwrap();
            let row = self.by_incident.entry((line.account, line.asset, line.dims.incident)).or_default();
            *row = row.plus(line.quantity, line.value).unwrap();
        }
        self.entries.push(entry.clone());
        assert_eq!(invariants::balances(&self.trial), []);
        assert_eq!(invariants::lots(&self.trial, self.lots.all()), []);
    }

    pub fn mark(&mut self) -> Option<Balanced> {
        let rows = self.trial.rows().filter(|(account, ..)| *account == no::FAIR_VALUE_ADJUSTMENT);
        let adjustments = rows.map(|(_, asset, amounts)| (asset, amounts.value)).collect();
        let held = mark_to_market::holdings(self.lots.open(), &adjustments).unwrap();
        let entry = self.post_some(|ctx, header| mark_to_market::post(ctx, header, &held)).unwrap();
        assert_eq!(invariants::holdings_at_fair_value(&self.trial, &self.assets, &self.prices), []);
        entry
    }

    fn obligations(&self) -> Vec<Obligation> {
        let rows = self.by_incident.iter().filter(|((account, ..), amounts)| no::IN_KIND.contains(account) && !amounts.is_zero());
        rows.map(|(&(account, asset, incident), a)| Obligation {
            account,
            asset,
            incident,
            carrying: Carrying::credit(a.quantity, a.value),
        })
        .collect()
    }

    pub fn remeasure(&mut self) -> Option<Balanced> {
        let owed = self.obligations();
        let entry = self.post_some(|ctx, header| remeasurement::post(ctx, header, &owed)).unwrap();
        let rows = self.obligations().into_iter().map(|o| (o.account, o.asset, o.carrying.quantity, o.carrying.value));
        assert_eq!(invariants::obligations_at_price(rows, &self.assets, &self.prices), []);
        entry
    }

    pub fn close(&mut self) -> Option<Balanced> {
        let rows =
            self.by_incident.iter().filter(|((account, ..), amounts)| (4000..6000).contains(&account.0) && !amounts.is_zero());
        let balances: Vec<_> = rows
            .map(|(&(account, asset, incident), amounts)| ClosingBalance {
                account,
                asset,
                dims: Dims { incident, ..Dims::default() },
                quantity: amounts.quantity,
                value: amounts.value,
            })
            .collect();
        self.post_some(|ctx, header| close::post(ctx, header, &balances)).unwrap()
    }

    /// Reverses the entry with this 1-based number.
    pub fn reverse(&mut self, number: usize) -> Result<Balanced, Rejection> {
        let entry = self.entries[number.checked_sub(1).unwrap()].clone();
        let no = EntryNo(i64::try_from(number).unwrap());
        let reversed_by =
            self.entries.iter().position(|e| e.draft().reverses == Some(no)).map(|at| EntryNo(i64::try_from(at).unwrap()));
        let lots = self.lots.all().map(|lot| (lot.id, *lot)).collect();
        let original = Original { no, event: entry.draft().event, lines: entry.lines(), reversed_by, lots: &lots };
        self.post(|_, header| reversal::post(header, &original))
    }

    pub fn value(&self, account: AccountNo) -> Value {
        self.trial.value_of(&[account]).unwrap()
    }
}
