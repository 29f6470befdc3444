//! Before and after: what a fact replaced. Policies, figures and roles are histories of facts of one kind about one subject; what
//! stood there before is the one recorded last before it.

use crate::service::memo::MEMO;
use crate::service::people::{ROLE, SetRole};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact::{self, FactRow};
use crate::store::trail::Trace;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// What something was and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Before; null where there was nothing.
    pub before: Json,
    /// After.
    pub after: Json,
}

/// True for kinds of facts that replace the one before them.
pub fn replaces(kind: &str) -> bool {
    kind.starts_with("policy.") || kind == MEMO || kind == ROLE
}

/// What the fact of a leaf changed; nothing for facts that stand beside each other.
pub fn of(conn: &mut Conn, trace: &Trace) -> Result<Option<Change>, StoreError> {
    let text = |name: &str| trace.body.get(name).and_then(Json::as_str).unwrap_or_default();
    if trace.kind != "fact" || !replaces(text("kind")) {
        return Ok(None);
    }
    if text("kind") == ROLE {
        let all = fact::of_subject(conn, ROLE, text("subject"))?;
        let at = all.iter().position(|row| row.leaf == trace.leaf).unwrap_or(all.len());
        return Ok(Some(among(&all, at)?));
    }
    let before = fact::before(conn, text("kind"), text("subject"), trace.leaf)?;
    let before = before.as_ref().map_or(Ok(Json::Null), with_day)?;
    Ok(Some(Change { before, after: json!({"effective_on": text("effective_on"), "terms": trace.body.get("body")}) }))
}

/// The change that the fact at a place of its history made.
pub fn among(history: &[FactRow], at: usize) -> Result<Change, StoreError> {
    let upto = |end: usize| history.get(..end).unwrap_or_default();
    if history.get(at).is_some_and(|row| row.kind == ROLE) {
        let before = roles(upto(at))?;
        return Ok(Change { before: json!({"roles": before}), after: json!({"roles": roles(upto(at.saturating_add(1)))?}) });
    }
    let read = |row: Option<&FactRow>| row.map_or(Ok(Json::Null), with_day);
    Ok(Change { before: read(upto(at).last())?, after: read(history.get(at))? })
}

fn roles(history: &[FactRow]) -> Result<BTreeSet<String>, StoreError> {
    let mut held = BTreeSet::new();
    for row in history {
        let set: SetRole = row.parse()?;
        if set.held {
            held.insert(set.role);
        } else {
            held.remove(&set.role);
        }
    }
    Ok(held)
}

/// The terms with the day from which they hold, which is part of them.
fn with_day(row: &FactRow) -> Result<Json, StoreError> {
    Ok(json!({"effective_on": row.effective_on, "terms": row.parse::<Json>()?}))
}

impl Change {
    /// The fields that differ, each as path, before, after.
    pub fn fields(&self) -> Vec<(String, String, String)> {
        let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
        flatten(&self.before, "", &mut before);
        flatten(&self.after, "", &mut after);
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let of = |side: &BTreeMap<String, String>, name: &String| side.get(name).cloned().unwrap_or_default();
        let pairs = names.into_iter().map(|name| (name.clone(), of(&before, name), of(&after, name)));
        pairs.filter(|(_, before, after)| before != after).collect()
    }

    /// The fields that differ in one line.
    pub fn in_short(&self) -> String {
        let show = |text: String| if text.is_empty() { "nothing".to_owned() } else { text };
        let one = |(name, before, after): (String, String, String)| format!("{name}: {} → {}", show(before), show(after));
        self.fields().into_iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// A JSON value as its fields by their path.
pub fn flatten(value: &Json, path: &str, into: &mut BTreeMap<String, String>) {
    let below = |name: &str| {
        let name = name.replace('_', " ");
        // The terms are what a policy is; saying so before each of them helps nobody.
        if path.is_empty() || path == "terms" { name } else { format!("{path} {name}") }
    };
    match value {
        Json::Object(fields) => fields.iter().for_each(|(name, field)| flatten(field, &below(name), into)),
        Json::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let texts: Vec<String> = items.iter().map(plain).collect();
            into.insert(path.to_owned(), texts.join(", "));
        }
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                flatten(item, &below(&at.saturating_add(1).to_string()), into);
            }
        }
        Json::Null => {}
        other => {
            into.insert(path.to_owned(), plain(other));
        }
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_the_fields_that_differ() {
        let side =
            |share: &str, note: Option<&str>| json!({"effective_on": "2019-01-01", "terms": {"share": share, "note": note}});
        let change = Change { before: side("0.1", None), after: side("0.2", Some("board")) };
        assert_eq!(change.in_short(), "note: nothing → board; share: 0.1 → 0.2");
        let first = Change { before: Json::Null, after: side("0.1", None) };
        assert_eq!(first.in_short(), "effective on: nothing → 2019-01-01; share: nothing → 0.1");
        let lists = Change { before: json!({"roles": ["a"]}), after: json!({"roles": ["a", "b"]}) };
        assert_eq!(lists.fields(), [("roles".to_owned(), "a".to_owned(), "a, b".to_owned())]);
    }
}
