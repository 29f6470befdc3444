//! The journal as files of other programs, so that anyone can recompute every balance without this one.
//!
//! Each line of the book moves two amounts: units of an asset and functional value. Journal programs get both as plain
//! amounts of two commodities on one account (`Assets:1110 Cold wallets:BTC  1.50000000 BTC` and `… 9000.00000000 "USD-VALUE"`),
//! without prices or costs: nothing is left to their inference or rounding, an entry must sum to zero in every commodity, and
//! the closing balances are assertions with zero tolerance. Entries stream through one reused buffer; memory does not grow with
//! the book, and no field allocates.

pub mod amount;
pub mod beancount;
pub mod csv;
pub mod hledger;
pub mod jsonl;
pub mod ledger;
pub mod plain;

use crate::domain::account::{Account, AccountNo};
use crate::domain::amount::{Quantity, VALUE_SCALE, Value};
use crate::domain::asset::{Asset, AssetId};
use crate::domain::entry::Posting;
use crate::domain::event::Event;
use crate::domain::ids::{EntryNo, IncidentId, WalletId};
use crate::report::source::EntryFacts;
use jiff::{Timestamp, civil::Date};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Bytes gathered before they are handed to the writer.
const FLUSH_AT: usize = 1 << 16;

/// A file format of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalFormat {
    /// hledger journal.
    Hledger,
    /// Ledger journal.
    Ledger,
    /// Beancount file.
    Beancount,
    /// One row a posting.
    Csv,
    /// One JSON object an entry, a line each.
    Jsonl,
}

impl JournalFormat {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Hledger, Self::Ledger, Self::Beancount, Self::Csv, Self::Jsonl];

    /// The word on the command line; also the usual file extension.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hledger => "hledger",
            Self::Ledger => "ledger",
            Self::Beancount => "beancount",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// The format of this name, or `None`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    const fn shape(self) -> &'static dyn Shape {
        match self {
            Self::Hledger => &hledger::Hledger,
            Self::Ledger => &ledger::Ledger,
            Self::Beancount => &beancount::Beancount,
            Self::Csv => &csv::Csv,
            Self::Jsonl => &jsonl::Jsonl,
        }
    }
}

/// What a book is, apart from its entries.
#[derive(Debug, Clone, Copy)]
pub struct Book<'a> {
    /// Name for the head of the file.
    pub name: &'a str,
    /// Code of the functional currency, for example `USD`.
    pub functional: &'a str,
    /// All assets.
    pub assets: &'a [Asset],
    /// All accounts.
    pub accounts: &'a [Account],
    /// Closing balance of every account and asset that any exported entry touches, zero balances included, read from the
    /// book's own balances at the same state as the entries. They become the assertions.
    pub closing: &'a [Closing],
    /// Names of wallets for CSV and JSONL; a wallet that is not listed is written as its number.
    pub wallets: &'a [(WalletId, String)],
    /// Codes of incidents for CSV and JSONL; likewise.
    pub incidents: &'a [(IncidentId, String)],
}

/// The closing balance of one account in one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// Account.
    pub account: AccountNo,
    /// Asset.
    pub asset: AssetId,
    /// Units, debit positive.
    pub quantity: Quantity,
    /// Functional value, debit positive.
    pub value: Value,
}

/// One entry, borrowed from wherever it was read into.
#[derive(Debug, Clone, Copy)]
pub struct ExportEntry<'a> {
    /// Number.
    pub no: EntryNo,
    /// Event.
    pub event: Event,
    /// Business date.
    pub effective_on: Date,
    /// Moment of recording.
    pub recorded_at: Timestamp,
    /// The entry that this one reverses.
    pub reverses: Option<EntryNo>,
    /// Memo; hostile text is made harmless.
    pub memo: &'a str,
    /// Lines in order.
    pub postings: &'a [Posting],
}

