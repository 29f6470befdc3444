use super::*;
use crate::domain::amount::{Quantity, Value};
use crate::report::doc::{Cell, Chart, ChartKind, Column, Content, Figure, HeatCell, Row, RowKind, Series, Table, Tone};
use jiff::{ToSpan, civil::Date, civil::date};
use rust_decimal::Decimal;

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn usd(text: &str) -> Content {
    Content::Value(Value::parse(text).unwrap())
}

fn value(text: &str, link: &str) -> Cell {
    Cell::new(usd(text)).to(link)
}

fn units(text: &str, scale: u8) -> Cell {
    Cell::units(Quantity::parse(text, scale).unwrap(), scale).to("/accounts/1110")
}

fn figure(key: &str, label: &str, content: Content, state: Option<(&str, Tone)>) -> Figure {
    Figure::new(key, label, Cell::new(content).to("/reports/coverage")).state(state.map(|(word, tone)| (word.into(), tone)))
}

fn context(query: &[(&str, &str)]) -> PageContext {
    let query = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let mut context = PageContext::report("Demo fund", "USD", "/", query, Section::Dashboard);
    context.banner = Some("Pages are not behind a login yet. Serve them on a private address only.".into());
    context
}

/// The day after the theft of 7,000 BTC, as a reader of the dashboard sees it.
fn after_the_theft() -> Doc {
    let mut coverage = figure("coverage", "Coverage", Content::Ratio(dec("1.6123")), Some(("above target 1.20×", Tone::Good)));
    coverage.formula = Some("Fund value ÷ obligations".into());
    coverage.parts = Some((value("67136882.41553201", "/reports/fund"), value("41640442.13", "/incidents/2019-05-07-theft")));
    let mut matched =
        figure("matched", "Matched BTC coverage", Content::Ratio(dec("0.4006")), Some(("below minimum 1.00×", Tone::Bad)));
    matched.formula = Some("BTC held ÷ BTC owed".into());
    matched.parts = Some((units("2832.4851", 8), units("7070.7", 8)));
    let mut fund = figure("fund", "Fund value", usd("67136882.41553201"), None);
    fund.hint = Some("+1.2 % since the last close (2019-04-30)".into());
    let mut free = figure("available", "Available after obligations", usd("25496440.28553201"), Some(("positive", Tone::Good)));
    free.hint = Some("1 incident open, reserve 41,640,442.13".into());
    let age = figure("prices", "Oldest price", Content::Text("5 h".into()), Some(("fresh", Tone::Good)));
    let late = figure("late", "Late reports", Content::Count(2), Some(("2 of 3 venues on time", Tone::Warn)));
    Doc {
        name: "dashboard".into(),
        title: "Dashboard".into(),
        finding: Some(
            "The fund is worth 1.61 times what it owes after the theft of 7,000 BTC, but holds only 0.40 of the bitcoin it must return."
                .into(),
        ),
        basis: Basis {
            as_of: Some(date(2019, 5, 8)),
            known_at: Some("2019-05-08T12:00:00Z".parse().unwrap()),
            prices: Some((date(2019, 5, 8), "daily closes".into())),
            filters: vec![("Venue".into(), "all".into())],
        },
        figures: vec![coverage, matched, fund, free, age, late],
        charts: vec![spark(), history(), waterfall(), ranked(), stacked(), heat()],
        tables: vec![holdings(), jobs()],
        notes: vec![
            "Own tokens of the sponsor are counted at market price; with a haircut of 50 % coverage would be 1.02×.".into(),
            "Not proven: that accounts at other exchanges will release the blocked 32.1 BTC.".into(),
        ],
    }
}

fn spark() -> Chart {
    let values = [9.0_f64, 8.2, 8.4, 7.9, 7.7, 8.0, 7.4, 1.61].map(|v| dec(&format!("{v:.2}")));
    chart(
        "coverage",
        "Coverage, last 30 days",
        "Coverage fell from 7.4 to 1.61 on 2019-05-07.",
        ChartKind::Spark { values: values.to_vec(), link: Some("/reports/coverage".into()) },
    )
}

