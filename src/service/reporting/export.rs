//! The whole journal as a file of another program, streamed from one state of the book.

use super::source::entry_facts;
use crate::domain::account::Account;
use crate::domain::asset::Asset;
use crate::domain::ids::{IncidentId, WalletId};
use crate::report::export::{Book as ExportBook, Closing, ExportEntry, ExportError, JournalFormat, JournalWriter, Summary};
use crate::service::Book;
use crate::service::refs::{FUNCTIONAL, Refs};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::journal::{self, PostingRow};
use crate::store::projection::{self, Amounts};
use crate::store::{incident, reference};
use std::collections::BTreeMap;
use std::io::Write;

/// Entries read at a time.
const CHUNK: i64 = 1_000;

impl Book {
    /// Writes every entry in the order of recording, with the running balances as assertions. Memory does not grow with the
    /// book.
    ///
    /// # Errors
    /// `Surroundings` when the file cannot be written; else the database's failure.
    pub fn export_journal(&self, format: JournalFormat, out: impl Write) -> Result<Summary, StoreError> {
        self.read(|conn| {
            let refs = Refs::load(conn)?;
            let name = reference::book_row(conn)?.map(|book| book.name).unwrap_or_default();
            let assets: Vec<Asset> = refs.assets.values().cloned().collect();
            let accounts: Vec<Account> = refs.accounts.values().cloned().collect();
            let wallets: Vec<(WalletId, String)> = refs.wallets.iter().map(|(id, w)| (*id, w.code.clone())).collect();
            let incidents: Vec<(IncidentId, String)> =
                incident::all(conn)?.into_iter().map(|row| (IncidentId(row.id), row.code)).collect();
            let closing = closing(conn)?;
            let book = ExportBook {
                name: &name,
                functional: refs.code(FUNCTIONAL),
                assets: &assets,
                accounts: &accounts,
                closing: &closing,
                wallets: &wallets,
                incidents: &incidents,
            };
            let mut writer = JournalWriter::new(format, &book, out).map_err(failed)?;
            stream(conn, &mut writer)?;
            writer.finish().map_err(failed)
        })
    }
}

/// Balances by account and asset, zeros of accounts that were used included.
fn closing(conn: &mut Conn) -> Result<Vec<Closing>, StoreError> {
    let mut sums: BTreeMap<_, Amounts> = BTreeMap::new();
    for row in projection::balances(conn)? {
        sums.entry((row.account(), row.asset())).or_default().add(row.quantity.quantity(), row.value.value())?;
    }
    let closing = |((account, asset), by): (_, Amounts)| Closing { account, asset, quantity: by.quantity, value: by.value };
    Ok(sums.into_iter().map(closing).collect())
}

fn stream<W: Write>(conn: &mut Conn, writer: &mut JournalWriter<'_, W>) -> Result<(), StoreError> {
    let mut first = 1_i64;
    loop {
        let last = first.saturating_add(CHUNK).saturating_sub(1);
        let headers = journal::headers_between(conn, first, last)?;
        if headers.is_empty() {
            return Ok(());
        }
        let mut lines = journal::postings_between(conn, first, last)?.into_iter().peekable();
        for header in headers {
            let mut own: Vec<PostingRow> = Vec::new();
            while let Some(line) = lines.next_if(|line| line.entry_no == header.no) {
                own.push(line);
            }
            let entry = entry_facts(header, &own, None)?;
            writer.entry(&ExportEntry::from(&entry)).map_err(failed)?;
        }
        first = last.saturating_add(1);
    }
}

fn failed(error: ExportError) -> StoreError {
    match error {
        ExportError::Io(error) => StoreError::Surroundings(format!("the export stopped: {error}")),
        other => StoreError::Damaged(other.to_string()),
    }
}
