//! Tells the story: the ordinary days (prices locked at midnight, reports in the night, settlements on Mondays, months closed on
//! the fifth) with the agenda of what is not ordinary.

use super::closes::{self, Close};
use super::fees::{MARGIN, Report, SPOT};
use super::folder::Folder;
use super::{DemoError, LAST_DAY, Progress, agenda, people, setup};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::format_minor_trimmed;
use crate::domain::close::{Item, ItemState};
use crate::domain::period::Period;
use crate::report::fund::days_between;
use crate::service::clock::Clock;
use crate::service::init::{self, NewBook};
use crate::service::periods::checklist::MarkItem;
use crate::service::prices::LockPrices;
use crate::service::refs::Refs;
use crate::service::treasury::{TreasuryCommand, TreasuryEvent, Units};
use crate::service::{Book, Call, Reply};
use crate::store::conn::DatabaseUrl;
use crate::store::error::StoreError;
use crate::store::projection;
use jiff::civil::{Date, Time, Weekday, date, time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::collections::BTreeMap;

/// The first day of contributions.
pub const FIRST_DAY: Date = date(2018, 7, 14);
/// The moment after the last night, 2019-07-01 09:00 UTC.
pub const END: Timestamp = Timestamp::constant(1_561_971_600, 0);

/// The wallets that contributions are settled into, by asset.
const SETTLED_INTO: [(&str, &str); 3] = [("BTC", "cold-btc"), ("BNB", "cold-bnb"), ("USDC", "cold-usdc")];

/// The story while it is told.
pub struct Story<'a> {
    /// The book.
    pub book: Book,
    /// Where inputs are kept.
    pub folder: &'a Folder,
    /// Seed of everything synthetic.
    pub seed: u64,
    /// The day that is told; what happens in the night before belongs to it.
    pub today: Date,
    closes: BTreeMap<Date, Close>,
    commands: u64,
}

