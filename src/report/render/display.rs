//! Cell contents as words: exact for files, shortened for terminals.

use crate::domain::amount::{VALUE_SCALE, format_minor};
use crate::report::doc::{Basis, Content};
use crate::report::format::{self, Style};

/// Decimals of a functional value on statements.
pub const SHOWN_VALUE_DECIMALS: u8 = 2;
/// The most decimals of units in a terminal.
pub const SHOWN_UNIT_DECIMALS: u8 = 8;

/// The exact content without marks for people: plain decimals, ISO dates, moments in UTC. Blank is empty.
pub fn exact(content: &Content) -> String {
    match content {
        Content::Text(text) | Content::Code(text) | Content::State(text, _) => text.clone(),
        Content::Units { quantity, scale, .. } => quantity.to_text(*scale),
        Content::Value(value) => format_minor(value.minor(), VALUE_SCALE),
        Content::Price(number) | Content::Ratio(number) | Content::Percent(number) => number.normalize().to_string(),
        Content::Count(count) => count.to_string(),
        Content::Date(date) => date.to_string(),
        Content::Time(time) => time.to_string(),
        Content::Blank(_) => String::new(),
    }
}

/// The content as people read it in a terminal: by the rule of the pages ([`format::show`]), with a minus sign instead of
/// brackets and with plain spaces. Units keep all decimals of their asset, so that points align down a column.
pub fn shown(content: &Content, dash: bool) -> String {
    let decimals = match content {
        Content::Units { scale, .. } => usize::from(SHOWN_UNIT_DECIMALS.min(*scale)),
        _ => format::decimals_needed(content),
    };
    let shown = format::show(content, Style { decimals, dash });
    let sign = if shown.negative { "-" } else { "" };
    let text = format!("{sign}{}{}{}", shown.text, shown.fraction, shown.unit);
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

/// Puts a comma between groups of three digits before the dot of a plain decimal.
pub fn grouped(plain: &str) -> String {
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |rest| ("-", rest));
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut text = sign.to_owned();
    for (at, c) in digits.char_indices() {
        if at > 0 && at < whole && whole.saturating_sub(at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

/// What a report is based on, as (label, value).
pub fn basis(basis: &Basis) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut add = |label: &str, value: String| lines.push((label.to_owned(), value));
    if let Some(day) = basis.as_of {
        add("As of", day.to_string());
    }
    add("Known at", basis.known_at.map_or_else(|| "now".to_owned(), |time| time.to_string()));
    if let Some((day, source)) = &basis.prices {
        add("Prices", format!("{day}, {source}"));
    }
    for (label, value) in &basis.filters {
        add(label, value.clone());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::amount::{Quantity, Value};
    use rust_decimal::Decimal;

    #[test]
    fn people_see_groups_and_rounding_and_files_see_every_digit() {
        let value = Content::Value(Value(-123_456_789_012_500_000));
        assert_eq!(shown(&value, true), "-1,234,567,890.12");
        assert_eq!(exact(&value), "-1234567890.12500000");
        let units = Content::Units { quantity: Quantity(707_070_000_000), scale: 8, asset: Some("BTC".into()) };
        assert_eq!(shown(&units, true), "7,070.70000000 BTC");
        assert_eq!(exact(&units), "7070.70000000");
        assert_eq!(shown(&Content::Ratio(Decimal::new(161_234_567, 8)), true), "1.61×");
        assert_eq!(shown(&Content::Percent(Decimal::new(1, 1)), true), "10 %");
        assert_eq!(exact(&Content::Percent(Decimal::new(10, 2))), "0.1");
        assert_eq!(shown(&Content::Count(1_000), true), "1,000");
        assert_eq!(shown(&Content::Count(-100), true), "-100");
    }

    #[test]
    fn zero_is_a_dash_in_a_table_and_dust_is_not() {
        assert_eq!(shown(&Content::Value(Value(0)), true), "–");
        assert_eq!(shown(&Content::Value(Value(0)), false), "0.00");
        assert_eq!(shown(&Content::Value(Value(1)), true), "0.00");
        assert_eq!(shown(&Content::Units { quantity: Quantity(1), scale: 0, asset: None }, true), "1");
    }
}
