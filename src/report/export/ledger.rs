//! Ledger journals; accepted by `ledger --pedantic`.

use super::{Book, ExportEntry, ExportError, Frame, Pairs, Shape, plain, push};
use crate::domain::account::Account;
use crate::domain::asset::Asset;
use jiff::civil::Date;

pub(super) struct Ledger;

impl Shape for Ledger {
    fn frame(&self, book: &Book<'_>, account: &Account, asset: &Asset) -> Frame {
        plain::frame(book, account, asset)
    }

    fn begin(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>) {
        plain::title(out, pairs, "ledger --pedantic -f FILE balance");
        for (symbol, scale) in plain::samples(pairs.book) {
            // Ledger takes an entry as balanced when the rest shows as zero in this format, so it has every decimal.
            let dot = if scale == 0 { "" } else { "." };
            let width = usize::from(scale);
            push(out, format_args!("commodity {symbol}\n    format 1000{dot}{:0<width$} {symbol}\n", ""));
        }
        plain::accounts(out, pairs);
        push(out, "tag recorded\ntag reverses\n");
    }

    fn entry(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>, entry: &ExportEntry<'_>) -> Result<(), ExportError> {
        plain::entry(out, pairs, entry)
    }

    fn end(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>, day: Date) {
        plain::end(out, pairs, day);
    }
}
