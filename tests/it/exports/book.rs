//! A book in memory: random, balanced, with hostile names and memos, the same for the same seed.

use jiff::{Timestamp, civil::Date};
use safu_ledger::domain::account::{Account, AccountClass, AccountNo};
use safu_ledger::domain::amount::{Quantity, Value};
use safu_ledger::domain::asset::{Asset, AssetCode, AssetId};
use safu_ledger::domain::entry::{Dims, LotOpening, Posting};
use safu_ledger::domain::event::Event;
use safu_ledger::domain::ids::{EntryNo, IncidentId, LotId, ReportId, WalletId};
use safu_ledger::domain::price::Price;
use safu_ledger::domain::text::Name;
use safu_ledger::report::export::{Book, Closing, ExportEntry};
use std::collections::BTreeMap;

/// The splitmix64 generator: small, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end).unwrap()).unwrap()
    }
    /// A signed amount of 1 to `digits` digits.
    fn amount(&mut self, digits: usize) -> i128 {
        let wide = (u128::from(self.roll()) << 64) | u128::from(self.roll());
        let limit = 10_u128.pow(u32::try_from(1 + self.below(digits)).unwrap());
        let magnitude = i128::try_from(wide % limit).unwrap();
        if self.roll().is_multiple_of(2) { magnitude } else { -magnitude }
    }
}

pub struct Kept {
    pub no: EntryNo,
    pub event: Event,
    pub effective_on: Date,
    pub recorded_at: Timestamp,
    pub reverses: Option<EntryNo>,
    pub memo: String,
    pub postings: Vec<Posting>,
}

impl Kept {
    pub fn borrowed(&self) -> ExportEntry<'_> {
        ExportEntry {
            no: self.no,
            event: self.event,
            effective_on: self.effective_on,
            recorded_at: self.recorded_at,
            reverses: self.reverses,
            memo: &self.memo,
            postings: &self.postings,
        }
    }
}

pub struct Sample {
    pub assets: Vec<Asset>,
    pub accounts: Vec<Account>,
    pub entries: Vec<Kept>,
    pub closing: Vec<Closing>,
    wallets: Vec<(WalletId, String)>,
    incidents: Vec<(IncidentId, String)>,
}

const ASSETS: [(&str, u8); 7] = [("USD", 2), ("BTC", 8), ("ETH", 18), ("BNB", 18), ("USDC2", 6), ("TRUE", 0), ("NULL", 3)];
const ACCOUNTS: [(i32, &str); 10] = [
    (1110, "Cold wallets, at cost"),
    (1120, "Payout  wallets; \"hot\" | x\ty"),
    (1190, "!!!"),
    (2110, "Provision: case reserves"),
    (2130, "(virtual) [balanced] = @ {lot} ~ 1.00 BTC"),
    (3100, "-Принцип- 保障基金"),
    (3200, "Sponsor capital"),
    (4100, " Fee contributions "),
    (5100, "Compensation incurred: case"),
    (5110, "a"),
];
const MEMOS: [&str; 9] = [
    "Contributions of spot, 2019-01-04",
    "",
    "two\nlines\r\n2019-01-01 open Assets:Forged\n    Assets:1110  5 BTC",
    "a ; comment | payee \"quoted\" 'single' \\ back\\slash\\",
    "=1+1; @SUM(A1)  two spaces\ttab",
    "(code) * ! [2019-01-01] {cost} :tag: key: value #tag ^link",
    "保障基金 – зачисление \u{202e}evil\u{2028}next\u{0}\u{7f}\u{85}",
    "; starts as comment",
    "~ periodic = auto",
];

