//! The floor of posting: the same rows into the same table of the same SQLite, one prepared statement, one row a call, 1,000
//! rows a transaction, as durable as the book. No parsing, no checks, no hashes, no journal.

use crate::book::DAY;
use rusqlite::{Connection, params};
use tempfile::TempDir;

pub struct Raw {
    conn: Connection,
    next: i64,
    _folder: TempDir,
}

impl Raw {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let conn = Connection::open(folder.path().join("raw.db")).unwrap();
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536;
             PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 67108864;",
        )
        .unwrap();
        conn.execute_batch(include_str!("../../migrations/sqlite/00000000000001_book/up.sql")).unwrap();
        Self { conn, next: 1, _folder: folder }
    }

    /// Adds `transactions` of `rows` each.
    pub fn post(&mut self, transactions: usize, rows: usize) {
        for batch in 0..transactions {
            let tx = self.conn.transaction().unwrap();
            {
                let mut insert = tx
                    .prepare_cached(
                        "INSERT INTO contribution (id, venue_id, external_id, business_date, pair, asset_id, net_fee, amount, \
                         batch_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                    )
                    .unwrap();
                for _ in 0..rows {
                    let n = self.next;
                    let (id, fee, asset) = (format!("job0-{n:010}"), 100_000_000 + n % 9_973 * 10_000, n % 4 + 2);
                    let (net, share) = (fee.to_string(), (fee / 10).to_string());
                    insert.execute(params![n, 1, id, DAY, "BTC-USD", asset, net, share, batch as i64]).unwrap();
                    self.next += 1;
                }
            }
            tx.commit().unwrap();
        }
    }
}
