//! How content reads on a screen: grouped, rounded to what a reader needs, with the exact text kept beside it.
//!
//! Exports never come through here. What is rounded for show says so: [`Shown::exact`] carries every digit.

use super::doc::{Column, Content, Row};
use super::render::display::grouped;
use crate::domain::amount::{Rounding, VALUE_SCALE, format_minor, format_minor_trimmed, mul_div, pow10};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, RoundingStrategy};

/// The most decimals a screen shows of units and prices.
const MAX_SHOWN: usize = 8;
/// The most decimals a screen shows of a ratio, also beside prices that have more.
const MAX_RATIO: usize = 4;
/// Decimals of a functional value on a screen.
const VALUE_SHOWN: usize = 2;
/// What stands for exactly nothing in a table.
pub const DASH: &str = "–";
/// Narrow space between a number and the unit that follows it; never breaks.
const THIN: &str = "\u{202f}";

/// A content made ready for a screen. Parts are separate so that a page can hang the bracket and mute the cents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Words, or the grouped digits before the decimal point, without a sign.
    pub text: String,
    /// The decimal point and what follows; empty without decimals.
    pub fraction: String,
    /// Digits that would follow if the number had the column's decimals: kept invisible so that points align.
    pub pad: String,
    /// What follows the number: `×`, `%`, an asset code.
    pub unit: String,
    /// True below zero: set in parentheses.
    pub negative: bool,
    /// All digits, where the screen shows fewer or other ones.
    pub exact: Option<String>,
}

impl Shown {
    fn words(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The whole text in one piece, as a sentence or a chart label would say it.
    pub fn plain(&self) -> String {
        let (open, close) = if self.negative { ("(", ")") } else { ("", "") };
        format!("{open}{}{}{}{close}", self.text, self.fraction, self.unit)
    }

    /// True if nothing is shown at all.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.fraction.is_empty()
    }
}

/// How numbers of one place are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Decimals of the column; numbers that have fewer are padded so that the points align.
    pub decimals: usize,
    /// True where exactly nothing reads as a dash (tables), false where it reads as a number (headline figures).
    pub dash: bool,
}

impl Style {
    /// The style of a column: its numbers show as many decimals as the one that needs most.
    pub fn of_column(at: usize, column: &Column, rows: &[Row]) -> Self {
        let contents = rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| &cell.content);
        Self { decimals: if column.numeric { contents.map(decimals_needed).max().unwrap_or(0) } else { 0 }, dash: true }
    }

    /// The style of a number that stands alone.
    pub fn alone(content: &Content) -> Self {
        Self { decimals: decimals_needed(content), dash: false }
    }
}

/// Decimals that a content asks for on a screen.
pub fn decimals_needed(content: &Content) -> usize {
    match content {
        Content::Units { quantity, scale, .. } => {
            let text = format_minor_trimmed(quantity.minor(), *scale);
            text.split_once('.').map_or(0, |(_, fraction)| fraction.len()).min(MAX_SHOWN)
        }
        Content::Value(_) => VALUE_SHOWN,
        Content::Price(price) => scale_of(price.normalize()).clamp(VALUE_SHOWN, MAX_SHOWN),
        Content::Ratio(ratio) => ratio_decimals(*ratio),
        Content::Percent(share) => scale_of(percent_of(*share).normalize()).min(2),
        _ => 0,
    }
}

/// Makes a content ready for a screen.
pub fn show(content: &Content, style: Style) -> Shown {
    match content {
        Content::Text(text) | Content::Code(text) | Content::State(text, _) | Content::Blank(text) => Shown::words(text),
        Content::Units { quantity, scale, asset } => {
            let unit = asset.as_ref().map(|code| format!("\u{a0}{code}")).unwrap_or_default();
            let decimals = style.decimals.min(usize::from(*scale));
            let digits = round_minor(quantity.minor(), *scale, decimals);
            number(&digits, &format_minor_trimmed(quantity.minor(), *scale), unit, style)
        }
        Content::Value(value) => {
            let digits = round_minor(value.minor(), VALUE_SCALE, VALUE_SHOWN);
            number(&digits, &format_minor_trimmed(value.minor(), VALUE_SCALE), String::new(), style)
        }
        Content::Price(price) => number(&fixed(*price, style.decimals), &exact(*price), String::new(), style),
        Content::Ratio(ratio) => number(&honest(*ratio, style.decimals.min(MAX_RATIO)), &exact(*ratio), "×".to_owned(), style),
        Content::Percent(share) => {
            let percent = percent_of(*share);
            number(&honest(percent, style.decimals.min(2)), &exact(percent), format!("{THIN}%"), style)
        }
        Content::Count(count) => {
            let digits = count.to_string();
            number(&digits, &digits, String::new(), style)
        }
        Content::Date(date) => Shown::words(date.to_string()),
        Content::Time(time) => {
            let text = instant(*time);
            let exact = (time.subsec_nanosecond() != 0).then(|| time.to_string());
            Shown { text, exact, ..Shown::default() }
        }
    }
}