/// Tells the whole story into a new book.
pub fn tell(url: &DatabaseUrl, folder: &Folder, seed: u64, progress: &mut dyn FnMut(&Progress<'_>)) -> Result<Book, DemoError> {
    let begin = date(2018, 7, 3);
    let clock = Clock::simulated(moment(begin, time(9, 0, 0, 0))?);
    let new = NewBook { name: "User protection fund (demo, synthetic data)".to_owned(), ..NewBook::default() };
    let book = init::create(url, clock, "cli:controller", &new)?;
    let mut story = Story { book, folder, seed, today: begin, closes: closes::daily()?, commands: 0 };
    folder.keep("market_closes.csv", closes::CLOSES.as_bytes())?;
    setup::run(&mut story)?;
    let days = u64::try_from(days_between(FIRST_DAY, LAST_DAY)).unwrap_or_default().saturating_add(1);
    for (day, done) in FIRST_DAY.series(1.day()).take_while(|day| *day <= LAST_DAY).zip(1_u64..) {
        let mut tell = |story: &Story<'_>, happens: Option<&str>| progress(&Progress { day: story.today, done, days, happens });
        story.day(day, &mut tell)?;
    }
    progress(&Progress { day: story.today, done: days, days, happens: Some("people log in, and two must agree from now on") });
    people::run(&mut story)?;
    Ok(story.book)
}

fn moment(day: Date, at: Time) -> Result<Timestamp, DemoError> {
    let zoned = day.to_datetime(at).to_zoned(TimeZone::UTC);
    zoned.map(|zoned| zoned.timestamp()).map_err(|e| DemoError::Unexpected(format!("{day} {at}: {e}")))
}

impl Story<'_> {
    /// What the agenda has for a day, then the night after it.
    fn day(&mut self, day: Date, tell: &mut dyn FnMut(&Self, Option<&str>)) -> Result<(), DemoError> {
        self.today = day;
        self.agenda(agenda::Hour::Day, tell)?;
        self.today = day.tomorrow().map_err(|e| DemoError::Unexpected(e.to_string()))?;
        self.lock_prices(day)?;
        self.agenda(agenda::Hour::AfterPrices, tell)?;
        self.reports(day)?;
        self.agenda(agenda::Hour::AfterReports, tell)?;
        match self.today.day() {
            3 => self.soft_close_month_before()?,
            5 => self.close_month_before()?,
            _ => {}
        }
        if self.today.weekday() == Weekday::Monday && self.today <= LAST_DAY {
            self.settle()?;
        }
        tell(self, None);
        Ok(())
    }

    fn agenda(&mut self, hour: agenda::Hour, tell: &mut dyn FnMut(&Self, Option<&str>)) -> Result<(), DemoError> {
        for item in agenda::of(self.today, hour) {
            tell(self, Some(item.what));
            (item.act)(self).map_err(|error| DemoError::Unexpected(format!("{}, {}: {error}", item.day, item.what)))?;
        }
        Ok(())
    }

    /// Moves the clock to a time of today.
    pub fn at(&self, hour: i8, minute: i8) -> Result<Timestamp, DemoError> {
        self.at_second(hour, minute, 0)
    }

    /// Moves the clock to a second of today.
    pub fn at_second(&self, hour: i8, minute: i8, second: i8) -> Result<Timestamp, DemoError> {
        let at = moment(self.today, time(hour, minute, second, 0))?;
        self.book.clock.set(at);
        Ok(at)
    }

    /// The next command of an actor.
    pub fn call(&mut self, actor: &str) -> Call {
        self.commands = self.commands.saturating_add(1);
        Call::keyed(actor, format!("demo-{:05}", self.commands))
    }

    fn lock_prices(&mut self, day: Date) -> Result<(), DemoError> {
        self.at(0, 10)?;
        let close = self.closes.get(&day).ok_or_else(|| DemoError::Unexpected(format!("there is no close of {day}")))?;
        let file = close.file(day);
        self.folder.keep(&format!("prices/{day}.csv"), file.as_bytes())?;
        let call = self.call("job:prices");
        done(self.book.import_prices(&call, closes::SOURCE, file.as_bytes()))?;
        let call = self.call("job:prices");
        done(self.book.lock_prices(&call, LockPrices::imported(day).because("USDC is taken at its par of 1")))?;
        Ok(())
    }

    /// The reports of a day that come in time.
    fn reports(&mut self, day: Date) -> Result<(), DemoError> {
        for (venue, minute) in [(SPOT, 10), (MARGIN, 40)] {
            if !agenda::comes_in_time(venue, day) {
                continue;
            }
            self.at(2, minute)?;
            let report = Report::first(self.seed, venue, day)?;
            self.submit(&report, 201)?;
        }
        Ok(())
    }

    /// Submits a report as its job does, and checks how it is taken.
    pub fn submit(&mut self, report: &Report, status: u16) -> Result<(), DemoError> {
        self.submit_as(&report.file_name(), report, status)
    }

    /// The same, with the file kept under another name.
    pub fn submit_as(&mut self, name: &str, report: &Report, status: u16) -> Result<(), DemoError> {
        self.folder.keep(&format!("fee-reports/{name}.csv"), report.rows.as_bytes())?;
        self.folder.keep(&format!("fee-reports/{name}.csv.manifest.json"), report.manifest.as_bytes())?;
        let call = self.call("job:fee-reports");
        let reply = self.book.submit_report(&call, report.manifest.as_bytes(), report.rows.clone().into_bytes())?;
        if reply.status == status {
            return Ok(());
        }
        Err(DemoError::Unexpected(format!("{name} was answered {} instead of {status}: {}", reply.status, reply.body)))
    }

    /// Everything receivable arrives in the cold wallets.
    fn settle(&mut self) -> Result<(), DemoError> {
        self.at(10, 0)?;
        let mut receipts = Vec::new();
        for (asset, wallet) in SETTLED_INTO {
            let quantity = self.units(no::CONTRIBUTIONS_RECEIVABLE, None, asset)?;
            if quantity > 0 {
                receipts.push(Units::new(wallet, asset, &self.text(asset, quantity)?));
            }
        }
        let memo = format!("Contributions settled through {}, synthetic", self.today);
        let event = TreasuryEvent::Settlement { receipts };
        let reference = format!("synthetic-settlement-{}", self.today);
        self.treasury(TreasuryCommand::new(self.today, event).memo(memo).reference(reference))
    }

    /// Posts a treasury command of today and keeps it as an input.
    pub fn treasury(&mut self, command: TreasuryCommand) -> Result<(), DemoError> {
        let call = self.call("cli:treasury");
        let json = serde_json::to_vec_pretty(&command).unwrap_or_default();
        self.folder.keep(&format!("treasury/{}-{}.json", command.on, call.key), &json)?;
        done(self.book.post_treasury(&call, command))?;
        Ok(())
    }

    fn month_before(&self) -> Result<Period, DemoError> {
        Period::of(self.today).before().ok_or_else(|| DemoError::Unexpected(format!("there is no month before {}", self.today)))
    }

    fn soft_close_month_before(&mut self) -> Result<(), DemoError> {
        self.at(7, 0)?;
        let (month, call) = (self.month_before()?, self.call("cli:controller"));
        done(self.book.soft_close(&call, &month.to_string()))?;
        Ok(())
    }

    /// What people answer for is ticked with its evidence, what the book finds is left out with a reason, and the month closes.
    fn close_month_before(&mut self) -> Result<(), DemoError> {
        self.at(7, 0)?;
        let month = self.month_before()?.to_string();
        for view in self.book.checklist(&month)?.items {
            if view.state != ItemState::Open || !view.item.may_be_left_out() {
                continue;
            }
            let (state, note) = match view.item {
                Item::Reconciliation => (ItemState::NotApplicable, "Balances are observed from June 2019 on".to_owned()),
                item if item.is_computed() => {
                    (ItemState::NotApplicable, "The venue had an outage and sends no report for that day, synthetic".to_owned())
                }
                item => (ItemState::Done, format!("Close folder of {month}, {}, synthetic", item.slug())),
            };
            let (item, state) = (view.item.slug().to_owned(), Some(state.slug().to_owned()));
            let call = self.call("cli:controller");
            done(self.book.mark_item(&call, MarkItem { period: month.clone(), item, state, note, owner: None }))?;
        }
        let call = self.call("cli:controller");
        done(self.book.close_period(&call, &month))?;
        Ok(())
    }

    /// Units that stand on an account, over all wallets or in one, in minor units and as debit.
    pub fn units(&self, account: AccountNo, wallet: Option<&str>, asset: &str) -> Result<i128, DemoError> {
        Ok(self.book.read(|conn| {
            let refs = Refs::load(conn)?;
            let asset = refs.asset("/asset", asset)?.id;
            let wallet = wallet.map(|code| refs.wallet("/wallet", code)).transpose()?.map(|(id, _)| id.0);
            let rows = projection::balances_of_accounts(conn, &[account])?;
            let of = rows.iter().filter(|row| row.asset() == asset && wallet.is_none_or(|id| row.wallet_id == id));
            Ok::<_, StoreError>(of.map(|row| row.quantity.quantity().minor()).fold(0, i128::saturating_add))
        })?)
    }

    /// An amount of an asset as commands write it.
    pub fn text(&self, asset: &str, minor: i128) -> Result<String, DemoError> {
        let scale = self.book.read(|conn| Ok(Refs::load(conn)?.asset("/asset", asset)?.scale))?;
        Ok(format_minor_trimmed(minor, scale))
    }

    /// The prices that the latest locked set has.
    pub fn close_before_today(&self) -> Result<Close, DemoError> {
        let day = self.today.yesterday().ok().and_then(|day| self.closes.get(&day)).copied();
        day.ok_or_else(|| DemoError::Unexpected(format!("there is no close before {}", self.today)))
    }
}

/// The reply of a command that must succeed.
pub fn done(reply: Result<Reply, StoreError>) -> Result<Reply, DemoError> {
    Ok(reply?.success()?)
}
