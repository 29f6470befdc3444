//! hledger journals; accepted by `hledger check --strict`.

use super::{Book, ExportEntry, ExportError, Frame, Pairs, Shape, plain, push};
use crate::domain::account::Account;
use crate::domain::asset::Asset;
use jiff::civil::Date;

pub(super) struct Hledger;

impl Shape for Hledger {
    fn frame(&self, book: &Book<'_>, account: &Account, asset: &Asset) -> Frame {
        plain::frame(book, account, asset)
    }

    fn begin(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>) {
        plain::title(out, pairs, "hledger check --strict -f FILE");
        push(out, "decimal-mark .\n");
        for (symbol, scale) in plain::samples(pairs.book) {
            // hledger wants the dot even where no decimals follow, and takes this precision as the tolerance of an entry.
            push(out, format_args!("commodity 1000.{:0<width$} {symbol}\n", "", width = usize::from(scale)));
        }
        plain::accounts(out, pairs);
    }

    fn entry(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>, entry: &ExportEntry<'_>) -> Result<(), ExportError> {
        plain::entry(out, pairs, entry)
    }

    fn end(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>, day: Date) {
        plain::end(out, pairs, day);
    }
}
