//! Files of observed balances: what a node, a custodian or a bank says a wallet held at a moment. CSV with the columns
//! `wallet,asset,network,quantity,block_height,observed_at,source`, or a JSON list of objects with the same fields. A file is read
//! whole; what is wrong with it is said row by row.

use super::csv_text::{self, Tally};
use super::outcome::{OutcomeCode, Rejection};
use super::text::{Name, check_free_text};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;

/// The columns of the file, in order.
pub const COLUMNS: [&str; 7] = ["wallet", "asset", "network", "quantity", "block_height", "observed_at", "source"];
/// The most rows one file may have; each is a leaf of the log.
pub const MAX_ROWS: usize = 2_000;
/// The largest file.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The longest name of a source.
const MAX_SOURCE: usize = 120;

/// One row that reads well; what it says is still to be compared with the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Row from 1, the header not counted.
    pub no: u32,
    /// Code of the wallet.
    pub wallet: String,
    /// Code of the asset.
    pub asset: String,
    /// Network it was observed on.
    pub network: String,
    /// Units as written.
    pub quantity: String,
    /// Block the balance holds at, where there are blocks.
    pub block_height: Option<u64>,
    /// When.
    pub observed_at: Timestamp,
    /// Who says so, for example `bitcoind at the treasury`.
    pub source: String,
}

/// The business day whose end an observation speaks of: its own UTC day, and of one made at midnight the day that ends there.
pub fn day_of_observation(at: Timestamp) -> Date {
    let day = at.to_zoned(TimeZone::UTC).date();
    let is_midnight = at.as_microsecond().rem_euclid(86_400_000_000) == 0;
    if is_midnight { day.yesterday().unwrap_or(day) } else { day }
}

/// Reads a file.
///
/// # Errors
/// `BodyTooLarge`, `Malformed`, or `InvalidRow` with every bad cell.
pub fn parse(text: &str) -> Result<Vec<Row>, Rejection> {
    if text.len() > MAX_BYTES {
        let detail = format!("a file of balances has at most {MAX_BYTES} bytes; split it");
        return Err(Rejection::new(OutcomeCode::BodyTooLarge, "file", text.len(), detail));
    }
    let (mut tally, mut rows) = (Tally::default(), Vec::new());
    if text.trim_start().starts_with('[') {
        for item in parse_json(text)? {
            tally.row = tally.row.saturating_add(1);
            let height = item.block_height.map(|height| height.to_string()).unwrap_or_default();
            let cells = [&item.wallet, &item.asset, &item.network, &item.quantity, &height, &item.observed_at, &item.source];
            rows.extend(row(&mut tally, cells.map(String::as_str)));
        }
    } else {
        csv_text::read(text.as_bytes(), &COLUMNS, MAX_ROWS, &mut tally, |tally, cells| rows.extend(row(tally, cells)));
    }
    tally.into_result()?;
    Ok(rows)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    wallet: String,
    asset: String,
    network: String,
    quantity: String,
    #[serde(default)]
    block_height: Option<u64>,
    observed_at: String,
    source: String,
}

fn parse_json(text: &str) -> Result<Vec<Item>, Rejection> {
    let malformed = |detail: String| Rejection::new(OutcomeCode::Malformed, "file", "", detail);
    let items: Vec<Item> = serde_json::from_str(text).map_err(|e| malformed(format!("is not a list of balances: {e}")))?;
    match items.len() {
        0 => Err(malformed("the list is empty; send at least one balance".to_owned())),
        many if many > MAX_ROWS => {
            let detail = format!("the file has more than {MAX_ROWS} rows; split it into several files");
            Err(Rejection::new(OutcomeCode::BodyTooLarge, "file", many, detail))
        }
        _ => Ok(items),
    }
}

fn row(tally: &mut Tally, [wallet, asset, network, quantity, height, observed_at, source]: [&str; 7]) -> Option<Row> {
    let invalid = OutcomeCode::InvalidRow;
    let mut good = true;
    for (column, text) in [("wallet", wallet), ("asset", asset), ("network", network)] {
        if !Name::is_name(text) {
            good = false;
            tally.note(invalid, column, text, crate::domain::text::TextError::Name.to_string());
        }
    }
    if let Err(error) = check_free_text(source, MAX_SOURCE) {
        good = false;
        tally.note(invalid, "source", source, error.to_string());
    }
    let block_height = match height {
        "" => Ok(None),
        // `parse` alone would take a sign too.
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map(Some).map_err(|_| ()),
        _ => Err(()),
    };
    let block_height = block_height.map_err(|()| {
        tally.note(invalid, "block_height", height, "is not a block height; write digits only, or leave it empty");
    });
    let at = observed_at.parse::<Timestamp>().ok().and_then(|at| Timestamp::from_microsecond(at.as_microsecond()).ok());
    if at.is_none() {
        tally.note(invalid, "observed_at", observed_at, "is not a moment; write it as 2019-05-31T23:59:59Z");
    }
    let (Ok(block_height), Some(observed_at), true) = (block_height, at, good) else { return None };
    Some(Row {
        no: tally.row,
        wallet: wallet.to_owned(),
        asset: asset.to_owned(),
        network: network.to_owned(),
        quantity: quantity.to_owned(),
        block_height,
        observed_at,
        source: source.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let csv = "wallet,asset,network,quantity,block_height,observed_at,source\n\
                   cold,BTC,bitcoin,1.5,575000,2019-05-07T23:59:59Z,node\n";
        let json = r#"[{"wallet":"cold","asset":"BTC","network":"bitcoin","quantity":"1.5","block_height":575000,
                       "observed_at":"2019-05-07T23:59:59Z","source":"node"}]"#;
        assert_eq!(parse(csv).unwrap(), parse(json).unwrap());
    }

    #[test]
    fn an_observation_at_midnight_speaks_of_the_day_that_ends() {
        let day = |text: &str| day_of_observation(text.parse().unwrap()).to_string();
        assert_eq!(day("2019-06-01T00:00:00Z"), "2019-05-31");
        assert_eq!(day("2019-06-01T00:00:00.000001Z"), "2019-06-01");
        assert_eq!(day("2019-05-31T23:59:59Z"), "2019-05-31");
        assert_eq!(day("2019-06-01T02:00:00+02:00"), "2019-05-31");
    }

    #[test]
    fn every_bad_cell_is_named() {
        let bad = "wallet,asset,network,quantity,block_height,observed_at,source\n\
                   co ld,BTC,bitcoin,1,+5,yesterday,\n,BTC,bitcoin,1,,2019-05-07T23:59:59Z,node\n";
        let refused = parse(bad).unwrap_err();
        let at: Vec<&str> = refused.problems.iter().map(|problem| problem.pointer.as_str()).collect();
        let wanted = ["wallet", "source", "block_height", "observed_at"].map(|column| format!("row 1, column {column}"));
        assert_eq!(at.get(..4).unwrap(), wanted);
        assert_eq!(at.get(4), Some(&"row 2, column wallet"));
        for malformed in ["", "[]", "[{}]", "wallet;asset", r#"[{"wallet":"a","extra":1}]"#] {
            assert!(parse(malformed).is_err(), "{malformed:?}");
        }
    }
}
