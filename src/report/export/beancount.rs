//! Beancount files; accepted by `bean-check`.
//!
//! Beancount computes with Python decimals of 28 digits. Where an amount needs more, it rounds while reading, and the zero
//! tolerances make it refuse the file instead of accepting a wrong figure; the head of the file says how to give it more digits.

use super::{Book, ExportEntry, ExportError, Frame, Pairs, Shape, amount, plain, push};
use crate::domain::account::Account;
use crate::domain::amount::VALUE_SCALE;
use crate::domain::asset::Asset;
use jiff::civil::Date;

/// Accounts are opened on this day, before any entry.
const OPENED_ON: &str = "1900-01-01";

pub(super) struct Beancount;

impl Shape for Beancount {
    fn frame(&self, book: &Book<'_>, account: &Account, asset: &Asset) -> Frame {
        let before = format!("  {}  ", account_name(account, asset)).into_bytes();
        Frame {
            before_units: before.clone(),
            after_units: format!(" {}\n", commodity(asset.code.as_str())).into_bytes(),
            before_value: before,
            after_value: format!(" {}\n", plain::value_commodity(book)).into_bytes(),
        }
    }

    fn begin(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>) {
        let value = plain::value_commodity(pairs.book);
        push(
            out,
            format_args!(
                "; Exported by safu. Check it with: bean-check FILE\n\
                 ; Every line of the book is two amounts on one account: units of the asset, and functional value in {value}.\n\
                 ; Beancount computes with 28 digits unless told otherwise. A book with longer amounts fails the check rather\n\
                 ; than being rounded; give Beancount more digits then:\n\
                 ;   python3 -c \"import decimal, sys; decimal.getcontext().prec = 80; sys.argv[0] = 'bean-check'; \
                 from beancount.scripts.check import main; main()\" --no-cache FILE\n\
                 option \"title\" \""
            ),
        );
        push_string(out, pairs.book.name);
        push(out, "\"\noption \"inferred_tolerance_default\" \"*:0\"\n");
        for asset in pairs.book.assets {
            declare(out, &commodity(asset.code.as_str()), asset.scale);
        }
        declare(out, &value, VALUE_SCALE);
        for pair in &pairs.list {
            let (account, units) = (account_name(pair.account, pair.asset), commodity(pair.asset.code.as_str()));
            push(out, format_args!("{OPENED_ON} open {account} {units},{value}\n  name: \""));
            push_string(out, &pair.account.name);
            push(out, "\"\n");
        }
    }

    fn entry(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>, entry: &ExportEntry<'_>) -> Result<(), ExportError> {
        // The reader takes years from 1000; accounts open in 1900.
        if !(1900..=2999).contains(&entry.effective_on.year()) {
            return Err(ExportError::Date { entry: entry.no, date: entry.effective_on });
        }
        push(out, format_args!("\n{} * \"{}\" \"", entry.effective_on, entry.event));
        push_string(out, entry.memo);
        push(out, format_args!("\"\n  entry: {}\n  recorded: \"{}\"\n", entry.no, entry.recorded_at));
        if let Some(reversed) = entry.reverses {
            push(out, format_args!("  reverses: {reversed}\n"));
        }
        plain::postings(out, pairs, entry)
    }

    fn end(&self, out: &mut Vec<u8>, pairs: &Pairs<'_>, day: Date) {
        // A balance directive holds at the start of its day, so the day after the last entry sees them all.
        out.push(b'\n');
        for pair in &pairs.list {
            let (quantity, value) = (pair.closing.quantity.minor(), pair.closing.value.minor());
            assert_balance(out, day, &pair.frame.before_units, quantity, pair.asset.scale, &pair.frame.after_units);
            assert_balance(out, day, &pair.frame.before_value, value, VALUE_SCALE, &pair.frame.after_value);
        }
    }
}

fn assert_balance(out: &mut Vec<u8>, day: Date, before: &[u8], minor: i128, scale: u8, after: &[u8]) {
    push(out, format_args!("{day} balance"));
    out.extend_from_slice(before);
    amount::push_minor(out, minor, scale);
    out.extend_from_slice(b" ~ 0");
    out.extend_from_slice(after);
}

fn declare(out: &mut Vec<u8>, commodity: &str, scale: u8) {
    push(out, format_args!("{OPENED_ON} commodity {commodity}\n  precision: {scale}\n"));
}

/// A commodity; three codes are words of the language and get an ending that no asset code can have.
fn commodity(code: &str) -> String {
    if matches!(code, "TRUE" | "FALSE" | "NULL") { format!("{code}-ASSET") } else { code.to_owned() }
}

/// An account name of letters, digits and hyphens; the number keeps it unique, the full name is metadata of the account.
fn account_name(account: &Account, asset: &Asset) -> String {
    let mut name = format!("{}:{}", plain::root(account.class), account.no);
    for word in account.name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()) {
        name.push('-');
        name.push_str(word);
    }
    name.push(':');
    name.push_str(asset.code.as_str());
    name
}

/// Appends the inside of a string literal on one line.
fn push_string(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\') {
        return out.extend_from_slice(text.as_bytes());
    }
    let mut utf8 = [0; 4];
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend_from_slice(&[b'\\', if c == '"' { b'"' } else { b'\\' }]),
            c if c.is_control() => out.push(b' '),
            c => out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes()),
        }
    }
}