fn chart(id: &str, title: &str, finding: &str, kind: ChartKind) -> Chart {
    Chart { id: id.into(), title: title.into(), finding: finding.into(), kind }
}

fn days(from: Date, count: i32) -> impl Iterator<Item = (i32, Date)> {
    (0..count).map(move |n| (n, from.checked_add(n.days()).unwrap()))
}

fn history() -> Chart {
    let at = |n: i32, all: bool| {
        let wave = f64::from(n).sin() * 0.05 + f64::from(n) * 0.002;
        match n {
            0..=19 => None,
            20..=80 => Some(if all { 2.3 + wave } else { 1.3 + wave * 2.0 }),
            81..=110 => None,
            _ if all => Some(1.61 + wave - 0.22),
            _ => Some(0.40 + wave / 6.0 - 0.02),
        }
    };
    let line = |all: bool| {
        days(date(2019, 1, 17), 140)
            .map(|(n, d)| (d, at(n, all).map(|v| dec(&format!("{v:.4}"))), Some(format!("/reports/coverage?as_of={d}"))))
            .collect()
    };
    let series = vec![
        Series { name: "All assets".into(), points: line(true) },
        Series { name: "Matched BTC".into(), points: line(false) },
    ];
    let bands = vec![("target".into(), dec("1.2"), Tone::Good), ("minimum".into(), dec("1"), Tone::Bad)];
    let kind = ChartKind::Line { series, bands, unit: "×".into() };
    chart(
        "coverage-history",
        "Coverage against policy",
        "Nothing was owed until February; matched coverage has been below the minimum since the theft.",
        kind,
    )
}

fn waterfall() -> Chart {
    let steps = [
        ("Fund on 2019-04-30", "66321004.11", true),
        ("Contributions", "1204332.18", false),
        ("Price effect", "3911220.90", false),
        ("Obligation from the theft", "-41640442.13", false),
        ("Network fees", "-14.02", false),
        ("Available on 2019-05-08", "29796101.04", true),
    ];
    let steps = steps.map(|(label, v, total)| (label.to_owned(), dec(v), total, Some("/reports/fund".to_owned()))).to_vec();
    chart(
        "why",
        "Change since the last close, and why",
        "The theft took 41.64 M; contributions and prices gave back 5.1 M.",
        ChartKind::Waterfall { steps, unit: "USD".into() },
    )
}

fn ranked() -> Chart {
    let bars =
        [("USDC", "2.41", Tone::Good), ("BNB", "1.38", Tone::Good), ("ETH", "1.04", Tone::Warn), ("BTC", "0.4006", Tone::Bad)];
    let bars =
        bars.map(|(label, v, tone)| (label.to_owned(), dec(v), tone, Some(format!("/accounts/1110?asset={label}")))).to_vec();
    let kind = ChartKind::Ranked { bars, marker: Some(("fully matched".into(), dec("1"))), unit: "×".into() };
    chart("matched-by-asset", "Matched coverage by asset", "Only bitcoin is owed in units that the fund does not hold.", kind)
}

fn stacked() -> Chart {
    let months = ["2018-10", "2018-11", "2018-12", "2019-01", "2019-02", "2019-03", "2019-04", "2019-05"];
    let categories = months.map(|m| (m.to_owned(), Some(format!("/reports/fund?period={m}")))).to_vec();
    let part = |name: &str, base: i64, step: i64| {
        (name.to_owned(), (0..8).map(|n| Decimal::from(base + step * n * 100_000)).collect::<Vec<_>>())
    };
    let parts = vec![part("BTC", 18_000_000, 4), part("BNB", 12_000_000, 22), part("USDC", 3_000_000, 9)];
    chart(
        "composition",
        "Composition of the fund",
        "The sponsor's own token is now the largest part.",
        ChartKind::Stacked { categories, parts, unit: "USD".into() },
    )
}

