//! Whole copies of an embedded book, made while it is in use.

use super::conn::{Conn, DatabaseUrl};
use super::error::StoreError;
use diesel::prelude::*;
use diesel::sql_types::Text;
use std::path::Path;

/// Writes one state of the book, whole and without its gaps, into a new file. Writers go on meanwhile.
///
/// # Errors
/// The database's failure, also where the file is there already; `Unavailable` for a book on a server.
pub fn copy_into(url: &DatabaseUrl, file: &Path) -> Result<(), StoreError> {
    let text = file.to_str().ok_or_else(|| StoreError::Unavailable("the name of the file is not UTF-8".to_owned()))?;
    match url.connect()? {
        Conn::Sqlite(mut conn) => {
            diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(text).execute(&mut conn)?;
            Ok(())
        }
        #[cfg(feature = "postgres")]
        Conn::Postgres(_) => Err(StoreError::Unavailable("a book on PostgreSQL is not one file".to_owned())),
    }
}
