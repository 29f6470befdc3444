//! The journal as JSON Lines: one object an entry, amounts as exact strings. What a line does not have is left out.

use super::{Book, ExportEntry, ExportError, Frame, Pairs, Shape, push};
use crate::domain::account::Account;
use crate::domain::asset::Asset;
use crate::domain::entry::Posting;
use jiff::civil::Date;

pub(super) struct Jsonl;

impl Shape for Jsonl {
    fn frame(&self, _: &Book<'_>, account: &Account, asset: &Asset) -> Frame {
        let before = format!("{{\"account\":{},\"asset\":\"{}\",\"units\":\"", account.no, asset.code);
        Frame {
            before_units: before.into_bytes(),
            after_units: b"\"".to_vec(),
            before_value: b",\"value\":\"".to_vec(),
            after_value: b"\"".to_vec(),
        }
    }

    fn begin(&self, _: &mut Vec<u8>, _: &Pairs<'_>) {}

    fn entry(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>, entry: &ExportEntry<'_>) -> Result<(), ExportError> {
        push(
            out,
            format_args!(
                "{{\"entry\":{},\"event\":\"{}\",\"effective_on\":\"{}\",\"recorded_at\":\"{}\",",
                entry.no, entry.event, entry.effective_on, entry.recorded_at
            ),
        );
        if let Some(reversed) = entry.reverses {
            push(out, format_args!("\"reverses\":{reversed},"));
        }
        out.extend_from_slice(b"\"memo\":");
        push_string(out, entry.memo);
        out.extend_from_slice(b",\"lines\":[");
        for (index, line) in entry.postings.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let pair = pairs.find(entry.no, line)?;
            pair.push_units(out, line.quantity);
            pair.push_value(out, line.value);
            push_dims(out, pairs.book, line);
            out.push(b'}');
        }
        out.extend_from_slice(b"]}\n");
        Ok(())
    }

    fn end(&self, _: &mut Vec<u8>, _: &Pairs<'_>, _: Date) {}
}

fn push_dims(out: &mut Vec<u8>, book: &Book<'_>, line: &Posting) {
    push_named(out, "wallet", line.dims.wallet, book.wallets);
    if let Some(lot) = line.dims.lot {
        push(out, format_args!(",\"lot\":{lot}"));
    }
    push_named(out, "incident", line.dims.incident, book.incidents);
    if let Some(report) = line.dims.report {
        push(out, format_args!(",\"report\":{report}"));
    }
    if let Some(opens) = line.opens {
        push(out, format_args!(",\"acquired_on\":\"{}\"", opens.acquired_on));
        if let Some(mark) = opens.mark {
            push(out, format_args!(",\"mark\":\"{mark}\""));
        }
    }
}

fn push_named<I: PartialEq + std::fmt::Display + Copy>(out: &mut Vec<u8>, key: &str, id: Option<I>, names: &[(I, String)]) {
    let Some(id) = id else { return };
    push(out, format_args!(",\"{key}\":"));
    match names.iter().find(|(of, _)| *of == id) {
        Some((_, name)) => push_string(out, name),
        None => push(out, format_args!("\"{id}\"")),
    }
}

fn push_string(out: &mut Vec<u8>, text: &str) {
    let written = serde_json::to_writer(out, text);
    debug_assert!(written.is_ok(), "a Vec takes every byte of a string");
}