fn heat() -> Chart {
    let cell = |n: i32, d: Date, salt: i32| {
        let (state, tone, weight) = match (n * 7 + salt) % 41 {
            0 => ("missing", Tone::Bad, "1"),
            3 | 9 => ("late", Tone::Warn, "0.7"),
            5 => ("nothing due", Tone::Neutral, "0"),
            k => ("accepted", Tone::Good, ["0.3", "0.5", "0.8", "1"][usize::try_from(k % 4).unwrap()]),
        };
        HeatCell { day: d, state: state.into(), tone, weight: dec(weight), link: Some(format!("/contributions?day={d}")) }
    };
    let row = |name: &str, salt: i32| (name.to_owned(), days(date(2018, 7, 14), 299).map(|(n, d)| cell(n, d, salt)).collect());
    let kind = ChartKind::Heat { rows: vec![row("spot-main", 1), row("margin", 17)] };
    chart("calendar", "Fee reports received", "Two days are missing since July; both venues are on time this week.", kind)
}

fn holdings() -> Table {
    let row = |asset: &str, held: &str, owed: &str, price: &str, worth: &str, change: &str, scale: u8| {
        Row::body(vec![
            Cell::text(asset).to(format!("/accounts/1110?asset={asset}")),
            units(held, scale),
            if owed.is_empty() { Cell::blank("n/a: nothing is owed") } else { units(owed, scale) },
            Cell::new(Content::Price(dec(price))).to("/prices/2019-05-08"),
            value(worth, "/accounts/1110"),
            value(change, "/accounts/4500"),
            Cell::new(Content::Percent(dec("0.2513"))),
        ])
    };
    let sum = |kind, label: &str, worth: &str, change: &str| {
        let empty = Cell::empty;
        Row::of(
            kind,
            vec![
                Cell::text(label),
                empty(),
                empty(),
                empty(),
                value(worth, "/accounts/1110"),
                value(change, "/accounts/4500"),
                empty(),
            ],
        )
    };
    let group = |label: &str| Row::of(RowKind::Group, [vec![Cell::text(label)], vec![Cell::empty(); 6]].concat());
    Table {
        id: "holdings".into(),
        caption: "Holdings and what is owed".into(),
        columns: vec![
            Column::text("asset", "Asset"),
            Column::number("held", "Held (units)"),
            Column::number("owed", "Owed (units)"),
            Column::number("price", "Price (USD)"),
            Column::number("value", "Value (USD)"),
            Column::number("change", "Change since close (USD)"),
            Column::number("share", "Share"),
        ],
        rows: vec![
            group("Cold wallets"),
            row("BTC", "2832.4851", "7070.7", "5889.12", "16680911.31", "-412093.77", 8),
            row("BNB", "1893002.1", "", "20.4412", "38695235.22000001", "4310220.5", 8),
            sum(RowKind::Subtotal, "Cold wallets", "55376146.53", "3898126.73"),
            group("Hot wallets and banks"),
            row("ETH", "12004.123456789012345678", "", "169.83", "2038660.29", "0", 18),
            row("USDC", "9722075.6", "0", "1", "9722075.6", "-0.00000042", 6),
            sum(RowKind::Subtotal, "Hot wallets and banks", "11760735.89", "0"),
            sum(RowKind::Total, "Fund", "67136882.41553201", "3898126.73"),
            Row::of(
                RowKind::Check,
                vec![
                    Cell::new(Content::State("equals the trial balance".into(), Tone::Good)),
                    Cell::empty(),
                    Cell::empty(),
                    Cell::empty(),
                    value("0", "/reports/trial-balance"),
                    Cell::empty(),
                    Cell::empty(),
                ],
            ),
        ],
        next: Some("eyJuIjo0Mn0".into()),
        empty: None,
    }
}

fn jobs() -> Table {
    Table {
        id: "waiting".into(),
        caption: "Waiting for you".into(),
        columns: vec![Column::text("what", "What")],
        empty: Some("Nothing waits for approval. New entries over the limit appear here.".into()),
        ..Table::default()
    }
}

