//! The one shape every report has: a page, an API answer, a CLI table and an export are all rendered from a [`Doc`].

use super::link;
use crate::domain::amount::{Quantity, Value};
use crate::domain::ids::EntryNo;
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

/// A finished report.
#[derive(Debug, Clone, Default)]
pub struct Doc {
    /// Registry name, for example `trial-balance`; part of URLs and file names.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// One sentence that says what the reader should take away, if there is one.
    pub finding: Option<String>,
    /// What the figures are based on.
    pub basis: Basis,
    /// Headline figures.
    pub figures: Vec<Figure>,
    /// Charts.
    pub charts: Vec<Chart>,
    /// Tables, the first is the main one.
    pub tables: Vec<Table>,
    /// Remarks: method, what is left out, what is not proven.
    pub notes: Vec<String>,
}

/// What a report's figures are based on; always printed.
#[derive(Debug, Clone, Default)]
pub struct Basis {
    /// Business date up to which entries count.
    pub as_of: Option<Date>,
    /// Moment up to which recordings count; `None` is now.
    pub known_at: Option<Timestamp>,
    /// Cut-off date and source of the price set.
    pub prices: Option<(Date, String)>,
    /// Filters in force, as (label, value).
    pub filters: Vec<(String, String)>,
}

/// A judgement, shown as a word and a colour, never as a colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// No judgement.
    #[default]
    Neutral,
    /// Within policy.
    Good,
    /// Needs attention.
    Warn,
    /// Breached.
    Bad,
}

/// One headline figure.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Stable key in JSON, for example `coverage`.
    pub key: String,
    /// Label for people.
    pub label: String,
    /// The value, linked to what it is made of.
    pub cell: Cell,
    /// State word with its tone, for example ("below target", Warn).
    pub state: Option<(String, Tone)>,
    /// Formula in words.
    pub formula: Option<String>,
    /// Numerator and denominator of a ratio.
    pub parts: Option<(Cell, Cell)>,
    /// Small line below: what it was before, its bands.
    pub hint: Option<String>,
}

impl Figure {
    /// A figure with nothing but its value.
    pub fn new(key: &str, label: &str, cell: Cell) -> Self {
        Self { key: key.to_owned(), label: label.to_owned(), cell, state: None, formula: None, parts: None, hint: None }
    }

    /// With a state word and its tone.
    #[must_use]
    pub fn state(self, state: Option<(String, Tone)>) -> Self {
        Self { state, ..self }
    }

    /// With its formula in words.
    #[must_use]
    pub fn formula(self, formula: &str) -> Self {
        Self { formula: Some(formula.to_owned()), ..self }
    }

    /// With a small line below; an empty one is left out.
    #[must_use]
    pub fn hint(self, hint: &str) -> Self {
        Self { hint: Some(hint.to_owned()).filter(|hint| !hint.is_empty()), ..self }
    }
}

/// A table with typed columns.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Stable id in JSON and anchors.
    pub id: String,
    /// Caption.
    pub caption: String,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows.
    pub rows: Vec<Row>,
    /// Cursor of the next page, if there is one.
    pub next: Option<String>,
    /// Said instead of an empty table: what is empty, why, and the one next step.
    pub empty: Option<String>,
}

impl Table {
    /// A whole table; `empty` says what is missing, why, and the one next step.
    pub fn new(id: &str, caption: &str, columns: Vec<Column>, rows: Vec<Row>, empty: &str) -> Self {
        let empty = Some(empty.to_owned()).filter(|empty| !empty.is_empty());
        Self { id: id.to_owned(), caption: caption.to_owned(), columns, rows, next: None, empty }
    }
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Stable key in CSV and JSON.
    pub key: String,
    /// Heading; the unit belongs here, for example `Value (USD)`.
    pub title: String,
    /// True for numbers: right-aligned, tabular.
    pub numeric: bool,
}

impl Column {
    /// A column of words.
    pub fn text(key: &str, title: &str) -> Self {
        Self { key: key.into(), title: title.into(), numeric: false }
    }
    /// A column of numbers.
    pub fn number(key: &str, title: &str) -> Self {
        Self { key: key.into(), title: title.into(), numeric: true }
    }
}

/// What a row is in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowKind {
    /// An ordinary row.
    #[default]
    Body,
    /// A heading that spans the table.
    Group,
    /// Opening balance.
    Opening,
    /// A sum of rows above.
    Subtotal,
    /// The sum of all.
    Total,
    /// A check that must come out.
    Check,
}

/// A row.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its kind.
    pub kind: RowKind,
    /// One cell a column.
    pub cells: Vec<Cell>,
}

impl Row {
    /// An ordinary row.
    pub const fn body(cells: Vec<Cell>) -> Self {
        Self { kind: RowKind::Body, cells }
    }
    /// A row of another kind.
    pub const fn of(kind: RowKind, cells: Vec<Cell>) -> Self {
        Self { kind, cells }
    }
}

/// A cell: what it says and where it leads.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Content.
    pub content: Content,
    /// URL path of the entries behind it (made by [`super::link`]).
    pub link: Option<String>,
}

