//! Evidence: files that show why something was booked, and what they are attached to. A file is recorded once by its content, whatever
//! it is called and however often it comes; attaching it is a fact of its own, so one file can show several things.
//!
//! Other use cases attach with [`attach`] in their own transaction, and read with [`of`].

use super::approvals::gate;
use super::command::Command;
use super::periods::files;
use super::registry::parsed_facts;
use super::{Answer, Book, Call, Reply};
use crate::domain::approval::Risk;
use crate::domain::evidence::{FileError, FileKind, kind_of};
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::proof::merkle::sha256;
use crate::report::doc::{Cell, Column, Doc, Row, Table};
use crate::report::link;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::evidence::{self, EvidenceRow, NewEvidence};
use crate::store::tx::Tx;
use crate::store::{fact, incident, journal, proposal};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;

/// Kind of the facts that attach a file; the subject is what it is attached to.
pub const ATTACHED: &str = "evidence.attached";

/// Who may bring files. An auditor changes nothing, and whoever keeps accounts has nothing to show.
pub const BRING: &[Role] = &[Role::Preparer, Role::Approver, Role::Treasurer, Role::IncidentOfficer];

/// What files are attached to, as a word and a name: `entry/12`.
const SUBJECTS: &str = "entry/NUMBER, proposal/NUMBER, incident/CODE or close/MONTH/ITEM";

/// A file as it comes.
#[derive(Clone)]
pub struct GivenFile {
    /// Its name, kept as data only.
    pub name: String,
    /// Its content.
    pub bytes: Arc<[u8]>,
}

/// A file that is to be attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachEvidence {
    /// SHA-256 of the content, hex.
    pub sha256: String,
    /// What it is attached to: `entry/12`, `proposal/7`, `incident/INC-2019-001`, `close/2019-05/statements`.
    pub subject: String,
    /// What it shows.
    #[serde(default)]
    pub note: String,
}

/// What a fact of [`ATTACHED`] holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// SHA-256 of the content, hex.
    pub sha256: String,
    /// What it shows.
    pub note: String,
}

impl Book {
    /// Records a file, or finds that it is there already. Attaching it is another step.
    ///
    /// # Errors
    /// `InvalidField` for a file that is not taken; `Forbidden` for a person without a role for it.
    pub fn add_evidence(&self, call: &Call, file: GivenFile) -> Result<Reply, StoreError> {
        let hash = hex::encode(sha256(&file.bytes));
        let by = call.clone();
        self.command(call, &json!({"evidence": {"sha256": &hash, "name": &file.name}}), move |tx| {
            gate::require_giver(tx, &by, BRING)?;
            let refused = |error: FileError| Rejection::invalid("/file", &file.name, error.to_string());
            let kind = kind_of(&file.name, &file.bytes).map_err(refused)?;
            if let Some(known) = evidence::find(tx.conn, &hash)? {
                return Ok(Answer::ok(described(&known)));
            }
            let row = EvidenceRow {
                sha256: hash.clone(),
                kind: kind.slug().to_owned(),
                name: file.name.clone(),
                byte_count: i64::try_from(file.bytes.len()).unwrap_or(i64::MAX),
                recorded_at: tx.stamp.at.as_microsecond(),
                leaf: 0,
            };
            let answer = described(&row);
            tx.record(NewEvidence { row, bytes: Arc::clone(&file.bytes) });
            Ok(Answer::created(answer))
        })
    }

    /// Attaches a file to an entry, a proposal, an incident, or an item of a month that is not closed.
    ///
    /// # Errors
    /// `NotFound` for what is not there, `AlreadyExists`, `InvalidField`, `Forbidden`, `PeriodClosed`.
    pub fn attach_evidence(&self, call: &Call, ask: AttachEvidence) -> Result<Reply, StoreError> {
        self.give(call, ask)
    }

    /// A file with its content.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn evidence(&self, hash: &str) -> Result<(EvidenceRow, Vec<u8>), StoreError> {
        self.read(|conn| {
            let row = require(conn, "/sha256", hash)?;
            let bytes = evidence::content(conn, hash)?;
            Ok((row, bytes.ok_or_else(|| StoreError::Damaged(format!("evidence {hash}: its content is missing")))?))
        })
    }
}

fn described(row: &EvidenceRow) -> serde_json::Value {
    json!({"sha256": row.sha256, "kind": row.kind, "name": row.name, "bytes": row.byte_count})
}

impl Command for AttachEvidence {
    const KIND: &'static str = "evidence.attach";
    const TITLE: &'static str = "Attach evidence";
    const GIVERS: &'static [Role] = BRING;

    fn risk(&self) -> Risk {
        Risk::Free
    }

