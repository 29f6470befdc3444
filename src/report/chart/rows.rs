//! Charts that read like a statement: one row a bar, the words at the left, the amount at the right.

use super::super::doc::Tone;
use super::scale::Linear;
use super::svg::{Anchor, Frame, Svg, fit, text_width};
use super::{Size, label, number, precise, tone_class};
use rust_decimal::Decimal;

/// Where the parts of a row are.
struct Grid {
    label_width: f64,
    bar_from: f64,
    bar_to: f64,
    row: f64,
    bar_top: f64,
    bar: f64,
}

impl Grid {
    /// On a phone the words stand above the bar, otherwise beside it.
    fn new(size: Size, count: usize, labels: impl Iterator<Item = f64>, values: impl Iterator<Item = f64>) -> Self {
        let value_width = values.fold(0.0, f64::max) + 10.0;
        match size {
            Size::Wide => {
                let label_width = labels.fold(0.0, f64::max).clamp(60.0, 260.0);
                let to = size.width() - value_width;
                // Few rows take the height that a chart beside them has.
                let row = (240.0 / count.max(1) as f64).clamp(28.0, 44.0);
                Self { label_width, bar_from: label_width + 12.0, bar_to: to, row, bar_top: row * 0.2, bar: row * 0.6 }
            }
            Size::Narrow => Self {
                label_width: size.width() - value_width - 8.0,
                bar_from: 0.0,
                bar_to: size.width(),
                row: 42.0,
                bar_top: 20.0,
                bar: 14.0,
            },
        }
    }

    /// The line that bars stand on; on a phone it leaves out the words above the bars.
    fn axis(&self, svg: &mut Svg, size: Size, x: f64, head: f64, count: usize) {
        match size {
            Size::Wide => svg.line("axis", (x, head), (x, head + self.row * count as f64)),
            Size::Narrow => {
                for n in 0..count {
                    let top = head + self.row * n as f64 + self.bar_top;
                    svg.line("axis", (x, top - 2.0), (x, top + self.bar + 2.0));
                }
            }
        }
    }

    fn words(&self, svg: &mut Svg, size: Size, top: f64, text: &str, value: &str, strong: bool) {
        let y = top + if size == Size::Wide { self.row / 2.0 + 4.0 } else { 13.0 };
        let class = if strong { "value halo" } else { "words halo" };
        svg.text(class, (0.0, y), Anchor::Start, &fit(text, self.label_width));
        svg.text(if strong { "value halo" } else { "words halo" }, (size.width(), y), Anchor::End, value);
    }
}