fn entries() -> Doc {
    let row = |no: i64, text: &str, hash: &str, debit: &str, credit: &str, state: (&str, Tone)| {
        Row::body(vec![
            Cell::new(Content::Count(no)).to(format!("/entries/{no}")),
            Cell::new(Content::Date(date(2019, 5, 7))),
            Cell::new(Content::Time("2019-05-07T17:15:24Z".parse().unwrap())),
            Cell::text(text),
            Cell::new(Content::Code(hash.into())),
            value(debit, "/entries/1"),
            value(credit, "/entries/1"),
            Cell::new(Content::State(state.0.into(), state.1)),
        ])
    };
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    Doc {
        name: "journal".into(),
        title: "Journal".into(),
        basis: Basis { as_of: Some(date(2019, 5, 8)), ..Basis::default() },
        tables: vec![Table {
            id: "entries".into(),
            caption: "Entries".into(),
            columns: vec![
                Column::number("no", "No."),
                Column::text("effective", "Effective"),
                Column::text("recorded", "Recorded"),
                Column::text("text", "Text"),
                Column::text("hash", "Leaf hash"),
                Column::number("debit", "Debit (USD)"),
                Column::number("credit", "Credit (USD)"),
                Column::text("state", "State"),
            ],
            rows: vec![
                row(
                    10_412,
                    "Theft from the hot wallet recognised as an obligation",
                    hash,
                    "41222340.11",
                    "41222340.11",
                    ("posted", Tone::Good),
                ),
                row(10_411, "Contribution of spot-main for 2019-05-06", hash, "18220.5", "18220.5", ("posted", Tone::Good)),
                row(
                    10_410,
                    "Contribution of margin for 2019-05-06",
                    hash,
                    "-812.25",
                    "-812.25",
                    ("reversed by 10,409", Tone::Warn),
                ),
            ],
            next: None,
            empty: None,
        }],
        ..Doc::default()
    }
}

#[test]
fn hostile_words_stay_words() {
    let evil = "<script>alert(1)</script>\" onmouseover=\"x";
    let mut doc = entries();
    doc.title = evil.into();
    doc.finding = Some(evil.into());
    doc.notes = vec![evil.into()];
    doc.tables[0].caption = evil.into();
    doc.tables[0].rows.push(Row::body(vec![
        Cell::text(evil).to("javascript:alert(1)"),
        Cell::new(Content::Code(evil.into())).to(format!("/entries/{evil}")),
        Cell::blank(evil),
        Cell::new(Content::State(evil.into(), Tone::Bad)),
    ]));
    doc.figures = vec![figure(evil, evil, Content::Text(evil.into()), Some((evil, Tone::Bad)))];
    let html = render_doc(&context(&[("as_of", evil), ("asset", evil)]), &doc).unwrap();
    assert_eq!(html.matches("<script").count(), 1, "only the page's own script");
    assert!(!html.contains("javascript:") && !html.contains("\" onmouseover"));
    assert!(!html.contains(" style="), "the content policy admits no inline style");
    assert!(html.contains("&#60;script&#62;alert(1)"));
}

