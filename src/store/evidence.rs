//! Evidence: what is known of each file, and its content in a table of its own. A file is found by the SHA-256 of its content, which
//! the log holds; the content itself is too large for a leaf.

use super::conn::Conn;
use super::error::StoreError;
use super::schema::{evidence_content, evidence_file};
use super::tx::{Record, Stamp};
use diesel::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

/// A stored file without its content.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = evidence_file)]
pub struct EvidenceRow {
    /// SHA-256 of the content, hex.
    pub sha256: String,
    /// Word of its kind; see [`crate::domain::evidence::FileKind`].
    pub kind: String,
    /// The name under which it came first.
    pub name: String,
    /// Its size.
    pub byte_count: i64,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// Leaf.
    pub leaf: i64,
}

impl EvidenceRow {
    /// Body of its leaf.
    pub fn body(&self) -> Value {
        json!({"sha256": self.sha256, "kind": self.kind, "name": self.name, "byte_count": self.byte_count})
    }
}

/// A file that is to be recorded.
pub struct NewEvidence {
    /// What is known of it.
    pub row: EvidenceRow,
    /// Its content.
    pub bytes: Arc<[u8]>,
}

impl Record for NewEvidence {
    fn kind(&self) -> &'static str {
        "evidence_file"
    }
    fn body(&self) -> Value {
        self.row.body()
    }
    fn insert(&self, conn: &mut Conn, leaf: i64, _: &Stamp) -> Result<(), StoreError> {
        let row = EvidenceRow { leaf, ..self.row.clone() };
        diesel::insert_into(evidence_file::table).values(&row).execute(conn)?;
        let content = (evidence_content::sha256.eq(&row.sha256), evidence_content::bytes.eq(self.bytes.as_ref()));
        diesel::insert_into(evidence_content::table).values(content).execute(conn)?;
        Ok(())
    }
}

/// A file by the hash of its content.
pub fn find(conn: &mut Conn, sha256: &str) -> Result<Option<EvidenceRow>, StoreError> {
    Ok(evidence_file::table.filter(evidence_file::sha256.eq(sha256)).select(EvidenceRow::as_select()).first(conn).optional()?)
}

/// The content of a file.
pub fn content(conn: &mut Conn, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let wanted = evidence_content::table.filter(evidence_content::sha256.eq(sha256)).select(evidence_content::bytes);
    Ok(wanted.first(conn).optional()?)
}

/// Files recorded before a leaf, latest first, at most `limit`; all without a leaf.
pub fn page(conn: &mut Conn, before: Option<i64>, limit: i64) -> Result<Vec<EvidenceRow>, StoreError> {
    Ok(evidence_file::table
        .filter(evidence_file::leaf.lt(before.unwrap_or(i64::MAX)))
        .order(evidence_file::leaf.desc())
        .limit(limit)
        .select(EvidenceRow::as_select())
        .load(conn)?)
}

/// The hashes under which contents are stored, in their order.
pub fn contents(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    Ok(evidence_content::table.order(evidence_content::sha256).select(evidence_content::sha256).load(conn)?)
}
