//! Price files. CSV with `date,asset,price[,basis]`, or wide with one column an asset (`date,BTC,BNB`), or JSON with the day and
//! its prices: `{"2019-05-07": {"BTC": "5850.1"}}`.

use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::price::Price;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The largest price file.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A price and how it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// Functional currency per whole unit.
    pub price: String,
    /// `observed`, `interpolated`, `carried` (over from an earlier day) or `manual`.
    #[serde(default = "observed")]
    pub basis: String,
}

fn observed() -> String {
    "observed".to_owned()
}

impl Quote {
    /// An observed price.
    pub fn observed(price: &str) -> Self {
        Self { price: price.to_owned(), basis: observed() }
    }
}

/// Quotes by day and asset code.
pub type DayPrices = BTreeMap<Date, BTreeMap<String, Quote>>;

/// Reads a price file of either form.
///
/// # Errors
/// `BodyTooLarge`, `Malformed`, or `InvalidRow` with row, column and value of every bad cell.
pub fn parse_file(bytes: &[u8]) -> Result<DayPrices, Rejection> {
    if bytes.len() > MAX_BYTES {
        let detail = format!("a price file has at most {MAX_BYTES} bytes; split it by days");
        return Err(Rejection::new(OutcomeCode::BodyTooLarge, "", bytes.len(), detail));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| malformed(format!("is not UTF-8: {e}")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let days = if text.trim_start().starts_with('{') { parse_json(text)? } else { parse_csv(text)? };
    if days.is_empty() { Err(malformed("has no prices".to_owned())) } else { Ok(days) }
}

fn malformed(detail: String) -> Rejection {
    Rejection::new(OutcomeCode::Malformed, "", "", detail)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JsonQuote {
    Price(String),
    Quote(Quote),
}

fn parse_json(text: &str) -> Result<DayPrices, Rejection> {
    let days: BTreeMap<Date, BTreeMap<String, JsonQuote>> =
        serde_json::from_str(text).map_err(|e| malformed(format!("is not a price file: {e}")))?;
    let mut findings = Vec::new();
    let mut parsed = DayPrices::new();
    for (day, prices) in days {
        for (code, quote) in prices {
            let quote = match quote {
                JsonQuote::Price(price) => Quote::observed(&price),
                JsonQuote::Quote(quote) => quote,
            };
            check_price(&mut findings, format!("/{day}/{code}"), &quote.price);
            parsed.entry(day).or_default().insert(code, quote);
        }
    }
    done(parsed, findings)
}

fn check_price(findings: &mut Vec<Problem>, pointer: String, price: &str) {
    if let Err(e) = Price::parse(price) {
        findings.push(Problem { pointer, detail: e.to_string(), value: price.chars().take(120).collect() });
    }
}

fn done(parsed: DayPrices, mut findings: Vec<Problem>) -> Result<DayPrices, Rejection> {
    if findings.is_empty() {
        return Ok(parsed);
    }
    findings.truncate(Rejection::MAX_PROBLEMS);
    Err(Rejection { code: OutcomeCode::InvalidRow, problems: findings })
}

/// One cell of a CSV file that names a price.
struct Cell<'a> {
    row: u64,
    column: &'a str,
    code: &'a str,
    quote: Quote,
}

fn parse_csv(text: &str) -> Result<DayPrices, Rejection> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|e| malformed(format!("is not CSV: {e}")))?.clone();
    let long = headers.iter().any(|h| h == "asset");
    if headers.get(0) != Some("date") || (long && !headers.iter().any(|h| h == "price")) {
        let found: String = headers.iter().collect::<Vec<_>>().join(",").chars().take(120).collect();
        let detail = "the first line must be `date,asset,price` (and perhaps `basis`), or `date` and one column an asset code";
        return Err(Rejection::new(OutcomeCode::Malformed, "row 1", found, detail));
    }
    let mut findings = Vec::new();
    let mut parsed = DayPrices::new();
    for (at, record) in reader.records().enumerate() {
        let row = u64::try_from(at).unwrap_or(u64::MAX).saturating_add(2);
        let record = record.map_err(|e| malformed(format!("row {row}: {e}")))?;
        let Some(day) = record.get(0).and_then(|text| text.parse::<Date>().ok()) else {
            let value = record.get(0).unwrap_or_default().chars().take(120).collect();
            let detail = "is not a date; write it as 2019-05-07".to_owned();
            findings.push(Problem { pointer: format!("row {row}, column date"), detail, value });
            continue;
        };
        for cell in cells(&headers, &record, row, long) {
            let pointer = format!("row {row}, column {}", cell.column);
            check_price(&mut findings, pointer.clone(), &cell.quote.price);
            let value = cell.code.to_owned();
            if parsed.entry(day).or_default().insert(cell.code.to_owned(), cell.quote).is_some() {
                let detail = format!("row {} prices {value} on {day} a second time; leave one out", cell.row);
                findings.push(Problem { pointer, detail, value });
            }
        }
    }
    done(parsed, findings)
}

/// The prices of one row. In the wide form an empty cell is no price.
fn cells<'a>(headers: &'a csv::StringRecord, record: &'a csv::StringRecord, row: u64, long: bool) -> Vec<Cell<'a>> {
    let of = |name: &str| headers.iter().zip(record.iter()).find(|(h, _)| *h == name).map(|(_, value)| value);
    let basis = of("basis").filter(|text| !text.is_empty()).map_or_else(observed, str::to_owned);
    let quote = |price: &str| Quote { price: price.to_owned(), basis: basis.clone() };
    if long {
        let (code, price) = (of("asset").unwrap_or_default(), of("price").unwrap_or_default());
        return vec![Cell { row, column: "price", code, quote: quote(price) }];
    }
    let columns = headers.iter().zip(record.iter()).skip(1).filter(|(code, price)| *code != "basis" && !price.is_empty());
    columns.map(|(code, price)| Cell { row, column: code, code, quote: quote(price) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn long_wide_and_json_files_say_the_same() {
        let long =
            parse_file(b"date,asset,price,basis\n2019-05-07,BTC,5850.10,observed\n2019-05-07,BNB,21,interpolated\n").unwrap();
        assert_eq!(long[&day("2019-05-07")]["BNB"].basis, "interpolated");
        let wide = parse_file(b"\xEF\xBB\xBFdate,BTC,BNB\r\n2019-05-07,5850.10,21\r\n2019-05-08,6000,\r\n").unwrap();
        assert_eq!(wide[&day("2019-05-07")]["BTC"], long[&day("2019-05-07")]["BTC"]);
        assert_eq!(wide[&day("2019-05-08")].len(), 1, "an empty cell is no price");
        let json = parse_file(br#"{"2019-05-07":{"BTC":"5850.10","BNB":{"price":"21","basis":"interpolated"}}}"#).unwrap();
        assert_eq!(json, long);
    }

    #[test]
    fn bad_cells_are_named() {
        let text =
            b"date,asset,price\n2019-05-07,BTC,0\n2019-05-07,BNB,1e3\nyesterday,BTC,5\n2019-05-08,BTC,1\n2019-05-08,BTC,2\n";
        let refused = parse_file(text).unwrap_err();
        let places: Vec<_> = refused.problems.iter().map(|p| p.pointer.as_str()).collect();
        assert_eq!(places, ["row 2, column price", "row 3, column price", "row 4, column date", "row 6, column price"]);
        for bad in [
            &b""[..],
            b"asset,price\nBTC,1\n",
            b"date;asset;price\n2019-05-07;BTC;1\n",
            b"{}",
            b"\xff\xfe",
            b"date,asset,price\n",
        ] {
            assert!(parse_file(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