impl<'a> From<&'a EntryFacts> for ExportEntry<'a> {
    fn from(entry: &'a EntryFacts) -> Self {
        Self {
            no: entry.no,
            event: entry.event,
            effective_on: entry.effective_on,
            recorded_at: entry.recorded_at,
            reverses: entry.reverses,
            memo: &entry.memo,
            postings: &entry.postings,
        }
    }
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file could not be written.
    #[error("could not write the export: {0}")]
    Io(#[from] io::Error),
    /// An entry touches what the closing balances do not list: they were not read at the same state as the entries.
    #[error("entry {entry} posts to account {account} in asset {}, which has no closing balance; run `safu verify`", asset.0)]
    NoClosing {
        /// Entry.
        entry: EntryNo,
        /// Account.
        account: AccountNo,
        /// Asset.
        asset: AssetId,
    },
    /// A closing balance names an account or asset that the book does not have.
    #[error("a closing balance names account {account} and asset {}, which the book does not have; run `safu verify`", asset.0)]
    NoName {
        /// Account.
        account: AccountNo,
        /// Asset.
        asset: AssetId,
    },
    /// A date that the format cannot write.
    #[error("entry {entry} is dated {date}; this format takes dates from 1900-01-01 to 2999-12-30")]
    Date {
        /// Entry.
        entry: EntryNo,
        /// Date.
        date: Date,
    },
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Entries.
    pub entries: u64,
    /// Lines of entries.
    pub postings: u64,
    /// Bytes.
    pub bytes: u64,
}

/// The texts around the amounts of one account and asset, made once.
#[derive(Debug, Default)]
struct Frame {
    before_units: Vec<u8>,
    after_units: Vec<u8>,
    before_value: Vec<u8>,
    after_value: Vec<u8>,
}

/// One account and asset with its frame.
#[derive(Debug)]
struct Pair<'a> {
    account: &'a Account,
    asset: &'a Asset,
    closing: Closing,
    frame: Frame,
}

impl Pair<'_> {
    fn push_units(&self, out: &mut Vec<u8>, quantity: Quantity) {
        out.extend_from_slice(&self.frame.before_units);
        amount::push_minor(out, quantity.minor(), self.asset.scale);
        out.extend_from_slice(&self.frame.after_units);
    }

    fn push_value(&self, out: &mut Vec<u8>, value: Value) {
        out.extend_from_slice(&self.frame.before_value);
        amount::push_minor(out, value.minor(), VALUE_SCALE);
        out.extend_from_slice(&self.frame.after_value);
    }
}

/// The pairs of a book, sorted by account and asset.
struct Pairs<'a> {
    book: &'a Book<'a>,
    list: Vec<Pair<'a>>,
}

impl<'a> Pairs<'a> {
    fn new(book: &'a Book<'a>, shape: &dyn Shape) -> Result<Self, ExportError> {
        let accounts: BTreeMap<_, _> = book.accounts.iter().map(|a| (a.no, a)).collect();
        let assets: BTreeMap<_, _> = book.assets.iter().map(|a| (a.id, a)).collect();
        let mut list = Vec::with_capacity(book.closing.len());
        for &closing in book.closing {
            let Closing { account, asset, .. } = closing;
            let (Some(&account), Some(&asset)) = (accounts.get(&account), assets.get(&asset)) else {
                return Err(ExportError::NoName { account, asset });
            };
            list.push(Pair { account, asset, closing, frame: shape.frame(book, account, asset) });
        }
        list.sort_by_key(|p| (p.account.no, p.asset.id));
        Ok(Self { book, list })
    }

    fn find(&self, entry: EntryNo, line: &Posting) -> Result<&Pair<'a>, ExportError> {
        let Posting { account, asset, .. } = *line;
        let at = self.list.binary_search_by_key(&(account, asset), |p| (p.account.no, p.asset.id));
        at.ok().and_then(|at| self.list.get(at)).ok_or(ExportError::NoClosing { entry, account, asset })
    }
}

