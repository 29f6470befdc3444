//! Cell contents as words: exact for files, shortened for terminals.

use crate::domain::amount::{Rounding, VALUE_SCALE, format_minor, mul_div, pow10};
use crate::report::doc::{Basis, Content};
use rust_decimal::Decimal;

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

/// The content as people read it: grouped digits, rounded, "–" for zero, a blank's reason.
pub fn shown(content: &Content) -> String {
    match content {
        Content::Text(_) | Content::Code(_) | Content::State(..) | Content::Date(_) => exact(content),
        Content::Units { quantity, scale, asset } => {
            let number = amount(quantity.minor(), *scale, SHOWN_UNIT_DECIMALS.min(*scale));
            asset.as_ref().map(|code| format!("{number} {code}")).unwrap_or(number)
        }
        Content::Value(value) => amount(value.minor(), VALUE_SCALE, SHOWN_VALUE_DECIMALS),
        Content::Price(price) => grouped(&price.normalize().to_string()),
        Content::Ratio(ratio) => grouped(&ratio.round_dp(4).normalize().to_string()),
        Content::Percent(share) => share
            .checked_mul(Decimal::ONE_HUNDRED)
            .map_or_else(|| exact(content), |percent| format!("{} %", percent.round_dp(2).normalize())),
        Content::Count(count) => grouped(&count.to_string()),
        Content::Time(time) => time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Content::Blank(reason) => reason.clone(),
    }
}

/// Minor units with grouped digits at `decimals`, rounded half-even, "–" for exactly zero.
///
/// What rounds to zero without being zero shows its zeros: `0.00` is not `–`.
pub fn amount(minor: i128, scale: u8, decimals: u8) -> String {
    if minor == 0 {
        return "–".to_owned();
    }
    let divisor = pow10(u32::from(scale.saturating_sub(decimals))).unwrap_or(1);
    match mul_div(minor, 1, divisor, Rounding::HalfEven) {
        Some(rounded) => grouped(&format_minor(rounded, decimals.min(scale))),
        None => grouped(&format_minor(minor, scale)),
    }
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

    #[test]
    fn people_see_groups_and_rounding_and_files_see_every_digit() {
        let value = Content::Value(Value(-123_456_789_012_500_000));
        assert_eq!(shown(&value), "-1,234,567,890.12");
        assert_eq!(exact(&value), "-1234567890.12500000");
        let units = Content::Units { quantity: Quantity(707_070_000_000), scale: 8, asset: Some("BTC".into()) };
        assert_eq!(shown(&units), "7,070.70000000 BTC");
        assert_eq!(exact(&units), "7070.70000000");
        assert_eq!(shown(&Content::Ratio(Decimal::new(161_234_567, 8))), "1.6123");
        assert_eq!(shown(&Content::Percent(Decimal::new(1, 1))), "10 %");
        assert_eq!(exact(&Content::Percent(Decimal::new(10, 2))), "0.1");
        assert_eq!(shown(&Content::Count(1_000)), "1,000");
        assert_eq!(shown(&Content::Count(-100)), "-100");
    }

    #[test]
    fn zero_is_a_dash_and_dust_is_not() {
        assert_eq!(amount(0, 8, 2), "–");
        assert_eq!(amount(1, 8, 2), "0.00");
        assert_eq!(amount(1, 0, 2), "1");
    }
}
