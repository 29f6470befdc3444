//! The log itself: every leaf hashes to what is stored, the tree's root is the head's, and every logged row still says what
//! its leaf says.

use super::{Progress, Verdict};
use crate::proof::leaf::canonical;
use crate::proof::merkle::{Frontier, leaf_hash};
use crate::service::audit::check::{CHECK, CheckDone};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact;
use crate::store::log::{self, Head, Leaf};
use crate::store::rebuild::{self, Rebuilt};
use crate::store::tx::format_instant;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// Leaves that are read and compared at a time.
const CHUNK: i64 = 2_000;

/// Where the log stands, for the checks that follow.
pub(super) struct Log {
    pub(super) head: Head,
    pub(super) size: i64,
}

/// Walks the log once.
pub(super) fn check(conn: &mut Conn, progress: &Progress, verdict: &mut Verdict) -> Result<Log, StoreError> {
    let stated = stated_roots(conn)?;
    let head = match Head::load(conn) {
        Err(StoreError::Damaged(detail)) => {
            verdict.add("head", detail);
            Head::default()
        }
        other => other?,
    };
    let mut tree = Frontier::new();
    let (mut next, mut matched) = (0_i64, 0_i64);
    loop {
        let leaves = log::leaves(conn, next, CHUNK)?;
        let Some(last) = leaves.last().map(|leaf| leaf.idx) else { break };
        let mut rebuilt: BTreeMap<i64, Vec<Rebuilt>> = BTreeMap::new();
        for one in rebuild::between(conn, next, last)? {
            rebuilt.entry(one.leaf).or_default().push(one);
        }
        progress.leaf(last, head.log.size());
        for leaf in &leaves {
            if leaf.idx != next {
                verdict.add(format!("leaf {next}"), format!("is missing; the next one stored is {}", leaf.idx));
            }
            next = leaf.idx.saturating_add(1);
            let hash = leaf_hash(leaf.bytes.as_bytes());
            if hash.as_slice() != leaf.hash {
                verdict.add(format!("leaf {}", leaf.idx), "its bytes do not hash to the stored leaf hash");
            }
            tree.push(hash);
            for (fact, root) in stated.get(&tree.size()).map(Vec::as_slice).unwrap_or_default() {
                if hex::encode(tree.root()) != *root {
                    let detail = format!("says that the log of {} leaves had the root {root}, which it has not", tree.size());
                    verdict.add(format!("fact {fact} ({CHECK})"), detail);
                }
            }
            let rows = rebuilt.remove(&leaf.idx).unwrap_or_default();
            matched = matched.saturating_add(i64::try_from(rows.len()).unwrap_or(i64::MAX));
            compare(leaf, &rows, verdict);
        }
    }
    verdict.log_size = tree.size();
    verdict.log_root = hex::encode(tree.root());
    verdict.counts.leaves = tree.size();
    if tree != head.log {
        let detail = format!(
            "the head says size {} and root {}, the leaves make size {} and root {}",
            head.log.size(),
            hex::encode(head.log.root()),
            tree.size(),
            verdict.log_root
        );
        verdict.add("head", detail);
    }
    let stored = rebuild::row_count(conn)?;
    if stored != matched {
        verdict.add("logged tables", format!("hold {stored} rows, but {matched} are covered by leaves"));
    }
    for (what, stored, last) in rebuild::last_numbers(conn)?.compare(&head) {
        if stored != last {
            verdict.add("head", format!("last {what} is {last}, stored are numbers up to {stored}"));
        }
    }
    Ok(Log { head, size: next })
}

/// Roots that checks of the chain stated for sizes of the log, with their facts: the log must still have them.
fn stated_roots(conn: &mut Conn) -> Result<BTreeMap<u64, Vec<(i64, String)>>, StoreError> {
    let mut stated: BTreeMap<u64, Vec<(i64, String)>> = BTreeMap::new();
    for row in fact::of_kind(conn, CHECK)? {
        let done: CheckDone = row.parse()?;
        // One that was not good says what it found, not what the log was.
        if let (true, Ok(size)) = (done.is_good(), done.log_size.parse()) {
            stated.entry(size).or_default().push((row.id, done.log_root));
        }
    }
    Ok(stated)
}