/// The typed content of a cell. Exports keep it exact; screens shorten it and keep the exact text as a title.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Words.
    Text(String),
    /// Words in a code face: hashes, ids, addresses.
    Code(String),
    /// Units of an asset.
    Units {
        /// Minor units.
        quantity: Quantity,
        /// The asset's scale.
        scale: u8,
        /// The asset's code, where the column does not say it.
        asset: Option<String>,
    },
    /// Functional value; statements show 2 of its 8 decimals.
    Value(Value),
    /// A price.
    Price(Decimal),
    /// A ratio such as 1.6123; screens show it as a multiple with 2 to 4 decimals.
    Ratio(Decimal),
    /// A share: 0.1 is shown as 10 %.
    Percent(Decimal),
    /// A count.
    Count(i64),
    /// A business date.
    Date(Date),
    /// A moment.
    Time(Timestamp),
    /// A state word with its tone.
    State(String, Tone),
    /// Nothing to show, with the reason, for example `n/a: nothing is owed`.
    Blank(String),
}

impl Cell {
    /// A cell without a link.
    pub const fn new(content: Content) -> Self {
        Self { content, link: None }
    }
    /// The same cell with a link.
    #[must_use]
    pub fn to(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text(text.into()))
    }
    /// Functional value.
    pub const fn value(value: Value) -> Self {
        Self::new(Content::Value(value))
    }
    /// Units in a column that names the asset elsewhere.
    pub const fn units(quantity: Quantity, scale: u8) -> Self {
        Self::new(Content::Units { quantity, scale, asset: None })
    }
    /// Units with the code of their asset.
    pub fn units_of(quantity: Quantity, scale: u8, asset: &str) -> Self {
        Self::new(Content::Units { quantity, scale, asset: Some(asset.to_owned()) })
    }
    /// A hash, an id, an address; empty if there is none.
    pub fn code(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::empty() } else { Self::new(Content::Code(text)) }
    }
    /// A count; one that does not fit is shown as the largest that does.
    pub fn count(count: impl TryInto<i64>) -> Self {
        Self::new(Content::Count(count.try_into().unwrap_or(i64::MAX)))
    }
    /// A business date.
    pub const fn date(day: Date) -> Self {
        Self::new(Content::Date(day))
    }
    /// A moment.
    pub const fn time(at: Timestamp) -> Self {
        Self::new(Content::Time(at))
    }
    /// A state word with its tone.
    pub fn state(word: impl Into<String>, tone: Tone) -> Self {
        Self::new(Content::State(word.into(), tone))
    }
    /// An entry by its number, linked.
    pub fn entry(no: EntryNo) -> Self {
        Self::text(no.to_string()).to(link::entry(no))
    }
    /// Blank with a reason.
    pub fn blank(reason: impl Into<String>) -> Self {
        Self::new(Content::Blank(reason.into()))
    }
    /// An empty cell.
    pub const fn empty() -> Self {
        Self::new(Content::Text(String::new()))
    }
}

/// A chart. Every mark is a link; every chart is drawn with its title, a finding and its data as a table.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Anchor id.
    pub id: String,
    /// Title.
    pub title: String,
    /// One sentence: what the chart shows.
    pub finding: String,
    /// What is drawn.
    pub kind: ChartKind,
}

/// The kinds of chart.
#[derive(Debug, Clone)]
pub enum ChartKind {
    /// A line over time with optional horizontal policy bands.
    Line {
        /// Named lines.
        series: Vec<Series>,
        /// Horizontal limits, as (label, level, tone).
        bands: Vec<(String, Decimal, Tone)>,
        /// Unit of the vertical axis.
        unit: String,
    },
    /// Stacked bars over categories.
    Stacked {
        /// Category labels with links.
        categories: Vec<(String, Option<String>)>,
        /// Named parts, one value a category.
        parts: Vec<(String, Vec<Decimal>)>,
        /// Unit.
        unit: String,
    },
    /// From one total over its changes to the next.
    Waterfall {
        /// Steps as (label, change or total, is a total, link).
        steps: Vec<(String, Decimal, bool, Option<String>)>,
        /// Unit.
        unit: String,
    },
    /// Bars from large to small, with an optional marker line.
    Ranked {
        /// Bars as (label, value, tone, link).
        bars: Vec<(String, Decimal, Tone, Option<String>)>,
        /// Marker as (label, level), for example ("fully matched", 1).
        marker: Option<(String, Decimal)>,
        /// Unit.
        unit: String,
    },
    /// A heat strip by day (contribution calendar): rows of days.
    Heat {
        /// Rows as (label, cells); a cell is (date, state word, tone, weight 0 to 1, link).
        rows: Vec<(String, Vec<HeatCell>)>,
    },
    /// A bare line without axes for use inside text.
    Spark {
        /// Values in order.
        values: Vec<Decimal>,
        /// Link.
        link: Option<String>,
    },
}

/// A named line of points.
#[derive(Debug, Clone)]
pub struct Series {
    /// Name.
    pub name: String,
    /// Points as (day, value, link); `None` is a gap (not applicable), never zero.
    pub points: Vec<(Date, Option<Decimal>, Option<String>)>,
}

/// One day of a heat strip.
#[derive(Debug, Clone)]
pub struct HeatCell {
    /// Day.
    pub day: Date,
    /// State word.
    pub state: String,
    /// Its tone.
    pub tone: Tone,
    /// Fill strength from 0 to 1.
    pub weight: Decimal,
    /// Where it leads.
    pub link: Option<String>,
}
