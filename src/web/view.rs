//! From a [`Doc`] to HTML. Pure: a handler brings the [`PageContext`], this module brings the words and the marks.
//!
//! A page with its own template embeds a [`Layout`] as its field `layout`, extends `layout.html` and may use the macros in
//! `templates/macros/` with the views made here ([`TableView`], [`FigureView`], [`ChartView`]).

mod context;
mod extras;
mod parts;

pub use context::{Choice, Field, FieldKind, Notice, PageContext, Section, User};
pub use extras::{Deed, DeedField, Extras, LifeStep, Reached, TextBlock, Upload};
pub use parts::{CellView, ChartView, FigureView, RowView, TableView, spans};

use super::assets;
use crate::report::doc::{Basis, ChartKind, Doc, Tone};
use crate::report::render::display;
use askama::Template;

/// A link of the main navigation.
#[derive(Debug, Clone)]
pub struct NavItem {
    /// Words.
    pub label: &'static str,
    /// The key that leads there after `g`.
    pub key: char,
    /// Address, with the filters that travel between pages.
    pub href: String,
    /// True on the page it leads to.
    pub current: bool,
}

/// What every page has around its content.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Title of the page.
    pub title: String,
    /// Name of the book.
    pub book: String,
    /// Address of the dashboard with the filters that travel.
    pub home: String,
    /// Main navigation.
    pub nav: Vec<NavItem>,
    /// A warning above everything, for example that there is no login yet.
    pub banner: Option<String>,
    /// Who is logged in.
    pub user: Option<User>,
    /// Messages about what was just done.
    pub notices: Vec<Notice>,
    /// As-of, known-at, prices and filters in words, as (label, value).
    pub basis: Vec<(String, String)>,
    /// Version of the program.
    pub version: &'static str,
    /// True for a page that is a file of its own: style written into it, nothing else around it.
    pub is_file: bool,
    /// Path of the style, or the style itself for a file.
    pub style: &'static str,
    /// Path of the script.
    pub script: &'static str,
    /// Path of the icon.
    pub icon: &'static str,
}

impl Layout {
    /// The frame of a page with this title whose figures rest on `basis`.
    pub fn new(context: &PageContext, title: &str, basis: &Basis) -> Self {
        let item = |section: &Section| NavItem {
            label: section.label(),
            key: section.key(),
            href: context.carry(&section.path()),
            current: *section == context.section,
        };
        Self {
            title: title.to_owned(),
            book: context.book.clone(),
            home: context.carry("/"),
            nav: if context.is_file || context.is_outside { Vec::new() } else { Section::ALL.iter().map(item).collect() },
            banner: context.banner.clone(),
            user: context.user.clone(),
            notices: context.notices.clone(),
            basis: basis_lines(basis),
            version: env!("CARGO_PKG_VERSION"),
            is_file: context.is_file,
            style: if context.is_file { assets::style() } else { assets::href("style.css") },
            script: assets::href("app.js"),
            icon: assets::href("favicon.svg"),
        }
    }
}

/// What figures rest on, in words; nothing for pages without figures.
fn basis_lines(basis: &Basis) -> Vec<(String, String)> {
    let rests = basis.as_of.is_some() || basis.known_at.is_some() || basis.prices.is_some() || !basis.filters.is_empty();
    if rests { display::basis(basis) } else { Vec::new() }
}

/// The page of a [`Doc`].
#[derive(Template)]
#[template(path = "doc.html")]
struct DocPage<'a> {
    layout: Layout,
    extras: &'a Extras,
    crumbs: Vec<(String, String)>,
    facts: Vec<(String, CellView)>,
    finding: Vec<(String, bool)>,
    notes: Vec<Vec<(String, bool)>>,
    fields: &'a [Field],
    kept: Vec<(String, String)>,
    /// Whether the fields of a comparison are unfolded, where there are some.
    compared: Option<bool>,
    action: &'a str,
    exports: Vec<(&'static str, String)>,
    figures: Vec<FigureView>,
    charts: Vec<ChartView>,
    tables: Vec<TableView>,
}

/// The page of a report: everything in it, with export links and the filter form of the context.
pub fn render_doc(context: &PageContext, doc: &Doc) -> Result<String, askama::Error> {
    render_page(context, doc, &Extras::default())
}

/// The page of a report with what only a page has: the way to it, a life, facts, texts to copy.
pub fn render_page(context: &PageContext, doc: &Doc, extras: &Extras) -> Result<String, askama::Error> {
    // A sparkline named like a figure stands in that figure's card.
    let in_card = |id: &str| doc.figures.iter().any(|figure| figure.key == id);
    let own_place = |chart: &&crate::report::doc::Chart| !(matches!(chart.kind, ChartKind::Spark { .. }) && in_card(&chart.id));
    DocPage {
        layout: Layout::new(context, &doc.title, &doc.basis),
        extras,
        crumbs: extras.crumbs.iter().map(|(label, href)| (label.clone(), context.carry(href))).collect(),
        facts: extras.facts.iter().map(|(label, cell)| (label.clone(), CellView::alone(context, cell))).collect(),
        finding: doc.finding.as_deref().map(spans).unwrap_or_default(),
        notes: doc.notes.iter().map(|note| spans(note)).collect(),
        fields: &context.fields,
        kept: context.kept_in_form(),
        compared: context.compared(),
        action: &context.path,
        exports: context.exports(),
        figures: doc.figures.iter().map(|figure| FigureView::new(context, figure, &doc.charts)).collect(),
        charts: doc.charts.iter().filter(own_place).map(|chart| ChartView::new(context, chart)).collect(),
        tables: doc.tables.iter().map(|table| TableView::new(context, table)).collect(),
    }
    .render()
}

/// A page that says that something did not work.
#[derive(Debug, Clone)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// What happened, as a title.
    pub title: String,
    /// What was not done, in one sentence.
    pub not_done: String,
    /// Problems as (where, what is wrong with the mend).
    pub problems: Vec<(String, String)>,
    /// The request's id, to be quoted when asking for help.
    pub request_id: String,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    layout: Layout,
    failure: &'a Failure,
}

/// The page of a failure.
pub fn render_failure(context: &PageContext, failure: &Failure) -> Result<String, askama::Error> {
    FailurePage { layout: Layout::new(context, &failure.title, &Basis::default()), failure }.render()
}

/// The CSS class of a tone; `layout.html` has a shape for each, so that a state is never told by colour alone.
pub const fn tone_name(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "neutral",
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    }
}

#[cfg(test)]
#[allow(clippy::float_arithmetic, clippy::arithmetic_side_effects, reason = "made-up figures of a gallery")]
mod tests;