/// A book of `count` entries whose amounts have up to `digits` digits in minor units.
pub fn sample(seed: u64, count: usize, digits: usize) -> Sample {
    let mut dice = Dice(seed);
    let assets: Vec<_> = ASSETS.iter().zip(1..).map(|(&(code, scale), id)| asset(id, code, scale)).collect();
    let accounts: Vec<_> = ACCOUNTS.iter().map(|&(no, name)| account(no, name)).collect();
    let start = Date::constant(2018, 7, 14);
    let mut entries = Vec::with_capacity(count);
    let mut balances: BTreeMap<(AccountNo, AssetId), (i128, i128)> = BTreeMap::new();
    for no in 1..=i64::try_from(count).unwrap() {
        let mut postings = lines(&mut dice, digits, &balances);
        while postings.len() < 2 {
            postings = lines(&mut dice, digits, &balances);
        }
        for line in &postings {
            let sum = balances.entry((line.account, line.asset)).or_default();
            sum.0 += line.quantity.minor();
            sum.1 += line.value.minor();
        }
        // Recorded in order; business dates jump back and forth by up to a year.
        let day = start.checked_add(jiff::Span::new().days(i64::try_from(dice.below(365)).unwrap())).unwrap();
        entries.push(Kept {
            no: EntryNo(no),
            event: Event::ALL[dice.below(Event::ALL.len())],
            effective_on: day,
            recorded_at: Timestamp::from_microsecond(1_531_526_400_000_000 + no * 1_000_003).unwrap(),
            reverses: (no > 1 && dice.below(20) == 0).then(|| EntryNo(no - 1)),
            memo: MEMOS[dice.below(MEMOS.len())].to_owned(),
            postings,
        });
    }
    let closing = balances.into_iter().map(|((account, asset), (quantity, value))| Closing {
        account,
        asset,
        quantity: Quantity(quantity),
        value: Value(value),
    });
    Sample {
        assets,
        accounts,
        entries,
        closing: closing.collect(),
        wallets: vec![(WalletId(1), "cold-1".into())],
        incidents: vec![(IncidentId(1), "2019-05".into())],
    }
}

impl Sample {
    pub fn book(&self) -> Book<'_> {
        Book {
            name: "Sample \"fund\"; of\nmany",
            functional: "USD",
            assets: &self.assets,
            accounts: &self.accounts,
            closing: &self.closing,
            wallets: &self.wallets,
            incidents: &self.incidents,
        }
    }
}

/// 2 to 6 lines that sum to zero in units of each asset and in value; value-only and units-only lines are among them.
fn lines(dice: &mut Dice, digits: usize, balances: &BTreeMap<(AccountNo, AssetId), (i128, i128)>) -> Vec<Posting> {
    let mut postings: Vec<Posting> = Vec::new();
    let mut value_left = 0;
    for _ in 0..=dice.below(2) {
        let asset = AssetId(i32::try_from(1 + dice.below(ASSETS.len())).unwrap());
        let mut quantity_left = 0;
        for _ in 0..=dice.below(2) {
            let line = line(dice, asset, digits, balances);
            quantity_left += line.quantity.minor();
            value_left += line.value.minor();
            postings.push(line);
        }
        postings.push(Posting { quantity: Quantity(-quantity_left), value: Value::ZERO, ..line(dice, asset, digits, balances) });
    }
    if let Some(last) = postings.last_mut() {
        last.value = Value(-value_left);
    }
    postings.retain(|line| !(line.quantity.is_zero() && line.value.is_zero()));
    postings
}

fn line(dice: &mut Dice, asset: AssetId, digits: usize, balances: &BTreeMap<(AccountNo, AssetId), (i128, i128)>) -> Posting {
    let account = AccountNo(ACCOUNTS[dice.below(ACCOUNTS.len())].0);
    // Steering back towards zero keeps balances within the digits that a book may have.
    let (held, worth) = balances.get(&(account, asset)).copied().unwrap_or_default();
    let toward = |amount: i128, balance: i128| if (amount < 0) == (balance < 0) { -amount } else { amount };
    let quantity = if dice.below(5) == 0 { 0 } else { toward(dice.amount(digits), held) };
    let value = if dice.below(5) == 0 { 0 } else { toward(dice.amount(digits.min(30)), worth) };
    let opens = dice.below(4) == 0;
    Posting {
        account,
        asset,
        quantity: Quantity(quantity),
        value: Value(value),
        dims: Dims {
            wallet: (dice.below(3) == 0).then(|| WalletId(i32::try_from(1 + dice.below(2)).unwrap())),
            lot: opens.then(|| LotId(i64::try_from(dice.below(99)).unwrap())),
            incident: (dice.below(9) == 0).then_some(IncidentId(1)),
            report: (dice.below(9) == 0).then_some(ReportId(17)),
        },
        opens: opens.then(|| LotOpening { acquired_on: Date::constant(2018, 8, 1), mark: Price::parse("3742.70").ok() }),
    }
}

fn asset(id: i32, code: &str, scale: u8) -> Asset {
    let (code, network) = (AssetCode::parse(code).unwrap(), Name::parse("net").unwrap());
    Asset { id: AssetId(id), code, network, scale, own_token: false }
}

fn account(no: i32, name: &str) -> Account {
    Account { no: AccountNo(no), name: name.into(), class: AccountClass::of(AccountNo(no)).unwrap() }
}