/// A moment to the second with its zone: `2019-05-07 17:15:24 UTC`.
pub fn instant(time: Timestamp) -> String {
    format!("{} UTC", time.strftime("%Y-%m-%d %H:%M:%S"))
}

/// A span of time in its two largest units: `7 d 22 h`, `1 h 51 min`, `42 s`.
pub fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let part = |of: i64, unit: i64| of.checked_div(unit).unwrap_or(0);
    let rest = |of: i64, unit: i64| of.checked_rem(unit).unwrap_or(0);
    let (days, hours) = (part(seconds, 86_400), part(rest(seconds, 86_400), 3_600));
    let (minutes, short) = (part(rest(seconds, 3_600), 60), rest(seconds, 60));
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{short} s"),
        (0, 0, _) if short == 0 => format!("{minutes} min"),
        (0, 0, _) => format!("{minutes} min {short} s"),
        (0, _, 0) => format!("{hours} h"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, 0, _) => format!("{days} d"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A count in a sentence: `20,000`.
pub fn count(count: i64) -> String {
    grouped(&count.to_string())
}

/// How many there are, in words: `1 claim`, `20,000 claims`.
pub fn how_many(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A content as one text, with every digit: what a copy or a tooltip says.
pub fn exact_text(content: &Content) -> String {
    let shown = show(content, Style::alone(content));
    shown.exact.clone().unwrap_or_else(|| shown.plain())
}

/// A number of a chart or a sentence: grouped, at most `decimals` decimals, none that are zero, a real minus sign.
pub fn decimal(value: Decimal, decimals: u32) -> String {
    let rounded = value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointNearestEven).normalize();
    let text = rounded.abs().to_string();
    let (whole, fraction) = split(&text);
    let sign = if rounded.is_sign_negative() && !rounded.is_zero() { "−" } else { "" };
    format!("{sign}{}{fraction}", grouped(whole))
}

/// A number in few characters: `512.3 M`, `1.61`, `7,070.7`. For chart labels; the exact number is in the chart's table.
pub fn compact(value: Decimal) -> String {
    let steps = [(1_000_000_000_000_i64, "T"), (1_000_000_000, "B"), (1_000_000, "M"), (10_000, "k")];
    let size = value.abs();
    let step = steps.into_iter().find(|(limit, _)| size >= Decimal::from(*limit));
    let Some((limit, suffix)) = step else {
        return decimal(value, if size < Decimal::ONE { 4 } else { 2 });
    };
    let unit = Decimal::from(if suffix == "k" { 1000 } else { limit });
    let scaled = value.checked_div(unit).unwrap_or_default();
    let places = if scaled.abs() >= Decimal::ONE_HUNDRED { 1 } else { 2 };
    format!("{}{THIN}{suffix}", decimal(scaled, places))
}

/// Assembles a number from its rounded digits; `exact` is kept where the digits shown are not all of them.
fn number(digits: &str, exact: &str, unit: String, style: Style) -> Shown {
    if style.dash && exact == "0" {
        return Shown::words(DASH);
    }
    let negative = exact.starts_with('-');
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    let (whole, fraction) = split(plain);
    let shown_decimals = fraction.len().saturating_sub(1);
    let missing = style.decimals.saturating_sub(shown_decimals);
    let point = if fraction.is_empty() && missing > 0 { "." } else { "" };
    let trimmed = if fraction.is_empty() { plain } else { plain.trim_end_matches('0').trim_end_matches('.') };
    let all = trimmed == exact.strip_prefix('-').unwrap_or(exact);
    Shown {
        text: grouped(whole),
        fraction: fraction.to_owned(),
        pad: if missing == 0 { String::new() } else { format!("{point}{}", "0".repeat(missing)) },
        exact: (!all).then(|| format!("{exact}{unit}")),
        unit,
        negative,
    }
}

/// Splits digits before the decimal point; the second part keeps the point.
fn split(digits: &str) -> (&str, &str) {
    digits.find('.').map_or((digits, ""), |at| digits.split_at(at))
}

/// Minor units as a decimal with `decimals` decimals, half to even where that drops digits.
fn round_minor(minor: i128, scale: u8, decimals: usize) -> String {
    let drop = usize::from(scale).saturating_sub(decimals);
    let kept = u32::try_from(drop).ok().and_then(pow10).and_then(|by| mul_div(minor, 1, by, Rounding::HalfEven));
    let scale = u8::try_from(usize::from(scale).saturating_sub(drop)).unwrap_or(scale);
    format_minor(kept.unwrap_or(minor), scale)
}

/// A share in percent; one too large to be multiplied is left as it is.
fn percent_of(share: Decimal) -> Decimal {
    share.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(share)
}

fn scale_of(value: Decimal) -> usize {
    usize::try_from(value.scale()).unwrap_or(MAX_SHOWN)
}

fn exact(value: Decimal) -> String {
    let value = value.normalize();
    if value.is_zero() { "0".to_owned() } else { value.to_string() }
}

/// Rounded half to even, with exactly `decimals` decimals.
fn fixed(value: Decimal, decimals: usize) -> String {
    let places = u32::try_from(decimals).unwrap_or(0);
    let mut rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointNearestEven);
    rounded.rescale(places);
    rounded.to_string()
}