/// What a leaf says.
pub(super) struct Parsed {
    pub(super) body: Value,
    pub(super) at: String,
    pub(super) actor: String,
    pub(super) request: String,
}

/// What a leaf says; reported when its bytes are not a canonical leaf.
pub(super) fn parse(leaf: &Leaf, verdict: &mut Verdict) -> Option<Parsed> {
    let parsed: Option<Value> = serde_json::from_str(&leaf.bytes).ok();
    let parsed = parsed.filter(|value| canonical(value) == leaf.bytes);
    let Some(value) = parsed else {
        verdict.add(format!("leaf {}", leaf.idx), "is not canonical JSON");
        return None;
    };
    if value.get("kind").and_then(Value::as_str) != Some(leaf.kind.as_str()) {
        verdict.add(format!("leaf {}", leaf.idx), format!("is stored as {:?} but says another kind", leaf.kind));
    }
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (at, actor, request) = (text("at"), text("actor"), text("request"));
    Some(Parsed { body: value.get("body").cloned().unwrap_or(Value::Null), at, actor, request })
}

fn compare(leaf: &Leaf, rows: &[Rebuilt], verdict: &mut Verdict) {
    let Some(Parsed { body, at, actor, .. }) = parse(leaf, verdict) else { return };
    let subject = || format!("leaf {} ({})", leaf.idx, leaf.kind);
    match rows {
        // Entries are replayed apart; refused commands leave nothing but their leaf.
        [] if ["entry", "refusal"].contains(&leaf.kind.as_str()) => {}
        [] => verdict.add(subject(), "the row it covers is missing"),
        [row] => {
            if row.kind != leaf.kind {
                verdict.add(subject(), format!("covers a row of kind {}", row.kind));
            }
            if let Some(difference) = difference(&body, &row.body) {
                verdict.add(subject(), difference);
            }
            if row.recorded_at.is_some_and(|micros| instant_text(micros) != at) {
                verdict.add(subject(), format!("was recorded at {at}, the row says another moment"));
            }
            if row.actor.as_ref().is_some_and(|stored| *stored != actor) {
                verdict.add(subject(), format!("was recorded by {actor}, the row says another"));
            }
        }
        _ => verdict.add(subject(), format!("is claimed by {} rows", rows.len())),
    }
}

/// A stored moment as the log writes it.
pub(super) fn instant_text(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map(format_instant).unwrap_or_default()
}

/// The first member in which the logged body and the rows differ, in words.
pub(super) fn difference(logged: &Value, stored: &Value) -> Option<String> {
    if logged == stored {
        return None;
    }
    if let (Value::Object(a), Value::Object(b)) = (logged, stored) {
        for name in a.keys().chain(b.keys()) {
            let (was, is) = (a.get(name).unwrap_or(&Value::Null), b.get(name).unwrap_or(&Value::Null));
            if was != is {
                return Some(format!("{name}: the log says {}, stored is {}", short(was), short(is)));
            }
        }
    }
    Some(format!("the log says {}, stored is {}", short(logged), short(stored)))
}

fn short(value: &Value) -> String {
    let mut text = value.to_string();
    if let Some((cut, _)) = text.char_indices().nth(160) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

impl Log {
    /// Leaf ranges that cover the whole log, for walks that follow.
    pub(super) fn chunks(&self) -> impl Iterator<Item = (i64, i64)> {
        let size = self.size;
        let starts = std::iter::successors(Some(0_i64), |at| at.checked_add(CHUNK)).take_while(move |at| *at < size);
        starts.map(|at| (at, at.saturating_add(CHUNK).saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(difference(&json!({"a": 1, "b": "x"}), &json!({"a": 1, "b": "x"})), None);
        let text = difference(&json!({"a": 1, "b": "x"}), &json!({"a": 1, "b": "y"}));
        assert_eq!(text.as_deref(), Some("b: the log says \"x\", stored is \"y\""));
    }
}
