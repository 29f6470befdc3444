use super::super::Directory;
use super::super::testing::SmallBook;
use super::*;
use crate::domain::csv_text::MAX_LINE_BYTES;
use proptest::prelude::*;

const GOOD: &str = "spot,2018-07-14,BTC-USD,BTC,12,100,600000,0.1,0.02,0.08";

fn csv(rows: &[&str]) -> Vec<u8> {
    format!("{}\n{}\n", COLUMNS.join(","), rows.join("\n")).into_bytes()
}

fn read(bytes: &[u8]) -> Result<RowSet, Rejection> {
    let book = SmallBook::new();
    let venue = Name::parse("spot").unwrap();
    let mut resolve = |code: &AssetCode| book.asset(code.as_str()).map(|a| (a.id, a.scale));
    parse_rows(bytes, Some((&venue, parse_day("2018-07-14").unwrap())), &mut resolve)
}

/// Asserts that `bytes` are refused with one problem at `pointer` whose detail contains `detail`.
fn refused(bytes: &[u8], code: OutcomeCode, pointer: &str, detail: &str) {
    let rejection = read(bytes).unwrap_err();
    assert_eq!(rejection.code, code, "{rejection}");
    let problem = &rejection.problems[0];
    assert_eq!(problem.pointer, pointer, "{rejection}");
    assert!(problem.detail.contains(detail), "{rejection}");
}

#[test]
fn a_row_keeps_every_digit() {
    let set = read(&csv(&[GOOD, "spot,2018-07-14,BTC-USD,ETH,0,0,0.000000000000000001,0,0.5,-0.5"])).unwrap();
    assert_eq!(set.rows.len(), 2);
    assert_eq!(set.pair(set.rows[0].pair), "BTC-USD");
    assert_eq!(set.rows[0].net_fee(), Quantity(8_000_000));
    assert_eq!(set.rows[1].net_fee(), Quantity(-500_000_000_000_000_000));
    assert_eq!(set.rows[1].volume_quote, 1);
    assert_eq!(set.asset(AssetId(3)).map(|a| a.scale), Some(18));
}

#[test]
fn crlf_quotes_and_a_missing_last_line_break_are_the_same_file() {
    let plain = read(&csv(&[GOOD])).unwrap();
    let crlf = csv(&[GOOD]).into_iter().flat_map(|b| if b == b'\n' { vec![b'\r', b'\n'] } else { vec![b] }).collect::<Vec<_>>();
    assert_eq!(read(&crlf).unwrap(), plain);
    let quoted = csv(&["\"spot\",\"2018-07-14\",\"BTC-USD\",\"BTC\",\"12\",\"100\",\"600000\",\"0.1\",\"0.02\",\"0.08\""]);
    assert_eq!(read(quoted.strip_suffix(b"\n").unwrap()).unwrap(), plain);
    let ndjson = br#"{"venue":"spot","business_date":"2018-07-14","pair":"BTC-USD","fee_asset":"BTC","trades":12,"volume_base":"100","volume_quote":"600000","gross_fee":"0.1","rebate":"0.02","net_fee":"0.08"}"#;
    assert_eq!(read(ndjson).unwrap(), plain);
}

#[test]
fn hostile_amounts_are_named_by_row_column_and_value() {
    let long = "9".repeat(40);
    let fine = "0.1234567890123456789".to_owned();
    let bad = [
        "1e5", "1_000", "+1", ".5", "5.", "NaN", "inf", "-0", "-0.00", "007", "１", " 1", "1 ", "", "0x1", "1.2.3", "-1", &long,
        &fine,
    ];
    for text in bad {
        for (at, column) in [(5, "volume_base"), (6, "volume_quote"), (7, "gross_fee"), (8, "rebate")] {
            let mut cells: Vec<&str> = GOOD.split(',').collect();
            cells[at] = text;
            let rejection = read(&csv(&[GOOD, &cells.join(",").replace("BTC-USD", "ETH-USD")])).unwrap_err();
            assert_eq!(rejection.code, OutcomeCode::InvalidRow);
            assert_eq!(rejection.problems[0].pointer, format!("row 2, column {column}"), "{text:?}");
            assert_eq!(rejection.problems[0].value, text);
        }
    }
    refused(&csv(&[&GOOD.replace(",12,", ",1.5,")]), OutcomeCode::InvalidRow, "row 1, column trades", "whole number");
    refused(
        &csv(&[&GOOD.replace(",12,", ",18446744073709551616,")]),
        OutcomeCode::InvalidRow,
        "row 1, column trades",
        "whole number",
    );
    refused(&csv(&[&GOOD.replace("0.08", "0.123456789")]), OutcomeCode::InvalidRow, "row 1, column net_fee", "9 decimals");
}