    fn check(&self) -> Result<(), Rejection> {
        if self.note.is_empty() {
            return Ok(());
        }
        check_free_text(&self.note, 500).map_err(|e| Rejection::invalid("/note", &self.note, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        require(tx.conn, "/sha256", &self.sha256)?;
        let today = tx.today();
        require_subject(tx.conn, &self.subject, today)?;
        if of(tx.conn, &self.subject)?.iter().any(|(_, attached)| attached.sha256 == self.sha256) {
            let detail = "is attached there already";
            return Err(Rejection::new(OutcomeCode::AlreadyExists, "/sha256", &self.sha256, detail).into());
        }
        let fact = attach(tx, &self.subject, &self.sha256, &self.note);
        Ok(Answer::created(json!({"fact": fact, "subject": self.subject, "sha256": self.sha256})))
    }
}

/// Refuses a subject that is not there.
fn require_subject(conn: &mut Conn, subject: &str, today: Date) -> Result<(), StoreError> {
    let missing = || Rejection::new(OutcomeCode::NotFound, "/subject", subject, format!("is not in this book; write {SUBJECTS}"));
    let (word, name) = subject.split_once('/').ok_or_else(missing)?;
    // A number has one spelling, or one thing would have two lists.
    let number = name.parse::<i64>().ok().filter(|number| number.to_string() == name);
    let found = match (word, number) {
        ("entry", Some(no)) => journal::find(conn, EntryNo(no))?.is_some(),
        ("proposal", Some(id)) => proposal::find(conn, id)?.is_some(),
        ("incident", _) => incident::find(conn, name)?.is_some(),
        (files::SUBJECT, _) => files::is_item(conn, name, today)?,
        _ => false,
    };
    if found { Ok(()) } else { Err(missing().into()) }
}

/// The file of this hash.
///
/// # Errors
/// `NotFound` at `pointer`.
pub fn require(conn: &mut Conn, pointer: &str, hash: &str) -> Result<EvidenceRow, StoreError> {
    let detail = "is not the SHA-256 of a file of this book; add the file first with `safu evidence add`";
    Ok(evidence::find(conn, hash)?.ok_or_else(|| Rejection::new(OutcomeCode::NotFound, pointer, hash, detail))?)
}

/// Queues the attachment of a file that is there. `subject` names what it is attached to, a word and a name: `entry/12`,
/// `close/2019-05/statements`.
pub fn attach(tx: &mut Tx<'_>, subject: &str, sha256: &str, note: &str) -> i64 {
    let today = tx.today();
    tx.add_fact(ATTACHED, subject, today, &Attachment { sha256: sha256.to_owned(), note: note.to_owned() })
}

/// The files of a subject in the order in which they were attached.
pub fn of(conn: &mut Conn, subject: &str) -> Result<Vec<(EvidenceRow, Attachment)>, StoreError> {
    let mut found = Vec::new();
    for row in fact::of_subject(conn, ATTACHED, subject)? {
        let attachment: Attachment = row.parse()?;
        let damaged = || StoreError::Damaged(format!("fact {}: the file it attaches is missing", row.id));
        found.push((evidence::find(conn, &attachment.sha256)?.ok_or_else(damaged)?, attachment));
    }
    Ok(found)
}

/// Every attachment as (subject, attachment), in recording order.
pub fn attachments(conn: &mut Conn) -> Result<Vec<(String, Attachment)>, StoreError> {
    Ok(parsed_facts::<Attachment>(conn, ATTACHED)?.into_iter().map(|(_, subject, attachment)| (subject, attachment)).collect())
}

/// The name under which a file is given out: made from its hash, so that nothing of what a sender wrote reaches a file system.
pub fn served_name(row: &EvidenceRow) -> String {
    let short = row.sha256.get(..16).unwrap_or(&row.sha256);
    let ending = FileKind::from_slug(&row.kind).map_or("bin", FileKind::slug);
    format!("evidence-{short}.{ending}")
}

/// Files as a table, each linked to its download.
pub fn table<'r>(id: &str, caption: &str, files: impl IntoIterator<Item = (&'r EvidenceRow, &'r str)>, empty: &str) -> Table {
    let row = |(file, note): (&EvidenceRow, &str)| {
        let to = link::evidence(&file.sha256);
        Row::body(vec![
            Cell::text(&file.name).to(&to),
            Cell::text(FileKind::from_slug(&file.kind).map_or("unknown", FileKind::title)),
            Cell::count(file.byte_count).to(&to),
            Cell::text(note),
            Cell::time(Timestamp::from_microsecond(file.recorded_at).unwrap_or_default()),
            Cell::code(&file.sha256).to(&to),
        ])
    };
    let columns = vec![
        Column::text("name", "Evidence"),
        Column::text("kind", "Kind"),
        Column::number("bytes", "Bytes"),
        Column::text("note", "What it shows"),
        Column::text("recorded_at", "Recorded"),
        Column::text("sha256", "SHA-256"),
    ];
    Table::new(id, caption, columns, files.into_iter().map(row).collect(), empty)
}

/// The files of the book before a leaf, latest first.
///
/// # Errors
/// The database's failure.
pub fn list(conn: &mut Conn, before: Option<i64>, limit: i64) -> Result<Doc, StoreError> {
    let mut files = evidence::page(conn, before, limit.saturating_add(1))?;
    let more = i64::try_from(files.len()).is_ok_and(|found| found > limit);
    if more {
        files.pop();
    }
    let empty = "No file was added yet. Add one with an entry, or with `safu evidence add`.";
    let mut all = table("evidence", "Files, latest first", files.iter().map(|file| (file, "")), empty);
    all.next = files.last().filter(|_| more).map(|last| last.leaf.to_string());
    Ok(Doc {
        name: "evidence".to_owned(),
        title: "Evidence".to_owned(),
        finding: Some("Files that show why something was booked, each once by its content.".to_owned()),
        tables: vec![all],
        ..Doc::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_given_name_is_served() {
        let row = EvidenceRow {
            sha256: "ab".repeat(32),
            kind: "pdf".to_owned(),
            name: "../../x\"; filename=evil.html".to_owned(),
            byte_count: 1,
            recorded_at: 0,
            leaf: 0,
        };
        assert_eq!(served_name(&row), "evidence-abababababababab.pdf");
    }
}
