//! Charts as plain SVG: no script, no inline style, so they obey a strict content policy, print, and follow the theme.
//!
//! - Colours are CSS classes (`s0`…`s5` for series, `tone-good` and so on); what a colour says, a word, shape or hatch says too.
//! - Every mark with a link is an `<a>` with a `<title>`. A drawing is a named group of links; its marks are out of the tab order,
//!   so that a year of days is not a year of stops: the page's script walks them by arrow keys, and the data table ([`data`])
//!   carries the same links without any script.
//! - Text does not shrink with the drawing: each chart is drawn for two widths ([`Size`]) and the page shows the one that fits.
//!
//! This is the only module that may use floats: positions on paper are not money.
#![expect(
    clippy::float_arithmetic,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "positions and counts of marks on paper; no amount is computed here, and sums of amounts are checked"
)]

mod data;
mod heat;
mod line;
mod rows;
mod scale;
mod spark;
mod stacked;
mod svg;

use super::doc::{Chart, ChartKind, Content, Tone};
use super::format::{self, Style};
use rust_decimal::{Decimal, prelude::ToPrimitive};

pub use data::table;
pub use svg::{escape, slug};

/// The room that a chart is drawn for. One unit of the drawing is about one CSS pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A column of a page, from about 480 pixels.
    Wide,
    /// A phone.
    Narrow,
}

impl Size {
    /// Width of the drawing.
    const fn width(self) -> f64 {
        match self {
            Self::Wide => 640.0,
            Self::Narrow => 350.0,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

/// Draws a chart. The title and the finding are inside as `<title>` and `<desc>`.
pub fn draw(chart: &Chart, size: Size) -> String {
    let frame = svg::Frame { chart, size };
    match &chart.kind {
        ChartKind::Line { series, bands, unit } => line::draw(&frame, series, bands, unit),
        ChartKind::Stacked { categories, parts, unit } => stacked::draw(&frame, categories, parts, unit),
        ChartKind::Waterfall { steps, unit } => rows::waterfall(&frame, steps, unit),
        ChartKind::Ranked { bars, marker, unit } => rows::ranked(&frame, bars, marker.as_ref(), unit),
        ChartKind::Heat { rows } => heat::draw(&frame, rows),
        ChartKind::Spark { values, link } => spark::draw(&frame, values, link.as_deref()),
    }
}

/// The CSS class of a tone.
pub const fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "tone-neutral",
        Tone::Good => "tone-good",
        Tone::Warn => "tone-warn",
        Tone::Bad => "tone-bad",
    }
}

/// A number as a position; what does not fit a float has no place on paper and is drawn at zero.
fn number(value: Decimal) -> f64 {
    value.to_f64().filter(|v| v.is_finite()).unwrap_or(0.0)
}

/// A value with its unit for a label: `1.61×`, `512.3 M USD`.
fn label(value: Decimal, unit: &str) -> String {
    match unit {
        "×" => format::show(&Content::Ratio(value), Style::alone(&Content::Ratio(value))).plain(),
        _ => with_unit(&format::compact(value), unit),
    }
}

/// A value with its unit for a tooltip: all groups, up to 4 decimals.
fn precise(value: Decimal, unit: &str) -> String {
    with_unit(&format::decimal(value, 4), unit)
}

fn with_unit(number: &str, unit: &str) -> String {
    match unit {
        "" => number.to_owned(),
        "×" | "%" => format!("{number}{unit}"),
        _ => format!("{number} {unit}"),
    }
}

#[cfg(test)]
mod tests;