#[test]
fn net_is_gross_less_rebate_to_the_last_unit() {
    refused(&csv(&[&GOOD.replace("0.08", "0.08000001")]), OutcomeCode::InvalidRow, "row 1, column net_fee", "that is 0.08");
}

#[test]
fn decimal_commas_are_named() {
    refused(
        &csv(&[&GOOD.replace("0.08", "0,08")]),
        OutcomeCode::InvalidRow,
        "row 1",
        "has 11 cells instead of 10; write decimals with a dot",
    );
    refused(&csv(&[&GOOD.replace("0.08", "\"0,08\"")]), OutcomeCode::InvalidRow, "row 1, column net_fee", "decimal comma");
}

#[test]
fn wrong_headers_are_named() {
    let header = COLUMNS.join(",");
    let with = |header: &str| format!("{header}\n{GOOD}\n").into_bytes();
    refused(&with(&header.replace(',', ";")), OutcomeCode::Malformed, "header", "semicolons");
    refused(&with(&header.replace(',', "\t")), OutcomeCode::Malformed, "header", "tabs");
    refused(GOOD.as_bytes(), OutcomeCode::Malformed, "header", "not a known column");
    refused(
        &with(&header.replace("venue,business_date", "business_date,venue")),
        OutcomeCode::Malformed,
        "header",
        "another order",
    );
    refused(&with(&header.replace(",rebate", "")), OutcomeCode::Malformed, "header", "missing");
    refused(&with(&header.replace("rebate", "discount")), OutcomeCode::Malformed, "header", "not a known column");
    refused(&with(&format!("{header},net_fee")), OutcomeCode::Malformed, "header", "twice");
    refused(&with(&header.to_uppercase()), OutcomeCode::Malformed, "header", "not a known column");
    refused(format!("{header}\r{GOOD}\r").as_bytes(), OutcomeCode::Malformed, "header", "CR alone");
    refused(b"hello", OutcomeCode::Malformed, "header", "must start with the header");
    refused(b"hello\rworld", OutcomeCode::Malformed, "header", "CR alone");
}

#[test]
fn unreadable_files_are_named() {
    let marked = [b"\xEF\xBB\xBF".as_slice(), &csv(&[GOOD])].concat();
    refused(&marked, OutcomeCode::Malformed, "row 1", "byte order mark");
    refused(b"\xFF\xFEv\0", OutcomeCode::Malformed, "row 1", "UTF-16");
    refused(b"\x1F\x8B\x08\0", OutcomeCode::Malformed, "row 1", "gzip");
    refused(b"PK\x03\x04", OutcomeCode::Malformed, "row 1", "ZIP");
    refused(b"[{}]", OutcomeCode::Malformed, "row 1", "JSON list");
    refused(b"", OutcomeCode::Malformed, "row 1", "empty");
    refused(&csv(&[])[..COLUMNS.join(",").len() + 1], OutcomeCode::Malformed, "row 1", "no rows");
}

#[test]
fn bad_lines_are_named_and_reading_goes_on() {
    let mut bytes =
        csv(&[GOOD, "", "spot;2018-07-14;x", "spot,2018-07-14,BTC-U", &"x".repeat(MAX_LINE_BYTES + 1), "\"spot,", "a\"b,c"]);
    bytes.extend(b"spot,\xC3\x28\n");
    let rejection = read(&bytes).unwrap_err();
    let listed: Vec<(&str, bool)> = rejection.problems.iter().map(|p| (p.pointer.as_str(), p.detail.is_empty())).collect();
    assert_eq!(listed, ["row 2", "row 3", "row 4", "row 5", "row 6", "row 7", "row 8"].map(|r| (r, false)));
    for (at, part) in
        ["empty line", "semicolons", "cut off", "2049 bytes", "quote", "quote", "not UTF-8 from byte 6"].iter().enumerate()
    {
        assert!(rejection.problems[at].detail.contains(part), "{rejection}");
    }
}

