//! `safu verify` names every edit of a row that feeds a figure, whatever table and column a database administrator touches.

use crate::small_book;
use crate::support::database::TestDb;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use safu_ledger::service::verify::{Verdict, verify};
use std::process::Command;

on_both_engines!(an_untouched_book_verifies, |db| {
    let verdict = verify(&small_book::full(&db)).unwrap();
    assert!(verdict.is_good(), "{:#?}", verdict.findings);
    let counts = &verdict.counts;
    assert!(counts.entries > 8 && counts.postings > 20 && counts.lots >= 3, "{counts:?}");
    assert_eq!((counts.contributions, counts.fee_rows, counts.claims, counts.payouts), (2, 4, 3, 2));
});

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(conn: &mut SqliteConnection, query: String) -> Vec<String> {
    diesel::sql_query(query).load::<Named>(conn).unwrap().into_iter().map(|row| row.name).collect()
}

/// Kept answers of commands feed no figure, nor does the migrations' own table; the head's version only orders writers. What persons
/// log in with changes and holds secrets, so it is no part of the books; what was done with it stands in `access_event`, which is.
const WITHOUT_FIGURES: [&str; 9] = [
    "request",
    "__diesel_schema_migrations",
    "head.version",
    "credential",
    "recovery_code",
    "session",
    "login_attempt",
    "invitation",
    "address_key",
];

#[test]
fn every_edit_of_every_column_is_found() {
    let db = TestDb::sqlite();
    let book = small_book::full(&db);
    let path = db.url().trim_start_matches("sqlite://").to_owned();
    let folder = tempfile::tempdir().unwrap();
    let mut conn = SqliteConnection::establish(&path).unwrap();
    conn.batch_execute("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 5000").unwrap();
    for trigger in names(&mut conn, "SELECT name FROM sqlite_master WHERE type = 'trigger'".to_owned()) {
        conn.batch_execute(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    let saved = folder.path().join("saved.db").display().to_string();
    conn.batch_execute(&format!("VACUUM INTO '{saved}'; ATTACH '{saved}' AS saved")).unwrap();
    let mut missed = Vec::new();
    for table in names(&mut conn, "SELECT name FROM main.sqlite_master WHERE type = 'table'".to_owned()) {
        if WITHOUT_FIGURES.contains(&table.as_str()) {
            continue;
        }
        for column in names(&mut conn, format!("SELECT name FROM pragma_table_info('{table}')")) {
            let name = format!("{table}.{column}");
            if !WITHOUT_FIGURES.contains(&name.as_str()) && !is_found(&book, &mut conn, &table, &edit(&table, &column)) {
                missed.push(name);
            }
        }
        if !is_found(&book, &mut conn, &table, &format!("DELETE FROM main.{table}")) {
            missed.push(format!("all rows of {table}"));
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// Changes one column of the last row that has it, in a way that keeps its type.
fn edit(table: &str, column: &str) -> String {
    format!(
        "UPDATE main.{table} SET {column} = CASE typeof({column}) WHEN 'integer' THEN {column} + 1 \
         WHEN 'blob' THEN CAST((CASE substr({column}, 1, 1) WHEN x'00' THEN x'01' ELSE x'00' END) || substr({column}, 2) AS BLOB) \
         ELSE CASE WHEN {column} GLOB '*[0-9]' THEN substr({column}, 1, length({column}) - 1) || ((substr({column}, -1) + 1) % 10) \
         ELSE {column} || 'x' END END \
         WHERE {column} = (SELECT {column} FROM main.{table} WHERE {column} IS NOT NULL ORDER BY {column} DESC LIMIT 1)"
    )
}

/// Edits one table, verifies, and puts the table back as it was. A savepoint would be invisible to the book's connections.
fn is_found(book: &safu_ledger::service::Book, conn: &mut SqliteConnection, table: &str, sql: &str) -> bool {
    let found = match diesel::sql_query(sql).execute(conn) {
        Ok(0) => true,
        Ok(_) => verify(book).map_or(true, |verdict| !verdict.is_good()),
        // A constraint of the table refused it, which is the best answer.
        Err(_) => true,
    };
    let back = format!("DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM saved.{table};");
    conn.batch_execute(&back).unwrap();
    found
}

#[test]
fn the_command_exits_5_and_names_the_row() {
    let db = TestDb::sqlite();
    drop(small_book::full(&db));
    let path = db.url().trim_start_matches("sqlite://").to_owned();
    let run = || Command::new(env!("CARGO_BIN_EXE_safu")).args(["verify", db.url()]).output().unwrap();
    let good = run();
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    let mut conn = SqliteConnection::establish(&path).unwrap();
    let refused = conn.batch_execute("UPDATE posting SET value = '1' WHERE entry_no = 1");
    assert!(refused.is_err_and(|e| e.to_string().contains("append-only")));
    conn.batch_execute("DROP TRIGGER posting_no_update; UPDATE posting SET value = '1' WHERE entry_no = 1 AND line = 1").unwrap();
    let bad = run();
    let said = String::from_utf8_lossy(&bad.stdout).into_owned();
    assert_eq!(bad.status.code(), Some(5), "{said}");
    assert!(said.contains("entry 1: postings_root") && said.contains("balance of account 1210"), "{said}");
}

#[test]
fn json_carries_the_verdict() {
    let db = TestDb::sqlite();
    let book = small_book::full(&db);
    let verdict: Verdict = verify(&book).unwrap();
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["finding_count"], 0);
    assert_eq!(json["log_size"], verdict.log_size);
}
