//! A chart's data as a table: the same numbers and links for those who do not read the drawing.

use super::super::doc::{Cell, Chart, ChartKind, Column, Content, HeatCell, Row, RowKind, Series, Table};
use super::super::link;
use jiff::civil::Date;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The data of a chart, one row a mark.
pub fn table(chart: &Chart) -> Table {
    let policy = link::coverage("policy");
    let (columns, rows) = match &chart.kind {
        ChartKind::Line { series, bands, unit } => {
            let (columns, mut rows) = lines(series, unit);
            for (label, level, tone) in bands {
                let mut cells = vec![Cell::state(label.clone(), *tone)];
                cells.extend(series.iter().map(|_| amount(*level, unit, Some(&policy))));
                rows.push(Row::of(RowKind::Check, cells));
            }
            (columns, rows)
        }
        ChartKind::Stacked { categories, parts, unit } => stacked(categories, parts, unit),
        ChartKind::Waterfall { steps, unit } => {
            let row = |(label, value, total, link): &(String, Decimal, bool, Option<String>)| {
                let kind = if *total { RowKind::Subtotal } else { RowKind::Body };
                Row::of(kind, vec![Cell::text(label), amount(*value, unit, link.as_deref())])
            };
            (two("Step", unit), steps.iter().map(row).collect())
        }
        ChartKind::Ranked { bars, marker, unit } => {
            let mut rows: Vec<Row> = bars
                .iter()
                .map(|(label, value, _, link)| Row::body(vec![Cell::text(label), amount(*value, unit, link.as_deref())]))
                .collect();
            if let Some((label, level)) = marker {
                rows.push(Row::of(
                    RowKind::Check,
                    vec![Cell::text(label), amount(*level, unit, Some(&link::coverage("ratios")))],
                ));
            }
            (two("Item", unit), rows)
        }
        ChartKind::Heat { rows } => calendar(rows),
        ChartKind::Spark { values, link } => {
            let row = |(n, value): (usize, &Decimal)| {
                let count = i64::try_from(n.saturating_add(1)).unwrap_or(i64::MAX);
                Row::body(vec![Cell::count(count), amount(*value, "", link.as_deref())])
            };
            (two("Point", ""), values.iter().enumerate().map(row).collect())
        }
    };
    Table {
        id: format!("{}-data", super::slug(&chart.id)),
        caption: format!("Data of “{}”", chart.title),
        columns,
        rows,
        next: None,
        empty: Some("No data in this range.".to_owned()),
    }
}

fn two(first: &str, unit: &str) -> Vec<Column> {
    vec![Column::text("label", first), Column::number("value", &heading("Value", unit))]
}

fn heading(text: &str, unit: &str) -> String {
    // Ratios and percents carry their sign in every cell.
    if matches!(unit, "" | "×" | "%") { text.to_owned() } else { format!("{text} ({unit})") }
}

/// A number of a chart in the form its unit asks for.
fn amount(value: Decimal, unit: &str, link: Option<&str>) -> Cell {
    let content = match unit {
        "×" => Content::Ratio(value),
        // A chart in percent draws 10 for 10 %; a cell holds the share.
        "%" => Content::Percent(value.checked_div(Decimal::ONE_HUNDRED).unwrap_or_default()),
        _ => Content::Price(value),
    };
    Cell { content, link: link.map(str::to_owned) }
}

/// One row a day, one column a line.
fn lines(series: &[Series], unit: &str) -> (Vec<Column>, Vec<Row>) {
    let mut columns = vec![Column::text("day", "Day")];
    columns.extend(series.iter().map(|s| Column::number(&super::slug(&s.name), &heading(&s.name, unit))));
    let mut by_day: BTreeMap<Date, Vec<Cell>> = BTreeMap::new();
    for (at, line) in series.iter().enumerate() {
        for (date, value, link) in &line.points {
            let cells = by_day.entry(*date).or_insert_with(|| vec![Cell::blank("n/a"); series.len()]);
            if let (Some(value), Some(cell)) = (value, cells.get_mut(at)) {
                *cell = amount(*value, unit, link.as_deref());
            }
        }
    }
    (columns, newest_first(by_day))
}

/// One row a day, one column a strip.
fn calendar(strips: &[(String, Vec<HeatCell>)]) -> (Vec<Column>, Vec<Row>) {
    let mut columns = vec![Column::text("day", "Day")];
    columns.extend(strips.iter().map(|(name, _)| Column::text(&super::slug(name), name)));
    let mut by_day: BTreeMap<Date, Vec<Cell>> = BTreeMap::new();
    for (at, (_, days)) in strips.iter().enumerate() {
        for heat in days {
            let cells = by_day.entry(heat.day).or_insert_with(|| vec![Cell::blank("n/a"); strips.len()]);
            if let Some(cell) = cells.get_mut(at) {
                *cell = Cell { content: Content::State(heat.state.clone(), heat.tone), link: heat.link.clone() };
            }
        }
    }
    (columns, newest_first(by_day))
}

/// Rows by day, the newest first.
fn newest_first(by_day: BTreeMap<Date, Vec<Cell>>) -> Vec<Row> {
    let row = |(date, mut cells): (Date, Vec<Cell>)| {
        cells.insert(0, Cell::date(date));
        Row::body(cells)
    };
    by_day.into_iter().rev().map(row).collect()
}

fn stacked(categories: &[(String, Option<String>)], parts: &[(String, Vec<Decimal>)], unit: &str) -> (Vec<Column>, Vec<Row>) {
    let mut columns = vec![Column::text("category", "Category")];
    columns.extend(parts.iter().map(|(name, _)| Column::number(&super::slug(name), &heading(name, unit))));
    columns.push(Column::number("total", &heading("Total", unit)));
    let rows = categories.iter().enumerate().map(|(n, (name, link))| {
        let value_of = |values: &Vec<Decimal>| values.get(n).copied().unwrap_or_default();
        let mut cells = vec![Cell::text(name)];
        cells.extend(parts.iter().map(|(_, values)| amount(value_of(values), unit, link.as_deref())));
        let total = sum(parts.iter().map(|(_, values)| value_of(values)));
        cells.push(amount(total, unit, link.as_deref()));
        Row::body(cells)
    });
    (columns, rows.collect())
}

/// A sum of parts; a part that no longer fits is left out rather than ending the program.
pub(super) fn sum(parts: impl Iterator<Item = Decimal>) -> Decimal {
    parts.fold(Decimal::ZERO, |sum, part| sum.checked_add(part).unwrap_or(sum))
}
