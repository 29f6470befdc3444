//! What reports read. A report is a pure function of a [`Source`]; the service layer implements it over the book at one pair of
//! as-of and known-at.

use super::control::{Duty, Holders, Receivable};
use crate::domain::account::{Account, AccountClass, AccountNo};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::{Asset, AssetId};
use crate::domain::coverage::Targets;
use crate::domain::entry::Posting;
use crate::domain::event::Event;
use crate::domain::ids::{EntryNo, WalletId};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::period::{Period, Timing};
use crate::domain::price::Price;
use crate::ledger::trial_balance::{Amounts, TrialBalance};
use jiff::{Timestamp, civil::Date};
use std::collections::BTreeMap;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// What was asked for does not exist or a parameter is wrong.
    #[error("{0}")]
    Rejected(#[from] Rejection),
    /// The book could not be read.
    #[error("{0}")]
    Source(Box<dyn std::error::Error + Send + Sync>),
}

impl From<crate::ledger::trial_balance::BalanceOverflow> for ReportError {
    fn from(error: crate::ledger::trial_balance::BalanceOverflow) -> Self {
        Self::Source(Box::new(error))
    }
}

/// A sum that does not fit 128 bits.
pub fn overflow() -> ReportError {
    ReportError::Source("a sum of the book does not fit".into())
}

/// What every report knows of the book.
#[derive(Debug, Clone)]
pub struct BookFacts {
    /// Name of the book.
    pub name: String,
    /// Business date up to which entries count.
    pub as_of: Date,
    /// Moment up to which recordings count, where one was asked for.
    pub known_at: Option<Timestamp>,
    /// The first business date that has an entry.
    pub first_day: Option<Date>,
    /// Assets by number; the first is the functional currency.
    pub assets: BTreeMap<AssetId, Asset>,
    /// Accounts by number.
    pub accounts: BTreeMap<AccountNo, Account>,
    /// Codes of wallets.
    pub wallets: BTreeMap<WalletId, String>,
    /// Codes of incidents by number.
    pub incidents: BTreeMap<i32, String>,
}

impl BookFacts {
    /// Code of the functional currency.
    pub fn currency(&self) -> &str {
        self.assets.values().next().map_or("", |asset| asset.code.as_str())
    }
    /// Code of an asset.
    pub fn code(&self, id: AssetId) -> &str {
        self.assets.get(&id).map_or("?", |asset| asset.code.as_str())
    }
    /// Decimals of an asset.
    pub fn scale(&self, id: AssetId) -> u8 {
        self.assets.get(&id).map_or(0, |asset| asset.scale)
    }
    /// Name of an account.
    pub fn account_name(&self, no: AccountNo) -> &str {
        self.accounts.get(&no).map_or("", |account| account.name.as_str())
    }
    /// Class of an account.
    pub fn class(&self, no: AccountNo) -> Option<AccountClass> {
        AccountClass::of(no)
    }
    /// The asset with this code.
    ///
    /// # Errors
    /// `UnknownAsset`.
    pub fn asset(&self, pointer: &str, code: &str) -> Result<&Asset, Rejection> {
        self.assets.values().find(|asset| asset.code.as_str() == code).ok_or_else(|| {
            let known: Vec<&str> = self.assets.values().map(|a| a.code.as_str()).collect();
            let detail = format!("is not an asset of this book; known are {}", known.join(", "));
            Rejection::new(OutcomeCode::UnknownAsset, pointer, code, detail)
        })
    }
}

/// What one business day moved on one account and asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Business date.
    pub day: Date,
    /// Period it is booked in, for example `2019-05`.
    pub period: String,
    /// Account.
    pub account: AccountNo,
    /// Asset.
    pub asset: AssetId,
    /// Units, debit above zero.
    pub quantity: Quantity,
    /// Value, debit above zero.
    pub value: Value,
    /// True for the part that period closes moved.
    pub closing: bool,
}

/// A price as it stands in its set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The price.
    pub price: Price,
    /// `observed`, `interpolated` or `manual`.
    pub basis: String,
}

/// A locked price set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceSet {
    /// Cut-off date.
    pub cutoff_on: Date,
    /// Where the prices come from.
    pub source: String,
    /// SHA-256 of the source file, hex; empty for prices typed in.
    pub source_hash: String,
    /// Prices; the functional currency is not among them.
    pub quotes: BTreeMap<AssetId, Quote>,
}

impl PriceSet {
    /// The price of an asset; the functional currency's is one.
    pub fn price(&self, asset: AssetId) -> Option<Price> {
        if asset == FUNCTIONAL { Some(Price::ONE) } else { self.quotes.get(&asset).map(|quote| quote.price) }
    }
}

