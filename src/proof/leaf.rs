//! Canonical bytes of log leaves, version 1.
//!
//! A leaf is one JSON object in the canonical form of RFC 8785: keys sorted, no white space, text as UTF-8. Its members are
//! `v` (1), `kind`, `at` (UTC with six decimals), `actor`, `request` (the idempotency key) and `body`, which depends on the
//! kind. Amounts and prices are strings; the only JSON numbers are whole and below 2^53, so that every canonicaliser agrees.

use serde_json::{Map, Value};

/// Version of the leaf encoding.
pub const LEAF_VERSION: u64 = 1;
/// The longest leaf; what is larger goes into a sub-tree whose root the leaf carries.
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Who recorded what, when, on which request.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Moment of recording, as text with six decimals.
    pub at: &'a str,
    /// Who did it.
    pub actor: &'a str,
    /// Idempotency key of the command.
    pub request: &'a str,
    /// Kind of the body.
    pub kind: &'a str,
}

/// The canonical bytes of a leaf.
pub fn encode(envelope: Envelope<'_>, body: &Value) -> String {
    let mut out = String::with_capacity(512);
    // The members in sorted order, written out so that the body need not be copied.
    out.push_str("{\"actor\":");
    write_text(&mut out, envelope.actor);
    out.push_str(",\"at\":");
    write_text(&mut out, envelope.at);
    out.push_str(",\"body\":");
    write_value(&mut out, body);
    out.push_str(",\"kind\":");
    write_text(&mut out, envelope.kind);
    out.push_str(",\"request\":");
    write_text(&mut out, envelope.request);
    out.push_str(",\"v\":1}");
    out
}

/// A JSON value in canonical form. Numbers must be whole; the type checker cannot say so, the golden vectors do.
pub fn canonical(value: &Value) -> String {
    let mut out = String::with_capacity(256);
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => write_object(out, members),
    }
}

fn write_object(out: &mut String, members: &Map<String, Value>) {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    // RFC 8785 sorts by UTF-16 code units; for the ASCII names used here that is byte order, but be exact.
    sorted.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
    out.push('{');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(out, name);
        out.push(':');
        write_value(out, value);
    }
    out.push('}');
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn golden_leaf() {
        let envelope = Envelope { at: "2019-05-07T19:06:00.000000Z", actor: "cli:ana", request: "k-1", kind: "entry" };
        let body = json!({"no": 7, "memo": "a \"quoted\" line\n\u{1}€", "b": [true, null], "a": {"z": "1", "y": "2"}});
        assert_eq!(
            encode(envelope, &body),
            "{\"actor\":\"cli:ana\",\"at\":\"2019-05-07T19:06:00.000000Z\",\"body\":{\"a\":{\"y\":\"2\",\"z\":\"1\"},\"b\":[true,null],\
             \"memo\":\"a \\\"quoted\\\" line\\n\\u0001€\",\"no\":7},\"kind\":\"entry\",\"request\":\"k-1\",\"v\":1}"
        );
    }
}
