//! The pieces of a page, ready for their templates: cells, rows, tables, figures, charts.

use super::{PageContext, tone_name};
use crate::report::chart::{self, Size};
use crate::report::doc::{Cell, Chart, ChartKind, Content, Figure, Row, RowKind, Table};
use crate::report::format::{self, Shown, Style};
use crate::report::render::csv::kind_word;

/// A cell ready for its template.
#[derive(Debug, Clone)]
pub struct CellView {
    /// CSS classes: `text`, `code`, `number`, `number money`, `number count`, `state`, `blank` or `time`.
    pub kind: &'static str,
    /// The parts of what is shown.
    pub shown: Shown,
    /// Where it leads; empty if nowhere.
    pub href: String,
    /// Tone of a state.
    pub tone: &'static str,
    /// Machine-readable moment or date.
    pub datetime: String,
}

impl CellView {
    /// A cell in a place with this style.
    pub fn new(context: &PageContext, cell: &Cell, style: Style) -> Self {
        let kind = match &cell.content {
            Content::Text(_) => "text",
            Content::Code(_) => "code",
            Content::State(..) => "state",
            Content::Blank(_) => "blank",
            Content::Date(_) | Content::Time(_) => "time",
            Content::Value(_) => "number money",
            Content::Count(_) => "number count",
            _ => "number",
        };
        let tone = if let Content::State(_, tone) = &cell.content { tone_name(*tone) } else { "" };
        let datetime = match &cell.content {
            Content::Date(date) => date.to_string(),
            Content::Time(time) => time.to_string(),
            _ => String::new(),
        };
        let shown = format::show(&cell.content, style);
        // A link without words could not be seen, and would still take its place in the row; the reason why there is no figure
        // leads nowhere.
        let link = cell.link.as_deref().filter(|_| !shown.is_empty() && kind != "blank");
        let href = link.map(|link| context.carry(link)).unwrap_or_default();
        Self { kind, shown, href, tone, datetime }
    }

    /// A cell that stands alone: its own decimals, zero as a number.
    pub fn alone(context: &PageContext, cell: &Cell) -> Self {
        Self::new(context, cell, Style::alone(&cell.content))
    }

    /// True for a sentence, which needs a column that does not fold it into a stack of single words.
    pub fn is_long(&self) -> bool {
        self.kind == "text" && self.shown.text.chars().count() > 28
    }

    /// True for a word or two, which stay on one line.
    pub fn is_short(&self) -> bool {
        self.kind == "text" && self.shown.text.chars().count() <= 20
    }

    /// True for exactly nothing: a dash, linked like any amount but without its line.
    pub fn is_nil(&self) -> bool {
        self.shown.text == format::DASH
    }

    /// True for a count, which is not an amount of the books.
    pub fn is_count(&self) -> bool {
        self.kind == "number count"
    }

    /// True for anything made of digits.
    pub fn is_number(&self) -> bool {
        self.kind.starts_with("number")
    }

    /// The exact text, where the screen shows less.
    pub fn exact(&self) -> &str {
        self.shown.exact.as_deref().unwrap_or_default()
    }
}

/// A row ready for its template.
#[derive(Debug, Clone)]
pub struct RowView {
    /// CSS class: `body`, `group`, `opening`, `subtotal`, `total`, `check`.
    pub class: &'static str,
    /// Its cells.
    pub cells: Vec<CellView>,
    /// True for a heading that spans the table.
    pub spans: bool,
}

/// A table ready for its template.
#[derive(Debug, Clone)]
pub struct TableView {
    /// Anchor.
    pub id: String,
    /// Caption.
    pub caption: String,
    /// Headings as (text, is a number).
    pub heads: Vec<(String, bool)>,
    /// Rows in bodies: each group heading starts a new one.
    pub bodies: Vec<Vec<RowView>>,
    /// Number of rows.
    pub count: usize,
    /// Address of the first page, on later pages.
    pub first: Option<String>,
    /// Address of the next page, if there is one.
    pub next: Option<String>,
    /// Said instead of rows, with what is code in it.
    pub empty: Vec<(String, bool)>,
}

impl TableView {
    /// A table of a page.
    pub fn new(context: &PageContext, table: &Table) -> Self {
        let styles: Vec<Style> =
            table.columns.iter().enumerate().map(|(at, column)| Style::of_column(at, column, &table.rows)).collect();
        let mut bodies: Vec<Vec<RowView>> = Vec::new();
        for row in &table.rows {
            let view = row_view(context, row, &styles);
            match bodies.last_mut() {
                Some(body) if row.kind != RowKind::Group => body.push(view),
                _ => bodies.push(vec![view]),
            }
        }
        // In a file there is no other page to go to.
        let next = table.next.as_deref().filter(|_| !context.is_file);
        Self {
            id: chart::slug(&table.id),
            caption: table.caption.clone(),
            heads: table.columns.iter().map(|column| (column.title.clone(), column.numeric)).collect(),
            bodies,
            count: table.rows.len(),
            first: context
                .value_of("cursor")
                .filter(|_| table.next.is_some() || !table.rows.is_empty())
                .map(|_| context.here_with("cursor", "")),
            next: next.map(|cursor| context.here_with("cursor", cursor)),
            empty: spans(table.empty.as_deref().unwrap_or("Nothing to show.")),
        }
    }
}