/// The functional currency is always the first asset of a book.
pub const FUNCTIONAL: AssetId = AssetId(1);

/// A band of the coverage ratio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// The band reaches up to this ratio, in millionths.
    pub below: i128,
    /// Its word.
    pub name: String,
}

/// The coverage policy in force.
#[derive(Debug, Clone)]
pub struct CoverageTerms {
    /// First day.
    pub since: Date,
    /// Target, floor, scenarios.
    pub targets: Targets,
    /// The least acceptable coverage, in millionths.
    pub minimum: Option<i128>,
    /// Bands from the lowest up.
    pub bands: Vec<Band>,
    /// Haircuts by asset, in millionths.
    pub haircuts: BTreeMap<AssetId, i128>,
}

/// A memo figure in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoFigure {
    /// Memo account.
    pub account: AccountNo,
    /// Asset.
    pub asset: AssetId,
    /// Units.
    pub quantity: Quantity,
    /// First day.
    pub since: Date,
}

/// Which entries or postings are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// Entries with a posting on one of these accounts; any where there is none.
    pub accounts: Vec<AccountNo>,
    /// Entries with a posting in this asset.
    pub asset: Option<AssetId>,
    /// Entries of this event.
    pub event: Option<Event>,
    /// Effective on or after.
    pub from: Option<Date>,
    /// Effective on or before.
    pub to: Option<Date>,
    /// Entries booked in this period, for example `2019-05`.
    pub period: Option<String>,
    /// Leave the entries of period closes out.
    pub without_closings: bool,
    /// Memo or source contains this, letters of either case.
    pub text: Option<String>,
}

/// One entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFacts {
    /// Number.
    pub no: EntryNo,
    /// Event.
    pub event: Event,
    /// Business date.
    pub effective_on: Date,
    /// Period it is booked in.
    pub period: String,
    /// Whether it was booked while its month was open.
    pub timing: Timing,
    /// Moment of recording.
    pub recorded_at: Timestamp,
    /// Who.
    pub actor: String,
    /// Idempotency key.
    pub request_key: String,
    /// Memo.
    pub memo: String,
    /// What caused it.
    pub source: String,
    /// The entry this one reverses.
    pub reverses: Option<EntryNo>,
    /// The entry that reverses this one.
    pub reversed_by: Option<EntryNo>,
    /// Index of the leaf that proves it.
    pub leaf: i64,
    /// Lines.
    pub postings: Vec<Posting>,
}

impl EntryFacts {
    /// Said of an entry that was not booked while its month was open.
    pub fn timing_words(&self) -> Option<String> {
        let month = Period::of(self.effective_on);
        match self.timing {
            Timing::InTime => None,
            Timing::AfterSoftClose => Some(format!("after the soft close of {month}")),
            Timing::Late => Some(format!("late for {month}")),
        }
    }
}

/// Sums over everything a filter finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalTotals {
    /// Entries.
    pub entries: i64,
    /// Value of their debit lines.
    pub debits: Value,
    /// Value of their credit lines.
    pub credits: Value,
}

impl JournalTotals {
    /// Adds a line; `None` when a sum does not fit.
    pub fn add(&mut self, value: Value) -> Option<()> {
        if value < Value::ZERO {
            self.credits = self.credits.checked_add(value.negated())?;
        } else {
            self.debits = self.debits.checked_add(value)?;
        }
        Some(())
    }
}

/// A page of the journal.
#[derive(Debug, Clone, Default)]
pub struct JournalPage {
    /// Entries, newest first.
    pub entries: Vec<EntryFacts>,
    /// Where the next page starts: entries below this number.
    pub next: Option<EntryNo>,
}

/// Which postings of an account are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineFilter {
    /// Account.
    pub account: AccountNo,
    /// Only this asset.
    pub asset: Option<AssetId>,
    /// Effective on or after.
    pub from: Option<Date>,
    /// Effective on or before.
    pub to: Date,
}

/// A posting's place: postings below it are older. Written `42-3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineCursor {
    /// Entry.
    pub entry: EntryNo,
    /// Line, from 1.
    pub line: i32,
}

impl LineCursor {
    /// Reads `42-3`.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let parts = text.split_once('-').and_then(|(entry, line)| Some((entry.parse().ok()?, line.parse().ok()?)));
        let wrong = || Rejection::invalid("/cursor", text, "is not the cursor of a page before; leave it out to begin anew");
        parts.map(|(entry, line)| Self { entry: EntryNo(entry), line }).ok_or_else(wrong)
    }
}

impl std::fmt::Display for LineCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.entry, self.line)
    }
}

/// One posting of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLine {
    /// Its entry, without the lines.
    pub entry: EntryFacts,
    /// The posting.
    pub posting: Posting,
    /// The other accounts of the entry.
    pub contra: Vec<AccountNo>,
}