#[test]
fn filters_travel_with_every_link_and_survive_exports() {
    let query = [("as_of", "2019-05-08"), ("asset", "BTC"), ("cursor", "abc"), ("known_at", "")];
    let html = render_doc(&context(&query), &entries()).unwrap();
    assert!(html.contains(r#"href="/journal?as_of=2019-05-08""#), "navigation keeps the day");
    assert!(html.contains(r#"href="/entries/10412?as_of=2019-05-08""#), "figures keep the day");
    assert!(html.contains("/?as_of=2019-05-08&#38;asset=BTC&#38;cursor=abc&#38;format=csv"), "exports are of what is shown");
    assert!(html.contains(r#"<input type="hidden" name="asset" value="BTC">"#), "the form keeps other filters");
    assert!(!html.contains(r#"name="cursor""#), "a new filter starts at the first page");
    let context = context(&query);
    assert_eq!(context.carry("/a?as_of=2018-01-01#x"), "/a?as_of=2018-01-01#x");
    assert_eq!(context.carry("/a#x"), "/a?as_of=2019-05-08#x");
    assert_eq!(context.carry("//elsewhere.example/"), "");
}

#[test]
fn a_file_needs_nothing_else() {
    let mut doc = entries();
    doc.charts = vec![waterfall(), heat()];
    let html = render_doc(&PageContext::file("Demo fund", "USD"), &doc).unwrap();
    assert!(html.contains("<style>") && html.contains(".figures"), "its style is in it");
    for part in ["<script", "<link", "src=", "<form", "<button", "<dialog", "href=\"/", "href=\"?", "url(", "://"] {
        let found = html.replace("http://www.w3.org/2000/svg", "").replace("url(#", "").find(part);
        assert_eq!(found, None, "{part} at {found:?}");
    }
    assert!(html.contains("default-src 'none'; style-src 'unsafe-inline'"), "a browser is told so too");
    assert!(html.contains("10,412") || html.contains("10412"), "figures stay, without their links");
}

#[test]
fn tables_are_real_tables() {
    let html = render_doc(&context(&[]), &after_the_theft()).unwrap();
    for part in ["<caption", "scope=\"col\"", "scope=\"row\"", "scope=\"rowgroup\"", "tr class=\"total\"", "rel=\"next\""] {
        assert!(html.contains(part), "{part}");
    }
    assert!(html.contains("Nothing waits for approval."), "an empty table says why and what next");
    assert!(html.contains(r#"title="67136882.41553201""#), "what is rounded keeps its digits");
    assert!(html.contains(r##"<use href="#i-bad"/>"##) && html.contains("below minimum 1.00×"), "a state is a shape and a word");
}

/// Writes the pages to look at to the directory that SAFU_GALLERY names; without it the pages are made and dropped.
#[test]
fn gallery() {
    let pages = [
        (
            "dashboard",
            render_doc(&context(&[("as_of", "2019-05-08"), ("known_at", "2019-05-08T12:00:00Z")]), &after_the_theft()).unwrap(),
        ),
        ("journal", render_doc(&context(&[]), &entries()).unwrap()),
        (
            "failure",
            render_failure(
                &context(&[]),
                &Failure {
                    status: 404,
                    title: "There is no entry 99".into(),
                    not_done: "Nothing was changed.".into(),
                    problems: vec![(
                        "/entries/99".into(),
                        "the last entry is 42; open the journal to find the one you look for".into(),
                    )],
                    request_id: "0190f0c2".into(),
                },
            )
            .unwrap(),
        ),
    ];
    for (name, html) in &pages {
        assert!(html.contains("<main id=\"main\"") && html.ends_with("</html>"), "{name}");
        let Some(dir) = std::env::var_os("SAFU_GALLERY").map(std::path::PathBuf::from) else { continue };
        // A page opened from a directory finds its style beside it.
        let live = html.replace("href=\"/assets/", "href=\"./assets/").replace("src=\"/assets/", "src=\"./assets/");
        std::fs::write(dir.join(format!("{name}.html")), live.replace("<details>", "<details open>")).unwrap();
        for theme in ["light", "dark"] {
            let themed = live.replacen("<html lang=\"en\">", &format!("<html lang=\"en\" data-theme=\"{theme}\">"), 1);
            let still = themed.replacen("<script src=", "<script data-src=", 1);
            std::fs::write(dir.join(format!("{name}-{theme}.html")), still).unwrap();
        }
        std::fs::create_dir_all(dir.join("assets")).unwrap();
        for asset in ["style.css", "app.js", "favicon.svg"].map(|name| assets::find(assets::href(name)).unwrap()) {
            std::fs::write(dir.join(asset.path.trim_start_matches('/')), asset.bytes).unwrap();
        }
    }
}
