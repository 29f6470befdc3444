//! Making a book: its identity, the functional currency and the standard chart.

use super::clock::{Clock, fresh_id};
use super::{Book, Call};
use crate::domain::account::STANDARD_CHART;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::check_free_text;
use crate::store::conn::DatabaseUrl;
use crate::store::error::StoreError;
use crate::store::migrate;
use crate::store::reference::{self, AccountRow, AssetRow, BookRow};
use crate::store::tx::{Stamp, Tx};

/// What a new book is made of.
#[derive(Debug, Clone)]
pub struct NewBook {
    /// Name on every page.
    pub name: String,
    /// Code of the functional currency.
    pub functional: String,
    /// Its decimals.
    pub functional_scale: u8,
    /// `us-gaap` or `ifrs`: when recoveries may be recognised.
    pub framework: String,
    /// Add the append-only triggers.
    pub triggers: bool,
}

impl Default for NewBook {
    fn default() -> Self {
        Self {
            name: "User protection fund".to_owned(),
            functional: "USD".to_owned(),
            functional_scale: 2,
            framework: "us-gaap".to_owned(),
            triggers: true,
        }
    }
}

/// Creates the schema and the book in an empty database, or refuses if there is a book already; beside an embedded one also the file
/// with the key of its secrets.
pub fn create(url: &DatabaseUrl, clock: Clock, actor: &str, new: &NewBook) -> Result<Book, StoreError> {
    check_free_text(&new.name, 80).map_err(|e| Rejection::invalid("/name", &new.name, e.to_string()))?;
    if !["us-gaap", "ifrs"].contains(&new.framework.as_str()) {
        return Err(Rejection::invalid("/framework", &new.framework, "use us-gaap or ifrs").into());
    }
    crate::domain::asset::AssetCode::parse(&new.functional)
        .map_err(|e| Rejection::invalid("/functional", &new.functional, e.to_string()))?;
    migrate::run(&mut url.connect()?, new.triggers)?;
    let book = Book::open(url, clock)?;
    let (new, call, at) = (new.clone(), Call::fresh(actor), book.clock.now());
    book.store.write(move |conn| {
        if reference::book_row(conn)?.is_some() {
            return Err(Rejection::new(OutcomeCode::AlreadyExists, "database", "", "this database holds a book already").into());
        }
        let stamp = Stamp { at, actor: call.actor.clone(), request: call.key.clone() };
        let mut tx = Tx::genesis(conn, stamp)?;
        tx.record(BookRow {
            id: 1,
            uuid: fresh_id(),
            name: new.name.clone(),
            lot_method: "fifo".to_owned(),
            framework: new.framework.clone(),
            leaf: 0,
        });
        tx.record(AssetRow {
            id: 1,
            code: new.functional.clone(),
            network: "fiat".to_owned(),
            scale: i32::from(new.functional_scale),
            own_token: 0,
            leaf: 0,
        });
        for (no, name) in STANDARD_CHART {
            tx.record(AccountRow { no: *no, name: (*name).to_owned(), leaf: 0 });
        }
        tx.commit()
    })?;
    book.secrets.make()?;
    Ok(book)
}

/// Opens a book that exists, with the schema of this version.
pub fn open(url: &DatabaseUrl, clock: Clock) -> Result<Book, StoreError> {
    let missing = |detail: String| Rejection::new(OutcomeCode::BookMissing, "database", url.display(), detail);
    if url.path().is_some_and(|path| !path.exists()) {
        return Err(
            missing("there is no such file; make a book with `safu init`, or name another with --database".to_owned()).into()
        );
    }
    let mut conn = url.connect()?;
    if !migrate::is_current(&mut conn)? {
        return Err(missing(
            "the schema is not up to date; run `safu migrate` (after a backup), or `safu init` for a new book".to_owned(),
        )
        .into());
    }
    let book = Book::open(url, clock)?;
    if book.read(reference::book_row)?.is_none() {
        return Err(missing("this database holds no book yet; make one with `safu init`".to_owned()).into());
    }
    Ok(book)
}