/// How one format looks. Everything is appended to `out`.
trait Shape: Sync {
    /// The texts around amounts.
    fn frame(&self, book: &Book<'_>, account: &Account, asset: &Asset) -> Frame;
    /// Head of the file.
    fn begin(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>);
    /// One entry.
    fn entry(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>, entry: &ExportEntry<'_>) -> Result<(), ExportError>;
    /// Foot of the file; `day` is the day after the last business date.
    fn end(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>, day: Date);
}

/// Writes a journal: [`JournalWriter::new`], [`JournalWriter::entry`] for each entry in order, [`JournalWriter::finish`].
pub struct JournalWriter<'a, W: Write> {
    shape: &'static dyn Shape,
    pairs: Pairs<'a>,
    out: W,
    buffer: Vec<u8>,
    last: Option<(EntryNo, Date)>,
    summary: Summary,
}

impl<'a, W: Write> JournalWriter<'a, W> {
    /// Starts a file. `out` need not be buffered.
    pub fn new(format: JournalFormat, book: &'a Book<'a>, out: W) -> Result<Self, ExportError> {
        let shape = format.shape();
        let pairs = Pairs::new(book, shape)?;
        let mut buffer = Vec::with_capacity(FLUSH_AT.saturating_mul(2));
        shape.begin(&mut buffer, &pairs);
        Ok(Self { shape, pairs, out, buffer, last: None, summary: Summary::default() })
    }

    /// Writes one entry.
    pub fn entry(&mut self, entry: &ExportEntry<'_>) -> Result<(), ExportError> {
        self.shape.entry(&mut self.buffer, &self.pairs, entry)?;
        if self.last.is_none_or(|(_, day)| day < entry.effective_on) {
            self.last = Some((entry.no, entry.effective_on));
        }
        self.summary.entries = self.summary.entries.saturating_add(1);
        self.summary.postings = self.summary.postings.saturating_add(u64::try_from(entry.postings.len()).unwrap_or(u64::MAX));
        if self.buffer.len() >= FLUSH_AT {
            self.drain()?;
        }
        Ok(())
    }

    /// Writes the closing balances and everything still buffered.
    pub fn finish(mut self) -> Result<Summary, ExportError> {
        if let Some((entry, date)) = self.last {
            let day = date.tomorrow().map_err(|_| ExportError::Date { entry, date })?;
            self.shape.end(&mut self.buffer, &self.pairs, day);
        }
        self.drain()?;
        self.out.flush()?;
        Ok(self.summary)
    }

    fn drain(&mut self) -> Result<(), ExportError> {
        self.out.write_all(&self.buffer)?;
        self.summary.bytes = self.summary.bytes.saturating_add(u64::try_from(self.buffer.len()).unwrap_or(u64::MAX));
        self.buffer.clear();
        Ok(())
    }
}

/// Writes a whole journal from entries in memory.
pub fn write_journal<'e, W: Write>(
    format: JournalFormat,
    book: &Book<'_>,
    entries: impl IntoIterator<Item = ExportEntry<'e>>,
    out: W,
) -> Result<Summary, ExportError> {
    let mut writer = JournalWriter::new(format, book, out)?;
    for entry in entries {
        writer.entry(&entry)?;
    }
    writer.finish()
}

/// One entry alone, without the head and the closing balances of a file: what people paste into a journal of their own.
///
/// # Errors
/// [`ExportError::NoName`] when the entry names what the book does not have.
pub fn entry_text(format: JournalFormat, book: &Book<'_>, entry: &ExportEntry<'_>) -> Result<String, ExportError> {
    let touched = entry.postings.iter().map(|line| (line.account, line.asset)).collect::<std::collections::BTreeSet<_>>();
    let zero = |(account, asset)| Closing { account, asset, quantity: Quantity::ZERO, value: Value::ZERO };
    let closing: Vec<Closing> = touched.into_iter().map(zero).collect();
    let book = Book { closing: &closing, ..*book };
    let shape = format.shape();
    let mut out = Vec::new();
    shape.entry(&mut out, &Pairs::new(&book, shape)?, entry)?;
    Ok(String::from_utf8_lossy(&out).trim().to_owned())
}

/// Appends anything that displays; a `Vec` cannot fail to take it.
fn push(out: &mut Vec<u8>, what: impl std::fmt::Display) {
    let written = write!(out, "{what}");
    debug_assert!(written.is_ok(), "a Vec takes every byte");
}
