use super::*;
use crate::domain::amount::{Quantity, Value};
use crate::report::doc::{Basis, Cell, Column, Content, Figure, Row, RowKind, Table, Tone};
use jiff::civil::date;
use rust_decimal::Decimal;

fn sample() -> Doc {
    let columns = vec![
        Column::text("account", "Account"),
        Column::number("units", "Units"),
        Column::number("value", "Value (USD)"),
        Column::text("day", "Day"),
    ];
    let long = Quantity(12_345_678_901_234_567_890_123_456_789);
    let rows = vec![
        Row::of(RowKind::Group, vec![Cell::text("Assets")]),
        Row::body(vec![
            Cell::text("=HYPERLINK(\"x\"), cold").to("/accounts/1110?asset=BTC"),
            Cell::units(Quantity(-150_000_000), 8),
            Cell::value(Value(1_234_567_899_999_999)),
            Cell::date(date(2019, 5, 15)),
        ]),
        Row::body(vec![
            Cell::text("\u{1b}[31mred\ttab"),
            Cell::units(long, 18),
            Cell::blank("n/a: nothing is owed"),
            Cell::empty(),
        ]),
        Row::of(RowKind::Total, vec![Cell::text("Total"), Cell::empty(), Cell::value(Value::ZERO), Cell::empty()]),
    ];
    let coverage = Figure {
        key: "coverage".into(),
        label: "Coverage".into(),
        cell: Cell::new(Content::Ratio(Decimal::new(161_230, 5))),
        state: Some(("below target".into(), Tone::Warn)),
        formula: Some("fund value ÷ obligations".into()),
        parts: Some((Cell::value(Value(16_123_000_000)).to("/reports/coverage"), Cell::value(Value(10_000_000_000)))),
        hint: None,
    };
    Doc {
        name: "trial-balance".into(),
        title: "Trial balance".into(),
        basis: Basis { as_of: Some(date(2019, 6, 30)), ..Basis::default() },
        figures: vec![coverage],
        tables: vec![
            Table {
                id: "main".into(),
                caption: "Balances: all [of] them, in units and in value".into(),
                columns,
                rows,
                ..Table::default()
            },
            Table { id: "main2".into(), caption: "Balances: all [of] them, in units and in value".into(), ..Table::default() },
        ],
        notes: vec!["Synthetic rows.".into()],
        ..Doc::default()
    }
}

#[test]
fn csv_keeps_digits_and_defuses_formulas() {
    let text = String::from_utf8(csv::render(&sample())).unwrap();
    assert_eq!(
        text,
        "account,units,value,day,row_kind\n\
         Assets,,,,group\n\
         \"'=HYPERLINK(\"\"x\"\"), cold\",-1.50000000,12345678.99999999,2019-05-15,body\n\
         \u{1b}[31mred\ttab,12345678901.234567890123456789,,,body\n\
         Total,,0.00000000,,total\n"
    );
    for hostile in ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1"] {
        let mut out = Vec::new();
        csv::push_text(&mut out, hostile);
        assert!(out.starts_with(b"'") || out.starts_with(b"\"'"), "{hostile:?}");
    }
    let mut figures = sample();
    figures.tables.clear();
    let text = String::from_utf8(csv::render(&figures)).unwrap();
    assert!(
        text.ends_with("coverage,Coverage,1.6123,161.23000000,100.00000000,fund value ÷ obligations,below target\n"),
        "{text}"
    );
}