#[test]
fn other_venues_days_and_assets_are_named() {
    refused(&csv(&[&GOOD.replace("spot", "futures")]), OutcomeCode::InvalidRow, "row 1, column venue", "venue spot");
    refused(&csv(&[&GOOD.replace("07-14", "07-15")]), OutcomeCode::InvalidRow, "row 1, column business_date", "2018-07-14");
    refused(
        &csv(&[&GOOD.replace(",BTC,", ",DOGE,")]),
        OutcomeCode::UnknownAsset,
        "row 1, column fee_asset",
        "not an asset of the book",
    );
    refused(&csv(&[&GOOD.replace(",BTC,", ",btc,")]), OutcomeCode::InvalidRow, "row 1, column fee_asset", "not an asset code");
    refused(&csv(&[&GOOD.replace("BTC-USD", "BTC USD")]), OutcomeCode::InvalidRow, "row 1, column pair", "not a name");
    let both = csv(&[&GOOD.replace(",BTC,", ",DOGE,"), &GOOD.replace("0.02", "1e5")]);
    assert_eq!(read(&both).unwrap_err().code, OutcomeCode::InvalidRow, "structure comes before references");
}

#[test]
fn duplicate_keys_name_the_first_row() {
    refused(&csv(&[GOOD, &GOOD.replace(",12,", ",13,"), GOOD]), OutcomeCode::DuplicateRow, "row 2, column pair", "row 1");
    let last = read(&csv(&[GOOD, GOOD, GOOD])).unwrap_err();
    assert!(last.problems[1].detail.contains("row 1"), "{last}");
}

#[test]
fn ndjson_faults_are_named_by_field() {
    let good = r#"{"venue":"spot","business_date":"2018-07-14","pair":"BTC-USD","fee_asset":"BTC","trades":12,"volume_base":"100","volume_quote":"600000","gross_fee":"0.1","rebate":"0.02","net_fee":"0.08"}"#;
    let cases = [
        (good.replace("\"0.08\"", "0.08"), "row 1, column net_fee", "write a string"),
        (good.replace("\"0.08\"", "1e5"), "row 1, column net_fee", "write a string"),
        (good.replace("\"trades\":12", "\"trades\":-1"), "row 1, column trades", "negative number"),
        (good.replace(",\"rebate\":\"0.02\"", ""), "row 1, column rebate", "missing"),
        (good.replace("\"rebate\"", "\"discount\""), "row 1, column discount", "not a known field"),
        (good.replace("\"trades\":12", "\"trades\":12,\"trades\":13"), "row 1, column trades", "twice"),
        (good.replace("}", ""), "row 1", "complete object"),
        (format!("{good}{good}"), "row 1", "complete object"),
        (format!("{{\"a\":{}", "[".repeat(1_500)), "row 1", "complete object"),
    ];
    for (bytes, pointer, detail) in cases {
        refused(bytes.as_bytes(), OutcomeCode::InvalidRow, pointer, detail);
    }
    refused(format!("{good}\n[1]\n").as_bytes(), OutcomeCode::InvalidRow, "row 2", "must be an object");
}

#[test]
fn at_most_a_hundred_problems_are_listed() {
    let rows = vec!["x"; 500];
    assert_eq!(read(&csv(&rows)).unwrap_err().problems.len(), Rejection::MAX_PROBLEMS);
}

#[test]
fn rows_above_the_limit_are_refused() {
    let book = SmallBook::new();
    let mut resolve = |code: &AssetCode| book.asset(code.as_str()).map(|a| (a.id, a.scale));
    let mut findings = Findings::new();
    let mut reader = Reader::new(None, &mut resolve, &mut findings);
    reader.max_rows = 2;
    let rows = ["A", "B", "C", "D"].map(|pair| GOOD.replace("BTC-USD", pair));
    let kept = reader.read(&csv(&rows.each_ref().map(String::as_str)));
    assert_eq!(kept.map(|set| set.rows.len()), Some(2));
    let rejection = findings.into_result().unwrap_err();
    assert_eq!((rejection.code, rejection.problems[0].pointer.as_str()), (OutcomeCode::BodyTooLarge, "row 3"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
        let _ = read(&[csv(&[GOOD]), bytes.clone()].concat());
        let _ = read(&[b"{".to_vec(), bytes].concat());
    }

    #[test]
    fn no_line_of_near_misses_makes_it_panic_or_keeps_a_wrong_row(line in "(spot|x)?[,;\"](2018-07-14|[0-9-]{0,10}),[A-Z\"-]{0,8},(BTC|ETH|\"BTC\"|€),[-0-9.e_+,\"]{0,60}") {
        let _ = read(&csv(&[&line]));
        if let Ok(set) = read(&csv(&[GOOD, &line])) {
            prop_assert!(set.rows.iter().all(|r| r.net_fee().checked_add(r.rebate) == Some(r.gross_fee)));
        }
    }
}