/// A sentence in pieces of (text, is code): what stands between backticks is code.
pub fn spans(text: &str) -> Vec<(String, bool)> {
    let pieces = text.split('`').enumerate().map(|(at, piece)| (piece.to_owned(), at.is_multiple_of(2)));
    pieces.map(|(piece, plain)| (piece, !plain)).filter(|(piece, _)| !piece.is_empty()).collect()
}

fn row_view(context: &PageContext, row: &Row, styles: &[Style]) -> RowView {
    let class = kind_word(row.kind);
    let style = |at: usize| styles.get(at).copied().unwrap_or_default();
    let cells: Vec<CellView> = row.cells.iter().enumerate().map(|(at, cell)| CellView::new(context, cell, style(at))).collect();
    let spans = row.kind == RowKind::Group && cells.iter().skip(1).all(|cell| cell.shown.is_empty());
    RowView { class, cells, spans }
}

/// A headline figure ready for its template.
#[derive(Debug, Clone)]
pub struct FigureView {
    /// Anchor.
    pub id: String,
    /// Label.
    pub label: String,
    /// The value.
    pub cell: CellView,
    /// Unit after the value: the functional currency for values.
    pub unit: String,
    /// State word and tone.
    pub state: Option<(String, &'static str)>,
    /// Formula in words.
    pub formula: Option<String>,
    /// Numerator and denominator.
    pub parts: Option<(CellView, CellView)>,
    /// Small line below.
    pub hint: Option<String>,
    /// A sparkline as SVG.
    pub spark: Option<String>,
}

impl FigureView {
    /// A figure of a page; `charts` may hold its sparkline under the figure's key.
    pub fn new(context: &PageContext, figure: &Figure, charts: &[Chart]) -> Self {
        let spark = charts.iter().find(|c| c.id == figure.key && matches!(c.kind, ChartKind::Spark { .. }));
        let mut cell = CellView::alone(context, &figure.cell);
        let unit = match &figure.cell.content {
            Content::Value(_) => context.currency.clone(),
            _ => std::mem::take(&mut cell.shown.unit),
        };
        Self {
            id: format!("figure-{}", chart::slug(&figure.key)),
            label: figure.label.clone(),
            cell,
            unit: unit.trim().to_owned(),
            state: figure.state.as_ref().map(|(word, tone)| (word.clone(), tone_name(*tone))),
            formula: figure.formula.clone(),
            parts: figure
                .parts
                .as_ref()
                .filter(|(a, b)| !(is_blank(a) || is_blank(b)))
                .map(|(a, b)| (CellView::alone(context, a), CellView::alone(context, b))),
            hint: figure.hint.clone(),
            spark: spark.map(|c| chart::draw(&carried(context, c), Size::Wide)),
        }
    }
}

const fn is_blank(cell: &Cell) -> bool {
    matches!(cell.content, Content::Blank(_))
}

/// A chart ready for its template.
#[derive(Debug, Clone)]
pub struct ChartView {
    /// Anchor.
    pub id: String,
    /// Title.
    pub title: String,
    /// Finding.
    pub finding: String,
    /// Unit, if it is not obvious.
    pub unit: String,
    /// The drawing for a column of a page, as SVG.
    pub wide: String,
    /// The drawing for a phone, as SVG.
    pub narrow: String,
    /// The data.
    pub table: TableView,
}

impl ChartView {
    /// A chart of a page.
    pub fn new(context: &PageContext, chart: &Chart) -> Self {
        let chart = carried(context, chart);
        let unit = match &chart.kind {
            ChartKind::Line { unit, .. }
            | ChartKind::Stacked { unit, .. }
            | ChartKind::Waterfall { unit, .. }
            | ChartKind::Ranked { unit, .. } => unit.clone(),
            ChartKind::Heat { .. } | ChartKind::Spark { .. } => String::new(),
        };
        // These stand beside every number already.
        let unit = if matches!(unit.as_str(), "×" | "%") { String::new() } else { unit };
        Self {
            id: chart::slug(&chart.id),
            title: chart.title.clone(),
            finding: chart.finding.clone(),
            unit,
            wide: chart::draw(&chart, Size::Wide),
            narrow: chart::draw(&chart, Size::Narrow),
            table: TableView { first: None, ..TableView::new(context, &chart::table(&chart)) },
        }
    }
}

/// The chart with the travelling filters on all its links.
fn carried(context: &PageContext, chart: &Chart) -> Chart {
    let mut chart = chart.clone();
    let carry = |link: &mut Option<String>| *link = link.take().map(|href| context.carry(&href)).filter(|href| !href.is_empty());
    match &mut chart.kind {
        ChartKind::Line { series, .. } => series.iter_mut().flat_map(|s| &mut s.points).for_each(|p| carry(&mut p.2)),
        ChartKind::Stacked { categories, .. } => categories.iter_mut().for_each(|c| carry(&mut c.1)),
        ChartKind::Waterfall { steps, .. } => steps.iter_mut().for_each(|s| carry(&mut s.3)),
        ChartKind::Ranked { bars, .. } => bars.iter_mut().for_each(|b| carry(&mut b.3)),
        ChartKind::Heat { rows } => rows.iter_mut().flat_map(|r| &mut r.1).for_each(|c| carry(&mut c.link)),
        ChartKind::Spark { link, .. } => carry(link),
    }
    chart
}
