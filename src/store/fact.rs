//! Facts: policies, memo figures, incident steps, estimates, statements and treasury commands. Whatever is effective-dated and
//! read as a history is one row of canonical JSON with a kind and a subject.

use super::conn::Conn;
use super::error::StoreError;
use super::schema::fact;
use super::tx::{Record, Stamp};
use diesel::prelude::*;
use serde_json::{Value, json};

/// A stored fact.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = fact)]
pub struct FactRow {
    /// Number in recording order.
    pub id: i64,
    /// What it is, for example `policy.contribution`.
    pub kind: String,
    /// What it is about: a venue, an incident, an account; empty for the book as a whole.
    pub subject: String,
    /// Business date from which it holds.
    pub effective_on: String,
    /// Canonical JSON.
    pub body: String,
    /// Leaf.
    pub leaf: i64,
}

impl FactRow {
    /// A new fact; the number comes from the head.
    pub fn new(id: i64, kind: &str, subject: &str, effective_on: jiff::civil::Date, body: &Value) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            effective_on: effective_on.to_string(),
            body: crate::proof::leaf::canonical(body),
            leaf: 0,
        }
    }

    /// The body read back into its type.
    pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, StoreError> {
        serde_json::from_str(&self.body).map_err(|e| StoreError::Damaged(format!("fact {} ({}): {e}", self.id, self.kind)))
    }
}

impl Record for FactRow {
    fn kind(&self) -> &'static str {
        "fact"
    }
    fn body(&self) -> Value {
        // The stored text is canonical already; parsing it back keeps one encoder for the leaf.
        let body: Value = serde_json::from_str(&self.body).unwrap_or(Value::Null);
        json!({"id": self.id, "kind": self.kind, "subject": self.subject, "effective_on": self.effective_on, "body": body})
    }
    fn insert(&self, conn: &mut Conn, leaf: i64, _: &Stamp) -> Result<(), StoreError> {
        let row = Self { leaf, ..self.clone() };
        diesel::insert_into(fact::table).values(&row).execute(conn)?;
        Ok(())
    }
}

/// Facts of one kind about one subject.
#[diesel::dsl::auto_type]
fn about<'a>(kind: &'a str, subject: &'a str) -> _ {
    fact::table.filter(fact::kind.eq(kind)).filter(fact::subject.eq(subject))
}

/// Facts of one kind in recording order.
pub fn of_kind(conn: &mut Conn, kind: &str) -> Result<Vec<FactRow>, StoreError> {
    Ok(fact::table.filter(fact::kind.eq(kind)).order(fact::id).select(FactRow::as_select()).load(conn)?)
}

/// The last fact of one kind about the book as a whole.
pub fn last_of_kind(conn: &mut Conn, kind: &str) -> Result<Option<FactRow>, StoreError> {
    Ok(fact::table
        .filter(fact::kind.eq(kind))
        .filter(fact::subject.eq(""))
        .order(fact::id.desc())
        .select(FactRow::as_select())
        .first(conn)
        .optional()?)
}

/// Facts of one kind about one subject in recording order.
pub fn of_subject(conn: &mut Conn, kind: &str, subject: &str) -> Result<Vec<FactRow>, StoreError> {
    Ok(about(kind, subject).order(fact::id).select(FactRow::as_select()).load(conn)?)
}

/// The first fact of one kind about one subject for one day.
pub fn of_day(conn: &mut Conn, kind: &str, subject: &str, day: &str) -> Result<Option<FactRow>, StoreError> {
    Ok(about(kind, subject)
        .filter(fact::effective_on.eq(day))
        .order(fact::id)
        .select(FactRow::as_select())
        .first(conn)
        .optional()?)
}

/// Facts of one kind about one subject from a day on, in order of the day.
pub fn since_day(conn: &mut Conn, kind: &str, subject: &str, day: &str) -> Result<Vec<FactRow>, StoreError> {
    Ok(about(kind, subject)
        .filter(fact::effective_on.ge(day))
        .order((fact::effective_on, fact::id))
        .select(FactRow::as_select())
        .load(conn)?)
}

/// Facts of one kind about one subject for one day, in recording order.
pub fn on_day(conn: &mut Conn, kind: &str, subject: &str, day: &str) -> Result<Vec<FactRow>, StoreError> {
    Ok(about(kind, subject).filter(fact::effective_on.eq(day)).order(fact::id).select(FactRow::as_select()).load(conn)?)
}

/// Facts of one kind about one subject of the latest day that has any, up to and including `day`.
pub fn of_latest_day(conn: &mut Conn, kind: &str, subject: &str, day: &str) -> Result<Vec<FactRow>, StoreError> {
    let latest: Option<String> = about(kind, subject)
        .filter(fact::effective_on.le(day))
        .order((fact::effective_on.desc(), fact::id.desc()))
        .select(fact::effective_on)
        .first(conn)
        .optional()?;
    latest.map_or_else(|| Ok(Vec::new()), |latest| on_day(conn, kind, subject, &latest))
}

/// The latest facts of one kind about one subject, by day, the latest first.
pub fn last_days(conn: &mut Conn, kind: &str, subject: &str, limit: i64) -> Result<Vec<FactRow>, StoreError> {
    Ok(about(kind, subject)
        .order((fact::effective_on.desc(), fact::id.desc()))
        .limit(limit)
        .select(FactRow::as_select())
        .load(conn)?)
}

/// The subjects that facts of one kind are about, in order.
pub fn subjects(conn: &mut Conn, kind: &str) -> Result<Vec<String>, StoreError> {
    Ok(fact::table.filter(fact::kind.eq(kind)).select(fact::subject).distinct().order(fact::subject).load(conn)?)
}

/// All facts in recording order, from a number on.
pub fn page(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<FactRow>, StoreError> {
    Ok(fact::table.filter(fact::id.gt(after)).order(fact::id).limit(limit).select(FactRow::as_select()).load(conn)?)
}

/// How many facts of these kinds there are about one subject.
pub fn count(conn: &mut Conn, kinds: &[&str], subject: &str) -> Result<i64, StoreError> {
    let mut total = 0_i64;
    for kind in kinds {
        let found: i64 = fact::table.filter(fact::kind.eq(*kind)).filter(fact::subject.eq(subject)).count().get_result(conn)?;
        total = total.saturating_add(found);
    }
    Ok(total)
}

/// Every kind of fact that there is.
pub fn kinds(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    Ok(fact::table.select(fact::kind).distinct().order(fact::kind).load(conn)?)
}

/// The fact of a kind about a subject that was recorded last before a leaf.
pub fn before(conn: &mut Conn, kind: &str, subject: &str, leaf: i64) -> Result<Option<FactRow>, StoreError> {
    Ok(about(kind, subject)
        .filter(fact::leaf.lt(leaf))
        .order(fact::id.desc())
        .select(FactRow::as_select())
        .first(conn)
        .optional()?)
}
