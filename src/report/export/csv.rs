//! The journal as CSV: one row a posting.

use super::{Book, ExportEntry, ExportError, Frame, Pairs, Shape, push};
use crate::domain::account::Account;
use crate::domain::asset::Asset;
use crate::report::render::csv::push_text;
use jiff::civil::Date;

const HEADING: &str = "entry,event,effective_on,recorded_at,reverses,account,account_name,asset,units,value,wallet,lot,incident,\
                       report,acquired_on,mark,memo\n";

pub(super) struct Csv;

impl Shape for Csv {
    fn frame(&self, _: &Book<'_>, account: &Account, asset: &Asset) -> Frame {
        let mut before = account.no.to_string().into_bytes();
        before.push(b',');
        push_text(&mut before, &account.name);
        push(&mut before, format_args!(",{},", asset.code));
        Frame { before_units: before, after_units: b",".to_vec(), before_value: Vec::new(), after_value: b",".to_vec() }
    }

    fn begin(&self, out: &mut Vec<u8>, _: &Pairs<'_>) {
        push(out, HEADING);
    }

    fn entry(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>, entry: &ExportEntry<'_>) -> Result<(), ExportError> {
        let start = out.len();
        push(out, format_args!("{},{},{},{},", entry.no, entry.event, entry.effective_on, entry.recorded_at));
        push_option(out, entry.reverses);
        let head = start..out.len();
        if entry.postings.is_empty() {
            out.truncate(start);
        }
        for (index, line) in entry.postings.iter().enumerate() {
            let pair = pairs.find(entry.no, line)?;
            if index > 0 {
                out.extend_from_within(head.clone());
            }
            pair.push_units(out, line.quantity);
            pair.push_value(out, line.value);
            push_named(out, line.dims.wallet, pairs.book.wallets);
            push_option(out, line.dims.lot);
            push_named(out, line.dims.incident, pairs.book.incidents);
            push_option(out, line.dims.report);
            push_option(out, line.opens.map(|o| o.acquired_on));
            push_option(out, line.opens.and_then(|o| o.mark));
            push_text(out, entry.memo);
            out.push(b'\n');
        }
        Ok(())
    }

    fn end(&self, _: &mut Vec<u8>, _: &Pairs<'_>, _: Date) {}
}

fn push_option(out: &mut Vec<u8>, what: Option<impl std::fmt::Display>) {
    if let Some(what) = what {
        push(out, what);
    }
    out.push(b',');
}

fn push_named<I: PartialEq + std::fmt::Display + Copy>(out: &mut Vec<u8>, id: Option<I>, names: &[(I, String)]) {
    match id.map(|id| names.iter().find(|(of, _)| *of == id).ok_or(id)) {
        Some(Ok((_, name))) => push_text(out, name),
        Some(Err(id)) => push(out, id),
        None => {}
    }
    out.push(b',');
}
