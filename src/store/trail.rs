//! The log as an auditor reads it: who recorded what when, leaf by leaf. It reads what [`super::log`] wrote and nothing else.

use super::conn::Conn;
use super::error::StoreError;
use super::log::Leaf;
use super::schema::{entry, log_leaf};
use super::tx::format_instant;
use super::view;
use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::Value;

/// A leaf read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Index.
    pub leaf: i64,
    /// Kind of its body.
    pub kind: String,
    /// Moment of recording.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Idempotency key of the command.
    pub request: String,
    /// What was recorded.
    pub body: Value,
}

impl Trace {
    /// Reads a stored leaf.
    ///
    /// # Errors
    /// `Damaged` for bytes that are no leaf.
    pub fn read(leaf: &Leaf) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged(format!("leaf {} cannot be read", leaf.idx));
        let mut value: Value = serde_json::from_str(&leaf.bytes).map_err(|_| damaged())?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(damaged);
        let (at, actor, request) = (text("at")?, text("actor")?, text("request")?);
        let body = value.get_mut("body").map(Value::take).ok_or_else(damaged)?;
        Ok(Self { leaf: leaf.idx, kind: leaf.kind.clone(), at: at.parse().map_err(|_| damaged())?, actor, request, body })
    }
}

/// Everybody whom the bytes of a leaf name as actor, the recorder first: a batch of contributions names those of its requests.
///
/// The bytes are canonical, so the mark cannot stand inside of a text, where its quotes would be escaped.
pub fn actors_in(bytes: &str) -> impl Iterator<Item = &str> {
    bytes.split("\"actor\":\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(actor, _)| actor)
}

/// The moment of recording in the bytes of a leaf.
pub fn at_in(bytes: &str) -> Option<Timestamp> {
    bytes.split_once(",\"at\":\"")?.1.split_once('"')?.0.parse().ok()
}

/// One leaf.
pub fn find(conn: &mut Conn, leaf: i64) -> Result<Option<Trace>, StoreError> {
    super::log::leaf(conn, leaf)?.as_ref().map(Trace::read).transpose()
}

/// Leaves below an index and not below another, latest first, at most `limit`.
pub fn below(conn: &mut Conn, first: i64, below: i64, limit: i64) -> Result<Vec<Leaf>, StoreError> {
    let wanted = log_leaf::table.filter(log_leaf::idx.ge(first)).filter(log_leaf::idx.lt(below));
    Ok(wanted.order(log_leaf::idx.desc()).limit(limit).select(Leaf::as_select()).load(conn)?)
}

/// The same of some kinds of leaf only.
pub fn below_of(conn: &mut Conn, kinds: &[&str], first: i64, below: i64, limit: i64) -> Result<Vec<Leaf>, StoreError> {
    let mut found = Vec::new();
    for kind in kinds {
        let wanted =
            log_leaf::table.filter(log_leaf::idx.ge(first)).filter(log_leaf::idx.lt(below)).filter(log_leaf::kind.eq(*kind));
        let own: Vec<Leaf> = wanted.order(log_leaf::idx.desc()).limit(limit).select(Leaf::as_select()).load(conn)?;
        found.extend(own);
    }
    found.sort_by_key(|leaf| std::cmp::Reverse(leaf.idx));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// How many leaves there are.
pub fn count(conn: &mut Conn) -> Result<i64, StoreError> {
    let last: Option<i64> = log_leaf::table.select(diesel::dsl::max(log_leaf::idx)).first(conn)?;
    Ok(last.map_or(0, |last| last.saturating_add(1)))
}

/// The last entry below a leaf; 0 where there is none.
pub fn last_entry(conn: &mut Conn, leaves: i64) -> Result<i64, StoreError> {
    let last: Option<i64> = entry::table.filter(entry::leaf.lt(leaves)).select(diesel::dsl::max(entry::no)).first(conn)?;
    Ok(last.unwrap_or(0))
}

/// How many leaves were recorded until a moment.
pub fn count_until(conn: &mut Conn, at: Timestamp) -> Result<i64, StoreError> {
    view::count_of(conn, &format_instant(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_and_moment_are_found_without_reading_the_body() {
        let bytes = r#"{"actor":"job:feed","at":"2019-05-07T19:06:00.000000Z","body":{"memo":"x \"actor\":\"key:evil\"","requests":[{"actor":"key:spot","key":"k"}]},"kind":"contribution_batch","request":"r","v":1}"#;
        assert_eq!(actors_in(bytes).collect::<Vec<_>>(), ["job:feed", "key:spot"]);
        assert_eq!(at_in(bytes).unwrap().to_string(), "2019-05-07T19:06:00Z");
        let leaf = Leaf { idx: 3, kind: "contribution_batch".to_owned(), bytes: bytes.to_owned(), hash: Vec::new() };
        let trace = Trace::read(&leaf).unwrap();
        assert_eq!((trace.actor.as_str(), trace.request.as_str()), ("job:feed", "r"));
        assert_eq!(trace.body["requests"][0]["key"], "k");
    }
}
