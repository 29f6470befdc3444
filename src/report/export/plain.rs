//! What hledger and ledger have in common: one text format with two readers.

use super::{Book, ExportEntry, ExportError, Frame, Pairs, push};
use crate::domain::account::{Account, AccountClass};
use crate::domain::asset::Asset;
use jiff::civil::Date;
use std::fmt::Write;

/// The top account of a class; all three journal programs know these words.
pub(super) const fn root(class: AccountClass) -> &'static str {
    match class {
        AccountClass::Asset => "Assets",
        AccountClass::Liability => "Liabilities",
        AccountClass::Equity | AccountClass::Memo => "Equity",
        AccountClass::Income => "Income",
        AccountClass::Expense => "Expenses",
    }
}

/// The commodity of functional value. Asset codes have no hyphen, so it is never an asset's.
pub(super) fn value_commodity(book: &Book<'_>) -> String {
    format!("{}-VALUE", book.functional)
}

/// A commodity symbol; other characters than letters need quotes.
pub(super) fn commodity(code: &str) -> String {
    if code.bytes().all(|b| b.is_ascii_alphabetic()) { code.to_owned() } else { format!("\"{code}\"") }
}

/// An account name: class, number with name, asset. Only characters that mean nothing to either program are kept.
pub(super) fn account_name(account: &Account, asset: &Asset) -> String {
    let mut name = String::new();
    for c in account.name.chars() {
        let safe = match c {
            ':' | ';' => ',',
            c if c.is_alphanumeric() || "-_.,&'/+".contains(c) => c,
            c if c.is_whitespace() || c.is_control() => ' ',
            _ => '-',
        };
        // Two spaces end an account name.
        if !(safe == ' ' && name.ends_with(' ')) {
            name.push(safe);
        }
    }
    format!("{}:{} {}", root(account.class), account.no, name.trim()).trim_end().to_owned() + ":" + asset.code.as_str()
}

pub(super) fn frame(book: &Book<'_>, account: &Account, asset: &Asset) -> Frame {
    let before = format!("    {}  ", account_name(account, asset)).into_bytes();
    Frame {
        before_units: before.clone(),
        after_units: format!(" {}\n", commodity(asset.code.as_str())).into_bytes(),
        before_value: before,
        after_value: format!(" {}\n", commodity(&value_commodity(book))).into_bytes(),
    }
}

/// One sample amount of every commodity, with all of its decimals, as the directives want it.
pub(super) fn samples(book: &Book<'_>) -> Vec<(String, u8)> {
    let units = book.assets.iter().map(|a| (commodity(a.code.as_str()), a.scale));
    units.chain([(commodity(&value_commodity(book)), crate::domain::amount::VALUE_SCALE)]).collect()
}

/// The lines that say what the file is.
pub(super) fn title(out: &mut Vec<u8>, pairs: &Pairs<'_>, check: &str) {
    let value = value_commodity(pairs.book);
    let mut text = String::new();
    push_words(&mut text, pairs.book.name);
    push(
        out,
        format_args!(
            "; Journal of {text}, exported by safu. Check it with: {check}\n\
             ; Every line of the book is two amounts on one account: units of the asset, and functional value in {value}.\n\
             ; Each entry sums to zero in every commodity; the closing balances at the end are asserted to the last unit.\n"
        ),
    );
}

pub(super) fn accounts(out: &mut Vec<u8>, pairs: &Pairs<'_>) {
    for pair in &pairs.list {
        push(out, format_args!("account {}\n", account_name(pair.account, pair.asset)));
    }
}

pub(super) fn entry(out: &mut Vec<u8>, pairs: &Pairs<'_>, entry: &ExportEntry<'_>) -> Result<(), ExportError> {
    push(out, format_args!("\n{} * ({}) {} ", entry.effective_on, entry.no, entry.event));
    push_memo(out, entry.memo);
    push(out, format_args!("\n    ; recorded: {}\n", entry.recorded_at));
    if let Some(reversed) = entry.reverses {
        push(out, format_args!("    ; reverses: {reversed}\n"));
    }
    postings(out, pairs, entry)
}

/// Lines of an entry: units where units move, value where value moves.
pub(super) fn postings(out: &mut Vec<u8>, pairs: &Pairs<'_>, entry: &ExportEntry<'_>) -> Result<(), ExportError> {
    for line in entry.postings {
        let pair = pairs.find(entry.no, line)?;
        if !line.quantity.is_zero() {
            pair.push_units(out, line.quantity);
        }
        if !line.value.is_zero() {
            pair.push_value(out, line.value);
        }
    }
    Ok(())
}

/// One entry of nothing whose lines assert every closing balance. It is dated after all others because hledger asserts in
/// date order, and stands last because ledger asserts in file order.
pub(super) fn end(out: &mut Vec<u8>, pairs: &Pairs<'_>, day: Date) {
    push(out, format_args!("\n{day} * Closing balances\n"));
    for pair in &pairs.list {
        for (units, balance) in [(true, pair.closing.quantity.minor()), (false, pair.closing.value.minor())] {
            let frame = &pair.frame;
            let (before, after, scale) = if units {
                (&frame.before_units, &frame.after_units, pair.asset.scale)
            } else {
                (&frame.before_value, &frame.after_value, crate::domain::amount::VALUE_SCALE)
            };
            out.extend_from_slice(before);
            out.push(b'0');
            out.extend_from_slice(after.trim_ascii_end());
            out.extend_from_slice(b" = ");
            super::amount::push_minor(out, balance, scale);
            out.extend_from_slice(after);
        }
    }
}

/// Appends a memo as part of a description line: one line, no comment, no split into payee and note.
fn push_memo(out: &mut Vec<u8>, memo: &str) {
    if memo.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b';' && b != b'|') {
        return out.extend_from_slice(memo.as_bytes());
    }
    let mut text = String::with_capacity(memo.len());
    push_words(&mut text, memo);
    out.extend_from_slice(text.as_bytes());
}

fn push_words(text: &mut String, words: &str) {
    for c in words.chars() {
        let safe = match c {
            ';' => ',',
            '|' => '/',
            '\u{2028}' | '\u{2029}' => ' ',
            c if c.is_control() => ' ',
            c => c,
        };
        let written = text.write_char(safe);
        debug_assert!(written.is_ok(), "a String takes every character");
    }
}