#[test]
fn json_has_a_stable_shape_with_exact_strings_and_links() {
    let bytes = render(&sample(), Format::Json, Look::default()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(json["basis"]["as_of"], "2019-06-30");
    assert_eq!(json["basis"]["known_at"], serde_json::Value::Null);
    let figure = &json["figures"][0];
    assert_eq!(figure["value"], "1.6123");
    assert_eq!(figure["numerator"], "161.23000000");
    assert_eq!(figure["denominator"], "100.00000000");
    assert_eq!(figure["state"]["tone"], "warn");
    assert_eq!(figure["links"]["numerator"], "/reports/coverage");
    let rows = &json["tables"][0]["rows"];
    assert_eq!(rows[0]["kind"], "group");
    assert_eq!(rows[1]["cells"]["units"], "-1.50000000");
    assert_eq!(rows[1]["links"]["account"], "/accounts/1110?asset=BTC");
    assert_eq!(rows[2]["cells"]["value"], serde_json::Value::Null);
    assert_eq!(rows[2]["reasons"]["value"], "n/a: nothing is owed");
    assert_eq!(json["notes"][0], "Synthetic rows.");
}

#[test]
fn terminal_text_is_aligned_and_has_no_escapes_of_its_data() {
    let text = text::render(&sample(), Look { colour: false });
    assert!(!text.contains('\u{1b}') && !text.contains('\t'), "{text}");
    assert!(text.contains("As of: 2019-06-30 · Known at: now"), "{text}");
    assert!(text.contains("Coverage  1.61×  below target  fund value ÷ obligations"), "{text}");
    let line = |word: &str| text.lines().find(|line| line.contains(word)).unwrap().trim_end().to_owned();
    let end_of = |line: &str, word: &str| line.get(..line.find(word).unwrap() + word.len()).unwrap().chars().count();
    let ends = [
        end_of(&line("Value (USD)"), "Value (USD)"),
        end_of(&line("12,345,679.00"), "12,345,679.00"),
        end_of(&line("Total"), "–"),
    ];
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}\n{text}");
    let coloured = text::render(&sample(), Look { colour: true });
    assert!(coloured.contains("\u{1b}[33mbelow target\u{1b}[0m"));
}

fn part(workbook: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(workbook)).unwrap();
    std::io::read_to_string(archive.by_name(name).unwrap()).unwrap()
}

#[test]
fn workbooks_are_the_same_bytes_each_time() {
    let first = xlsx::render(&sample()).unwrap();
    assert_eq!(first, xlsx::render(&sample()).unwrap());
    let core = part(&first, "docProps/core.xml");
    assert_eq!(core.matches("2019-06-30T00:00:00Z").count(), 2, "created and modified are not the report's day: {core}");
    let names = part(&first, "xl/workbook.xml");
    for name in ["\"Balances  all  of  them, in uni\"", "\"Balances  all  of  them 2\"", "\"Figures\"", "\"About\""] {
        assert!(names.contains(name), "{name} is not in {names}");
    }
}

#[test]
fn a_workbook_has_real_numbers_and_dates_and_text_where_a_number_would_lose_digits() {
    let workbook = xlsx::render(&sample()).unwrap();
    let (sheet, texts) = (part(&workbook, "xl/worksheets/sheet1.xml"), part(&workbook, "xl/sharedStrings.xml"));
    let cell = |at: &str| {
        let tail = sheet.split_once(&format!("<c r=\"{at}\"")).unwrap().1;
        tail.split_once("</c>").unwrap().0.to_owned()
    };
    assert!(cell("B3").ends_with("><v>-1.5</v>") && !cell("B3").contains("t=\"s\""), "{}", cell("B3"));
    // 2019-05-15 is day 43,600 since 1899-12-30.
    assert!(cell("D3").ends_with("><v>43600</v>"), "{}", cell("D3"));
    for (at, digits) in [("C3", "12345678.99999999"), ("B4", "12345678901.234567890123456789")] {
        assert!(cell(at).contains("t=\"s\""), "{at} has 16 digits or more and is a number");
        assert!(texts.contains(&format!(">{digits}<")), "{digits}");
    }
    assert!(!sheet.contains("<f>"), "a text became a formula");
    assert!(sheet.contains("state=\"frozen\""));
}

#[test]
fn formats_have_names_and_files() {
    for format in Format::ALL {
        assert_eq!(Format::parse(format.name()), Some(format));
    }
    assert_eq!(Format::parse("html"), None);
    assert_eq!(Format::Xlsx.file_name(&sample()), "trial-balance-2019-06-30.xlsx");
}