/// A page of an account.
#[derive(Debug, Clone, Default)]
pub struct AccountPage {
    /// Postings, newest first.
    pub lines: Vec<AccountLine>,
    /// Where the next page starts: postings below this one.
    pub next: Option<LineCursor>,
}

/// An incident in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentLine {
    /// Code.
    pub code: String,
    /// Kind in words.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Where it stands, in words.
    pub state: String,
    /// True until it is closed or rejected.
    pub open: bool,
    /// Value of what is still owed, above zero.
    pub reserve: Value,
    /// Loss before recoveries.
    pub gross: Value,
    /// Recoveries recognised against it.
    pub recovered: Value,
    /// Loss after recoveries.
    pub net: Value,
}

/// How the feed of a venue stood lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedState {
    /// Venue.
    pub venue: String,
    /// The last business date with a posted report.
    pub last: Option<Date>,
    /// Days whose report is due and not there.
    pub missing: i64,
    /// Days with a report, or a newer version of one, in quarantine.
    pub waiting: i64,
}

/// How an entry is proven.
#[derive(Debug, Clone)]
pub struct Inclusion {
    /// Hash of its leaf.
    pub leaf_hash: [u8; 32],
    /// Size of the log that the path leads to.
    pub size: u64,
    /// Root of that log.
    pub root: [u8; 32],
    /// Hashes from the leaf to the root.
    pub path: Vec<[u8; 32]>,
}

/// The book at one pair of as-of and known-at.
pub trait Source {
    /// Reference data and the basis.
    fn facts(&self) -> &BookFacts;
    /// Balances of all accounts as of a day.
    ///
    /// # Errors
    /// [`ReportError::Source`], like all of these.
    fn balances(&mut self, as_of: Date) -> Result<TrialBalance, ReportError>;
    /// Movements of the days `from..=to` in order of the day.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn movements(&mut self, from: Option<Date>, to: Date) -> Result<Vec<Movement>, ReportError>;
    /// The latest price set at or before a day.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn prices(&mut self, day: Date) -> Result<Option<PriceSet>, ReportError>;
    /// All price sets of the days `from..=to`, in order.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn price_sets(&mut self, from: Option<Date>, to: Date) -> Result<Vec<PriceSet>, ReportError>;
    /// Every coverage policy in the order of its first day.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn coverage_policies(&mut self) -> Result<Vec<CoverageTerms>, ReportError>;
    /// Memo figures in force on a day.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn memo(&mut self, day: Date) -> Result<Vec<MemoFigure>, ReportError>;
    /// Closed periods in order.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn closed_periods(&mut self) -> Result<Vec<String>, ReportError>;
    /// A page of entries below a number, newest first.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn journal(&mut self, filter: &JournalFilter, below: Option<EntryNo>, limit: usize) -> Result<JournalPage, ReportError>;
    /// Sums over a whole filter; `None` when it finds too many entries to read them all.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn journal_totals(&mut self, filter: &JournalFilter) -> Result<Option<JournalTotals>, ReportError>;
    /// A page of postings of an account below a place, newest first.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn account_lines(&mut self, filter: &LineFilter, below: Option<LineCursor>, limit: usize)
    -> Result<AccountPage, ReportError>;
    /// The sum of all postings of an account at and above a place.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn moved_from(&mut self, filter: &LineFilter, from: LineCursor) -> Result<Amounts, ReportError>;
    /// One entry, if the view has it.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn entry(&mut self, no: EntryNo) -> Result<Option<EntryFacts>, ReportError>;
    /// The incidents that there were, the latest first.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn incidents(&mut self) -> Result<Vec<IncidentLine>, ReportError>;
    /// The feeds of all venues over the half year up to the as-of day, by the reports known then.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn feeds(&mut self) -> Result<Vec<FeedState>, ReportError>;
    /// The contributions receivable as of a day, by the business dates it is open of.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn receivables(&mut self, as_of: Date) -> Result<Vec<Receivable>, ReportError>;
    /// Persons and keys with what they held until a moment.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn holders(&mut self, until: Option<Timestamp>) -> Result<Holders, ReportError>;
    /// Every proposal as it stood at a moment, the latest first.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn duties(&mut self, until: Option<Timestamp>) -> Result<Vec<Duty>, ReportError>;
    /// How many of the entries up to the as-of day were booked in a later month than their date has.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn late_entries(&mut self) -> Result<i64, ReportError>;
    /// The proof that a leaf is in the present log.
    ///
    /// # Errors
    /// [`ReportError::Source`].
    fn inclusion(&mut self, leaf: i64) -> Result<Option<Inclusion>, ReportError>;
}