/// Like [`fixed`], but never shown as a whole number that it has not reached: 0.99996 is 0.9999, not 1.0000. A reader compares
/// ratios with limits, and most limits are whole.
fn honest(value: Decimal, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let reached = Decimal::from_str_exact(&text).unwrap_or(value);
    if decimals > 0 && reached != value && reached.fract().is_zero() && reached.abs() > value.abs() {
        let places = u32::try_from(decimals).unwrap_or(0);
        let mut cut = value.round_dp_with_strategy(places, RoundingStrategy::ToZero);
        cut.rescale(places);
        return cut.to_string();
    }
    text
}

/// A ratio reads with 2 decimals; with 3 or 4 where 2 would make it look whole or like nothing.
fn ratio_decimals(ratio: Decimal) -> usize {
    let hides = |places: u32| {
        let rounded = ratio.round_dp_with_strategy(places, RoundingStrategy::MidpointNearestEven);
        rounded != ratio && rounded.fract().is_zero()
    };
    let small = !ratio.is_zero() && ratio.abs() < Decimal::new(1, 1);
    match (small, hides(2), hides(3)) {
        (true, _, _) | (_, true, true) => 4,
        (false, true, false) => 3,
        (false, false, _) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::amount::{Quantity, Value};

    fn dec(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    fn units(minor: i128, scale: u8) -> Content {
        Content::Units { quantity: Quantity(minor), scale, asset: None }
    }

    #[test]
    fn numbers_read_as_a_reader_expects() {
        let table = Style { decimals: 2, dash: true };
        let cases = [
            (Content::Value(Value(123_456_789_000_000)), table, "1,234,567.89", None),
            (Content::Value(Value(-123_450_000_000)), table, "(1,234.50)", None),
            (Content::Value(Value(0)), table, "–", None),
            (Content::Value(Value(0)), Style { decimals: 2, dash: false }, "0.00", None),
            (Content::Value(Value(1)), table, "0.00", Some("0.00000001")),
            (Content::Value(Value(-1)), table, "(0.00)", Some("-0.00000001")),
            (Content::Value(Value(100_500_000)), table, "1.00", Some("1.005")),
            (Content::Value(Value(101_500_000)), table, "1.02", Some("1.015")),
            (units(707_070_000_000, 8), Style { decimals: 4, dash: true }, "7,070.7000", None),
            (units(1_234_567_890_123_456_789, 18), Style { decimals: 8, dash: true }, "1.23456789", Some("1.234567890123456789")),
            (units(1500, 0), Style { decimals: 8, dash: true }, "1,500", None),
            (Content::Ratio(dec("1.6123")), table, "1.61×", Some("1.6123×")),
            (Content::Percent(dec("0.1")), Style { decimals: 0, dash: true }, "10\u{202f}%", None),
            (Content::Price(dec("5950.1")), table, "5,950.10", None),
            (Content::Count(1_234_567), Style::default(), "1,234,567", None),
            (Content::Count(-1000), Style::default(), "(1,000)", None),
        ];
        for (content, style, text, exact) in cases {
            let shown = show(&content, style);
            assert_eq!((shown.plain().as_str(), shown.exact.as_deref()), (text, exact), "{content:?}");
        }
    }

    #[test]
    fn a_ratio_never_looks_whole_before_it_is() {
        let cases = [
            ("1", "1.00×"),
            ("0.4", "0.40×"),
            ("1.6123", "1.61×"),
            ("0.996", "0.996×"),
            ("0.9996", "0.9996×"),
            ("0.999999", "0.9999×"),
            ("1.004", "1.004×"),
            ("0.0412", "0.0412×"),
            ("-0.999999", "(0.9999×)"),
        ];
        for (ratio, text) in cases {
            let content = Content::Ratio(dec(ratio));
            assert_eq!(show(&content, Style::alone(&content)).plain(), text, "{ratio}");
        }
    }

    #[test]
    fn points_align_in_a_column_of_many_scales() {
        let rows =
            [units(150_000_000, 8), units(700, 0), units(12_345, 4)].map(|c| Row::body(vec![super::super::doc::Cell::new(c)]));
        let style = Style::of_column(0, &Column::number("units", "Units"), &rows);
        assert_eq!(style.decimals, 4);
        let widths = rows.iter().map(|row| {
            let shown = show(&row.cells[0].content, style);
            (shown.fraction + &shown.pad).len()
        });
        assert!(widths.into_iter().all(|width| width == 5), "a point and four digits, seen or not");
    }

    #[test]
    fn the_largest_numbers_are_shown_too() {
        for number in [Decimal::MAX, Decimal::MIN, Decimal::new(1, 28)] {
            for content in [Content::Percent(number), Content::Ratio(number), Content::Price(number)] {
                assert!(!show(&content, Style::alone(&content)).plain().is_empty());
            }
            assert!(!compact(number).is_empty() && !decimal(number, 4).is_empty());
        }
        let most = units(i128::MAX, 18);
        assert_eq!(show(&most, Style::alone(&most)).plain(), "170,141,183,460,469,231,731.68730372");
    }

    #[test]
    fn times_have_a_zone_and_keep_their_fraction() {
        let time: Timestamp = "2019-05-07T17:15:24.25Z".parse().unwrap();
        let shown = show(&Content::Time(time), Style::default());
        assert_eq!(shown.text, "2019-05-07 17:15:24 UTC");
        assert_eq!(shown.exact.as_deref(), Some("2019-05-07T17:15:24.25Z"));
    }

    #[test]
    fn chart_labels_are_short() {
        let cases = [
            ("512345678", "512.3\u{202f}M"),
            ("1234567890", "1.23\u{202f}B"),
            ("-41650000", "−41.65\u{202f}M"),
            ("7070.7", "7,070.7"),
            ("12345", "12.34\u{202f}k"),
            ("1.6123", "1.61"),
            ("0.04", "0.04"),
            ("0", "0"),
        ];
        for (value, text) in cases {
            assert_eq!(compact(dec(value)), text);
        }
    }

    #[test]
    fn a_span_reads_in_its_two_largest_units() {
        let shown = [0, 42, 60, 90, 3_600, 6_636, 86_400, 684_000].map(|seconds| span(SignedDuration::from_secs(seconds)));
        assert_eq!(shown, ["0 s", "42 s", "1 min", "1 min 30 s", "1 h", "1 h 50 min", "1 d", "7 d 22 h"]);
        assert_eq!(span(SignedDuration::from_secs(-5)), "0 s");
        assert_eq!(how_many(1, "claim", "claims") + ", " + &how_many(20_000, "claim", "claims"), "1 claim, 20,000 claims");
    }
}
