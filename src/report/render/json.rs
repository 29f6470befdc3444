//! A report as JSON. Amounts, prices and ratios are strings, exact; counts are numbers; what is blank is `null` with its
//! reason beside it. Keys keep the order of the columns.

use super::{RenderError, csv::kind_word, display};
use crate::report::doc::{Cell, Column, Content, Doc, Figure, Row, Table, Tone};
use jiff::{Timestamp, civil::Date};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Renders everything but the charts.
pub fn render(doc: &Doc) -> Result<Vec<u8>, RenderError> {
    let mut bytes = serde_json::to_vec_pretty(&DocJson::new(doc))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[derive(Serialize)]
struct DocJson<'a> {
    name: &'a str,
    title: &'a str,
    finding: Option<&'a str>,
    basis: BasisJson<'a>,
    figures: Vec<FigureJson<'a>>,
    tables: Vec<TableJson<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct BasisJson<'a> {
    as_of: Option<String>,
    known_at: Option<String>,
    prices: Option<PricesJson<'a>>,
    filters: Pairs<&'a str>,
}

#[derive(Serialize)]
struct PricesJson<'a> {
    cutoff: String,
    source: &'a str,
}

#[derive(Serialize)]
struct FigureJson<'a> {
    key: &'a str,
    label: &'a str,
    value: Scalar,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    numerator: Option<Scalar>,
    denominator: Option<Scalar>,
    formula: Option<&'a str>,
    state: Option<StateJson<'a>>,
    hint: Option<&'a str>,
    links: Pairs<&'a str>,
}

#[derive(Serialize)]
struct StateJson<'a> {
    word: &'a str,
    tone: &'static str,
}

#[derive(Serialize)]
struct TableJson<'a> {
    id: &'a str,
    caption: &'a str,
    columns: Vec<ColumnJson<'a>>,
    rows: Vec<RowJson<'a>>,
    next: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    empty: Option<&'a str>,
}

#[derive(Serialize)]
struct ColumnJson<'a> {
    key: &'a str,
    title: &'a str,
    numeric: bool,
}

#[derive(Serialize)]
struct RowJson<'a> {
    kind: &'static str,
    cells: Pairs<Scalar>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    assets: Pairs<&'a str>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    reasons: Pairs<&'a str>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    links: Pairs<&'a str>,
}

/// What a cell says, bare.
enum Scalar {
    Text(String),
    Count(i64),
    Null,
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => to.serialize_str(text),
            Self::Count(count) => to.serialize_i64(*count),
            Self::Null => to.serialize_unit(),
        }
    }
}

/// An object in the order given.
struct Pairs<T>(Vec<(String, T)>);

impl<T> Pairs<T> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Serialize> Serialize for Pairs<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'a> DocJson<'a> {
    fn new(doc: &'a Doc) -> Self {
        let basis = &doc.basis;
        Self {
            name: &doc.name,
            title: &doc.title,
            finding: doc.finding.as_deref(),
            basis: BasisJson {
                as_of: basis.as_of.as_ref().map(Date::to_string),
                known_at: basis.known_at.as_ref().map(Timestamp::to_string),
                prices: basis.prices.as_ref().map(|(day, source)| PricesJson { cutoff: day.to_string(), source }),
                filters: Pairs(basis.filters.iter().map(|(label, value)| (label.clone(), value.as_str())).collect()),
            },
            figures: doc.figures.iter().map(FigureJson::new).collect(),
            tables: doc.tables.iter().map(TableJson::new).collect(),
            notes: &doc.notes,
        }
    }
}

impl<'a> FigureJson<'a> {
    fn new(figure: &'a Figure) -> Self {
        let parts = figure.parts.as_ref();
        let cells = [("value", Some(&figure.cell)), ("numerator", parts.map(|p| &p.0)), ("denominator", parts.map(|p| &p.1))];
        let links = cells.into_iter().filter_map(|(key, cell)| Some((key.to_owned(), cell?.link.as_deref()?)));
        Self {
            key: &figure.key,
            label: &figure.label,
            value: scalar(&figure.cell),
            asset: asset(&figure.cell),
            reason: reason(&figure.cell),
            numerator: parts.map(|p| scalar(&p.0)),
            denominator: parts.map(|p| scalar(&p.1)),
            formula: figure.formula.as_deref(),
            state: figure.state.as_ref().map(|(word, tone)| StateJson { word, tone: tone_word(*tone) }),
            hint: figure.hint.as_deref(),
            links: Pairs(links.collect()),
        }
    }
}

impl<'a> TableJson<'a> {
    fn new(table: &'a Table) -> Self {
        let columns = table.columns.iter().map(|c| ColumnJson { key: &c.key, title: &c.title, numeric: c.numeric });
        Self {
            id: &table.id,
            caption: &table.caption,
            columns: columns.collect(),
            rows: table.rows.iter().map(|row| RowJson::new(&table.columns, row)).collect(),
            next: table.next.as_deref(),
            empty: table.empty.as_deref().filter(|_| table.rows.is_empty()),
        }
    }
}

impl<'a> RowJson<'a> {
    fn new(columns: &'a [Column], row: &'a Row) -> Self {
        let cells = || columns.iter().zip(&row.cells);
        let some = |of: fn(&'a Cell) -> Option<&'a str>| {
            Pairs(cells().filter_map(|(column, cell)| Some((column.key.clone(), of(cell)?))).collect())
        };
        Self {
            kind: kind_word(row.kind),
            cells: Pairs(cells().map(|(column, cell)| (column.key.clone(), scalar(cell))).collect()),
            assets: some(asset),
            reasons: some(reason),
            links: some(|cell| cell.link.as_deref()),
        }
    }
}

fn scalar(cell: &Cell) -> Scalar {
    match &cell.content {
        Content::Count(count) => Scalar::Count(*count),
        Content::Blank(_) => Scalar::Null,
        content => Scalar::Text(display::exact(content)),
    }
}

fn asset(cell: &Cell) -> Option<&str> {
    match &cell.content {
        Content::Units { asset, .. } => asset.as_deref(),
        _ => None,
    }
}

fn reason(cell: &Cell) -> Option<&str> {
    match &cell.content {
        Content::Blank(reason) => Some(reason),
        _ => None,
    }
}

const fn tone_word(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "neutral",
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    }
}
