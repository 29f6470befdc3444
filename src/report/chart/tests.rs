use super::*;
use crate::report::doc::{HeatCell, RowKind, Series};
use jiff::civil::date;

const HOSTILE: &str = r#"</svg><script>alert("1")</script> & 'x'"#;

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn chart(kind: ChartKind) -> Chart {
    Chart { id: "my chart".into(), title: HOSTILE.into(), finding: HOSTILE.into(), kind }
}

fn line(values: &[Option<&str>]) -> ChartKind {
    let point = |(n, v): (usize, &Option<&str>)| {
        (date(2019, 5, i8::try_from(n + 1).unwrap()), v.map(dec), Some(format!("/reports/coverage?n={n}")))
    };
    let series = vec![Series { name: HOSTILE.into(), points: values.iter().enumerate().map(point).collect() }];
    ChartKind::Line { series, bands: vec![(HOSTILE.into(), dec("1"), Tone::Bad)], unit: "×".into() }
}

fn every_kind() -> Vec<ChartKind> {
    let link = || Some("/entries/7".to_owned());
    let cell = |day, tone| HeatCell { day: date(2019, 5, day), state: HOSTILE.into(), tone, weight: dec("0.5"), link: link() };
    vec![
        line(&[Some("1"), None, Some("2"), Some("3")]),
        ChartKind::Stacked {
            categories: vec![(HOSTILE.into(), link())],
            parts: vec![(HOSTILE.into(), vec![dec("5")])],
            unit: "USD".into(),
        },
        ChartKind::Waterfall {
            steps: vec![(HOSTILE.into(), dec("5"), true, link()), ("b".into(), dec("-2"), false, link())],
            unit: "USD".into(),
        },
        ChartKind::Ranked {
            bars: vec![(HOSTILE.into(), dec("2"), Tone::Good, link())],
            marker: Some((HOSTILE.into(), dec("1"))),
            unit: "×".into(),
        },
        ChartKind::Heat { rows: vec![(HOSTILE.into(), vec![cell(7, Tone::Bad), cell(8, Tone::Warn)])] },
        ChartKind::Spark { values: vec![dec("1"), dec("2")], link: link() },
    ]
}

/// The same kinds with nothing in them.
fn empty_kinds() -> Vec<ChartKind> {
    vec![
        ChartKind::Line { series: vec![], bands: vec![], unit: String::new() },
        ChartKind::Line {
            series: vec![Series { name: "a".into(), points: vec![(date(2019, 5, 7), None, None)] }],
            bands: vec![],
            unit: String::new(),
        },
        ChartKind::Stacked { categories: vec![], parts: vec![], unit: String::new() },
        ChartKind::Waterfall { steps: vec![], unit: String::new() },
        ChartKind::Ranked { bars: vec![], marker: None, unit: String::new() },
        ChartKind::Heat { rows: vec![] },
        ChartKind::Spark { values: vec![], link: None },
    ]
}

/// Checks that every element is closed in order and every attribute is quoted; gives the elements' names.
fn elements(svg: &str) -> Vec<String> {
    let (mut open, mut seen, mut rest) = (Vec::new(), Vec::new(), svg);
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(!text.contains('>'), "a stray bracket in {text:?}");
        let end = at + rest[at..].find('>').expect("an unclosed tag");
        let tag = &rest[at + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "odd quotes in <{tag}>");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap().to_owned();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
        } else {
            seen.push(name.clone());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
    seen
}

#[test]
fn every_drawing_is_well_formed_named_and_harmless() {
    for kind in every_kind() {
        let chart = chart(kind);
        for size in [Size::Wide, Size::Narrow] {
            let svg = draw(&chart, size);
            let seen = elements(&svg);
            assert_eq!(seen.iter().filter(|e| *e == "desc").count(), 1);
            assert!(seen.iter().any(|e| e == "a"), "no linked mark in {svg}");
            assert!(!seen.iter().any(|e| e == "script"));
            assert!(!svg.contains(" style=") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(svg.contains(r#"role="group""#) && svg.contains("aria-labelledby=\"my-chart-"));
        }
    }
}

#[test]
fn charts_without_data_are_drawn_without_marks() {
    for kind in empty_kinds() {
        let chart = chart(kind);
        for size in [Size::Wide, Size::Narrow] {
            assert!(!elements(&draw(&chart, size)).iter().any(|e| e == "a"));
        }
        assert!(table(&chart).rows.iter().all(|row| row.cells.iter().skip(1).all(|c| matches!(c.content, Content::Blank(_)))));
    }
}

#[test]
fn a_gap_is_a_gap_and_never_zero() {
    let svg = draw(&chart(line(&[Some("1"), Some("1.1"), None, Some("2"), None, Some("3"), Some("3.1")])), Size::Wide);
    assert_eq!(svg.matches("class=\"line s0 d0\" d=\"M").count(), 2);
    assert_eq!(svg.matches("<title>2019-05-").count(), 5, "no target on a day without a value");
    let rows = table(&chart(line(&[Some("1"), None]))).rows;
    assert_eq!(rows[0].cells[1].content, Content::Blank("n/a".into()));
    assert_eq!(rows[1].cells[1].content, Content::Ratio(dec("1")));
}

#[test]
fn data_tables_carry_every_mark_and_its_link() {
    for kind in every_kind() {
        let chart = chart(kind);
        let table = table(&chart);
        let links = table.rows.iter().filter(|r| r.kind != RowKind::Check).flat_map(|r| &r.cells).filter(|c| c.link.is_some());
        assert!(links.count() >= 1, "{:?}", chart.kind);
        assert!(table.rows.iter().all(|r| r.cells.len() == table.columns.len()));
    }
}

#[test]
fn the_largest_numbers_are_drawn_too() {
    let max = Decimal::MAX;
    let parts = vec![("a".into(), vec![max]), ("b".into(), vec![max])];
    for kind in [
        ChartKind::Stacked { categories: vec![("c".into(), None)], parts, unit: "%".into() },
        ChartKind::Waterfall { steps: vec![("a".into(), max, true, None), ("b".into(), max, false, None)], unit: String::new() },
        ChartKind::Spark { values: vec![max, Decimal::MIN], link: None },
    ] {
        let chart = chart(kind);
        let svg = draw(&chart, Size::Narrow);
        elements(&svg);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert!(!table(&chart).rows.is_empty());
    }
}

#[test]
fn unsafe_addresses_are_not_linked() {
    for bad in
        ["javascript:alert(1)", "//elsewhere.example", "/\\elsewhere.example", "http://elsewhere.example", "data:text/html,x"]
    {
        let svg = draw(&chart(ChartKind::Spark { values: vec![dec("1")], link: Some(bad.into()) }), Size::Wide);
        assert!(!svg.contains("<a "), "{bad}");
    }
}

#[test]
fn a_long_history_has_no_more_targets_than_a_pointer_can_hit() {
    let points =
        (0..3000).map(|n| (date(2016, 1, 1).checked_add(jiff::Span::new().days(n)).unwrap(), Some(Decimal::from(n)), None));
    let series = vec![Series { name: "a".into(), points: points.collect() }];
    let svg = draw(&chart(ChartKind::Line { series, bands: vec![], unit: String::new() }), Size::Narrow);
    let marks = svg.matches("class=\"mark\"").count();
    assert!((30..=62).contains(&marks), "{marks}");
}
