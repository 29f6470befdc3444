//! What the nouns share: small tables, posted entries as text, and amounts at wallets as arguments.

use crate::report::doc::{Column, Doc, Row, Table};
use crate::service::treasury::Units;
use serde_json::Value;

/// A report of one table.
pub fn doc(name: &str, title: &str, columns: Vec<Column>, rows: Vec<Row>, empty: &str) -> Doc {
    let table = Table::new(name, title, columns, rows, empty);
    Doc { name: name.to_owned(), title: title.to_owned(), tables: vec![table], ..Doc::default() }
}

/// A field of an answer as text; empty where it is missing.
pub fn field(answer: &Value, name: &str) -> String {
    match answer.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

/// A posted entry: its number, event and day, then its lines.
pub fn entry_text(answer: &Value) -> String {
    let mut text =
        format!("Entry {} ({}) on {}\n", field(answer, "entry"), field(answer, "event"), field(answer, "effective_on"));
    let lines = answer.get("lines").and_then(Value::as_array);
    for line in lines.into_iter().flatten() {
        let (account, asset) = (field(line, "account"), field(line, "asset"));
        text.push_str(&format!("  {account}  {:>28} {asset:<8} {:>28}\n", field(line, "quantity"), field(line, "value")));
    }
    text
}

/// Several posted entries.
pub fn entries_text(answer: &Value) -> String {
    let entries = answer.get("entries").and_then(Value::as_array);
    entries.into_iter().flatten().map(entry_text).collect()
}

/// The fee reports that a command moved though it was not about them, one line each; empty where none did.
pub fn moved_text(answer: &Value, member: &str) -> String {
    let moved = answer.get(member).and_then(Value::as_array);
    let line = |report: &Value| {
        let [id, name, venue, day] = ["id", "report_id", "venue", "business_date"].map(|member| field(report, member));
        let [version, state, reason, entry] = ["version", "state", "reason", "entry"].map(|member| field(report, member));
        let reason = if reason.is_empty() { reason } else { format!(" ({})", reason.replace('-', " ")) };
        let entry = if entry.is_empty() { entry } else { format!(", entry {entry}") };
        format!("Fee report {id} ({name} version {version}, {venue} of {day}) is now {state}{reason}{entry}.\n")
    };
    moved.into_iter().flatten().map(line).collect()
}

/// Reads `WALLET:ASSET:QUANTITY`, for example `cold-btc:BTC:1.5`. Wallet codes may have colons themselves.
///
/// # Errors
/// What is wrong with the argument.
pub fn units(text: &str) -> Result<Units, String> {
    let mut parts = text.rsplitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(quantity), Some(asset), Some(wallet)) => Ok(Units::new(wallet, asset, quantity)),
        _ => Err("write it as WALLET:ASSET:QUANTITY, for example cold-btc:BTC:1.5".to_owned()),
    }
}

/// Reads `NAME=TEXT`.
///
/// # Errors
/// What is wrong with the argument.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE, for example BTC=5850.1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_from_the_right() {
        assert_eq!(units("eth:hot:ETH:1.5"), Ok(Units::new("eth:hot", "ETH", "1.5")));
        assert!(units("BTC:1").is_err());
        assert_eq!(pair("BTC=1"), Ok(("BTC".to_owned(), "1".to_owned())));
        assert!(pair("BTC=").is_err() && pair("BTC").is_err());
    }
}