pub(super) fn waterfall(frame: &Frame<'_>, steps: &[(String, Decimal, bool, Option<String>)], unit: &str) -> String {
    let change = |value: Decimal| if value.is_sign_positive() && !value.is_zero() { "+" } else { "" };
    let amount = |value: Decimal, total: bool| format!("{}{}", if total { "" } else { change(value) }, label(value, ""));
    let values = steps.iter().map(|s| text_width(&amount(s.1, s.2)) * 1.12);
    let grid = Grid::new(frame.size, steps.len(), steps.iter().map(|s| text_width(&s.0) * 1.12), values);
    // (from, to) of each bar: totals stand on zero, changes on where the one before ended.
    let mut at = 0.0;
    let spans: Vec<(f64, f64)> = steps
        .iter()
        .map(|(_, value, total, _)| {
            let from = if *total { 0.0 } else { at };
            at = from + number(*value);
            (from, at)
        })
        .collect();
    let low = spans.iter().flat_map(|s| [s.0, s.1]).fold(0.0, f64::min);
    let high = spans.iter().flat_map(|s| [s.0, s.1]).fold(0.0, f64::max);
    let x = Linear::new((low, if high > low { high } else { low + 1.0 }), (grid.bar_from, grid.bar_to));
    let mut svg = frame.open(grid.row * steps.len() as f64 + 4.0);
    let hatch = frame.id("h0");
    svg.hatch(&hatch, 45);
    grid.axis(&mut svg, frame.size, x.at(0.0), 0.0, steps.len());
    for (n, ((text, value, total, link), (from, to))) in steps.iter().zip(&spans).enumerate() {
        let top = grid.row * n as f64;
        let (a, b) = (x.at(from.min(*to)), x.at(from.max(*to)));
        let (place, extent) = ((a, top + grid.bar_top), ((b - a).max(1.0), grid.bar));
        svg.mark(
            link.as_deref(),
            &format!("{text}: {}{}", if *total { "" } else { change(*value) }, precise(*value, unit)),
            |svg| {
                svg.rect("hit", (0.0, top), (frame.size.width(), grid.row));
                grid.words(svg, frame.size, top, text, &amount(*value, *total), *total);
                let class = if *total {
                    "total"
                } else if value.is_sign_negative() {
                    "down"
                } else {
                    "up"
                };
                svg.rect(&format!("bar {class}"), place, extent);
                if class == "down" {
                    svg.hatched(&hatch, place, extent);
                }
            },
        );
        if frame.size == Size::Wide && n + 1 < steps.len() {
            svg.line("joint", (x.at(*to), top + grid.bar_top + grid.bar), (x.at(*to), top + grid.row + grid.bar_top));
        }
    }
    svg.close()
}

pub(super) fn ranked(
    frame: &Frame<'_>,
    bars: &[(String, Decimal, Tone, Option<String>)],
    marker: Option<&(String, Decimal)>,
    unit: &str,
) -> String {
    let short_unit = if matches!(unit, "×" | "%") { unit } else { "" };
    let values = bars.iter().map(|b| text_width(&label(b.1, short_unit)) * 1.12);
    let grid = Grid::new(frame.size, bars.len(), bars.iter().map(|b| text_width(&b.0)), values);
    let levels = || bars.iter().map(|b| number(b.1)).chain(marker.map(|m| number(m.1)));
    let (low, high) = (levels().fold(0.0, f64::min), levels().fold(0.0, f64::max));
    let x = Linear::new((low, if high > low { high } else { low + 1.0 }), (grid.bar_from, grid.bar_to - 2.0));
    let head = if marker.is_some() { 20.0 } else { 0.0 };
    let height = head + grid.row * bars.len() as f64 + 4.0;
    let mut svg = frame.open(height);
    grid.axis(&mut svg, frame.size, x.at(0.0), head, bars.len());
    for (n, (text, value, tone, link)) in bars.iter().enumerate() {
        let top = head + grid.row * n as f64;
        let (a, b) = (x.at(number(*value).min(0.0)), x.at(number(*value).max(0.0)));
        svg.mark(link.as_deref(), &format!("{text}: {}", precise(*value, unit)), |svg| {
            svg.rect("hit", (0.0, top), (frame.size.width(), grid.row));
            grid.words(svg, frame.size, top, text, &label(*value, short_unit), false);
            svg.rect(&format!("bar {}", tone_class(*tone)), (a, top + grid.bar_top), ((b - a).max(1.0), grid.bar));
        });
    }
    if let Some((text, level)) = marker {
        let at = x.at(number(*level));
        match frame.size {
            Size::Wide => svg.line("marker", (at, 16.0), (at, height)),
            // The amounts stand above the bars here; the line must not run through them.
            Size::Narrow => {
                for n in 0..bars.len() {
                    let top = head + grid.row * n as f64 + grid.bar_top;
                    svg.line("marker", (at, top - 3.0), (at, top + grid.bar + 3.0));
                }
            }
        }
        let words = format!("{text} {}", label(*level, short_unit));
        let half = text_width(&words) / 2.0;
        let middle = at.clamp(half, (frame.size.width() - half).max(half));
        svg.text("limit-label", (middle, 11.0), Anchor::Middle, &words);
    }
    svg.close()
}
