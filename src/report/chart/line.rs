//! A line over time with policy limits. A gap in the data is a gap in the line.

use super::super::doc::{Series, Tone};
use super::scale::{Axis, Linear, day, day_ticks};
use super::svg::{Anchor, Frame, Svg, text_width};
use super::{Size, label, number, precise, tone_class};
use jiff::civil::Date;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The most pointer targets in a drawing; closer ones could not be hit.
const fn most_targets(size: Size) -> usize {
    match size {
        Size::Wide => 120,
        Size::Narrow => 60,
    }
}

/// The plot inside the drawing: edges and both scales.
struct Plot {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Linear,
    y: Linear,
}

pub(super) fn draw(frame: &Frame<'_>, series: &[Series], bands: &[(String, Decimal, Tone)], unit: &str) -> String {
    let height = if frame.size == Size::Wide { 270.0 } else { 250.0 };
    let mut svg = frame.open(height);
    let Some((first, last)) = span(series) else {
        svg.text("label", (0.0, 20.0), Anchor::Start, "No data in this range");
        return svg.close();
    };
    let values = series.iter().flat_map(|s| s.points.iter().filter_map(|p| p.1)).chain(bands.iter().map(|b| b.1));
    let axis = Axis::over(values.map(number), 5.0);
    let legend = if series.len() > 1 { 24.0 } else { 0.0 };
    let left = axis.ticks.iter().map(|t| text_width(&axis.text(*t))).fold(0.0, f64::max) + 10.0;
    // A currency stands in the title already.
    let short = if matches!(unit, "×" | "%") { unit } else { "" };
    let ends = series.iter().filter_map(|s| s.points.iter().rev().find_map(|p| p.1));
    let end_room = ends.map(|v| text_width(&label(v, short))).fold(0.0, f64::max) + 14.0;
    let (right, top, bottom) = (frame.size.width() - end_room, 12.0 + legend, height - 26.0);
    let plot = Plot {
        left,
        right,
        top,
        bottom,
        x: Linear::new((day(first), day(last)), (left, right)),
        y: Linear::new((axis.low, axis.high), (bottom, top)),
    };
    grid(&mut svg, &plot, &axis, (first, last));
    if series.len() > 1 {
        legend_of(&mut svg, series, left);
    }
    for (at, line) in series.iter().enumerate() {
        one_line(&mut svg, &plot, line, at);
    }
    limits(&mut svg, &plot, bands, series, unit);
    end_labels(&mut svg, &plot, series, short);
    targets(&mut svg, &plot, frame.size, series, unit);
    svg.close()
}

/// The days that are drawn: those with a value and as much of the gaps beside them as shows that they are gaps. A ratio that
/// exists for two weeks of a year would otherwise be a dot at the edge.
fn span(series: &[Series]) -> Option<(Date, Date)> {
    let days = || series.iter().flat_map(|s| s.points.iter());
    let edges = |days: &mut dyn Iterator<Item = Date>| {
        days.fold(None, |found: Option<(Date, Date)>, day| {
            Some(found.map_or((day, day), |(first, last)| (first.min(day), last.max(day))))
        })
    };
    let all = edges(&mut days().map(|p| p.0))?;
    let Some((first, last)) = edges(&mut days().filter(|p| p.1.is_some()).map(|p| p.0)) else { return Some(all) };
    let margin = jiff::Span::new().days(((day(last) - day(first)) / 3.0).max(10.0) as i64);
    let (from, to) = (first.checked_sub(margin).unwrap_or(first), last.checked_add(margin).unwrap_or(last));
    Some((from.max(all.0), to.min(all.1)))
}

fn grid(svg: &mut Svg, plot: &Plot, axis: &Axis, (first, last): (Date, Date)) {
    for tick in &axis.ticks {
        let y = plot.y.at(*tick);
        let class = if *tick == 0.0 { "axis" } else { "grid" };
        svg.line(class, (plot.left, y), (plot.right, y));
        svg.text("label", (plot.left - 8.0, y + 4.0), Anchor::End, &axis.text(*tick));
    }
    let most = ((plot.right - plot.left) / 66.0) as usize;
    for (date, text) in day_ticks(first, last, most) {
        let x = plot.x.at(day(date));
        svg.line("axis", (x, plot.bottom), (x, plot.bottom + 4.0));
        let half = text_width(&text) / 2.0;
        let x = x.clamp(half, plot.right.max(half + 1.0));
        svg.text("label", (x, plot.bottom + 18.0), Anchor::Middle, &text);
    }
}

fn legend_of(svg: &mut Svg, series: &[Series], left: f64) {
    let mut x = left;
    for (at, line) in series.iter().enumerate() {
        svg.line(&format!("line s{} d{}", at % 6, at % 6), (x, 8.0), (x + 22.0, 8.0));
        svg.text("label", (x + 28.0, 12.0), Anchor::Start, &line.name);
        x += 44.0 + text_width(&line.name);
    }
}

/// Policy limits: a dashed line with its words on it; what lies below a breached limit is tinted.
fn limits(svg: &mut Svg, plot: &Plot, bands: &[(String, Decimal, Tone)], series: &[Series], unit: &str) {
    let points = || series.iter().flat_map(|s| &s.points).filter_map(|p| Some((plot.x.at(day(p.0)), plot.y.at(number(p.1?)))));
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for (text, level, tone) in bands {
        let y = plot.y.at(number(*level));
        if *tone == Tone::Bad {
            svg.rect("tint tone-bad", (plot.left, y), (plot.right - plot.left, plot.bottom - y));
        }
        svg.line(&format!("limit {}", tone_class(*tone)), (plot.left, y), (plot.right, y));
        let words = format!("{text} {}", label(*level, unit));
        let width = text_width(&words) + 6.0;
        // Above or below its line, at the left or the right: the first place that hides neither a line nor other words.
        let (near, far) = (plot.left + 6.0, plot.right - width);
        let places = [(near, y - 5.0), (far, y - 5.0), (near, y + 14.0), (far, y + 14.0)];
        let hides = |(x, base): (f64, f64)| {
            let over = |px: f64, py: f64| px > x - 4.0 && px < x + width && py > base - 13.0 && py < base + 5.0;
            let lines = points().filter(|(px, py)| over(*px, *py)).count();
            let words = taken.iter().filter(|(tx, ty)| (tx - x).abs() < width && (ty - base).abs() < 15.0).count();
            let levels = bands.iter().map(|b| plot.y.at(number(b.1))).filter(|at| *at > base - 11.0 && *at < base + 3.0).count();
            let outside = usize::from(base < plot.top - 2.0 || base > plot.bottom - 2.0);
            lines + 20 * levels + 1000 * (words + outside)
        };
        let (x, base) = places.into_iter().min_by_key(|place| hides(*place)).unwrap_or((near, y - 5.0));
        taken.push((x, base));
        svg.text(&format!("limit-label halo {}", tone_class(*tone)), (x, base), Anchor::Start, &words);
    }
}

fn one_line(svg: &mut Svg, plot: &Plot, line: &Series, at: usize) {
    let class = format!("line s{} d{}", at % 6, at % 6);
    for run in line.points.split(|p| p.1.is_none()) {
        let points: Vec<_> = run.iter().filter_map(|p| Some((plot.x.at(day(p.0)), plot.y.at(number(p.1?))))).collect();
        match points.as_slice() {
            [] => {}
            // One day between two gaps has no line, so it gets a dot.
            [only] => svg.circle(&format!("dot s{}", at % 6), *only, 2.5),
            many => svg.polyline(&class, many),
        }
    }
}

fn end_labels(svg: &mut Svg, plot: &Plot, series: &[Series], unit: &str) {
    let mut ends: Vec<_> = series
        .iter()
        .enumerate()
        .filter_map(|(at, s)| s.points.iter().rev().find_map(|p| Some((at, p.0, p.1?))))
        .map(|(at, date, value)| (at, plot.x.at(day(date)), plot.y.at(number(value)), value))
        .collect();
    ends.sort_by(|a, b| a.2.total_cmp(&b.2));
    let mut lowest = f64::NEG_INFINITY;
    for (at, x, y, value) in ends {
        svg.circle(&format!("dot s{}", at % 6), (x, y), 4.0);
        let text_y = (y + 4.0).max(lowest + 14.0);
        lowest = text_y;
        svg.text("value halo", (x + 9.0, text_y), Anchor::Start, &label(value, unit));
    }
}

/// One upright target a day (or a few days where days are narrower than a pointer), with a dot on each line.
fn targets(svg: &mut Svg, plot: &Plot, size: Size, series: &[Series], unit: &str) {
    type Point<'a> = (usize, &'a str, Decimal, Option<&'a str>);
    let mut by_day: BTreeMap<Date, Vec<Point<'_>>> = BTreeMap::new();
    for (at, line) in series.iter().enumerate() {
        for (date, value, link) in &line.points {
            if let Some(value) = value {
                by_day.entry(*date).or_default().push((at, line.name.as_str(), *value, link.as_deref()));
            }
        }
    }
    let every = by_day.len().div_ceil(most_targets(size)).max(1);
    let last = by_day.len().saturating_sub(1);
    let shown: Vec<_> = by_day.iter().enumerate().filter(|(n, _)| n % every == 0 || *n == last).map(|(_, d)| d).collect();
    let xs: Vec<f64> = shown.iter().map(|(date, _)| plot.x.at(day(**date))).collect();
    for (n, (date, points)) in shown.iter().enumerate() {
        let Some(x) = xs.get(n).copied() else { continue };
        let before = n.checked_sub(1).and_then(|p| xs.get(p)).map_or(plot.left, |p| f64::midpoint(*p, x));
        let after = xs.get(n + 1).map_or(plot.right, |p| f64::midpoint(*p, x)).max(before + 1.0);
        // A target reaches halfway to its neighbours, but not far into a gap.
        let (from, to) = (before.max(x - 24.0), after.min(x + 24.0));
        let words: Vec<_> = points.iter().map(|(_, name, value, _)| format!("{name} {}", precise(*value, unit))).collect();
        let link = points.iter().find_map(|p| p.3);
        svg.mark(link, &format!("{date}: {}", words.join(", ")), |svg| {
            svg.rect("hit", (from, plot.top), (to - from, plot.bottom - plot.top));
            svg.line("cross", (x, plot.top), (x, plot.bottom));
            for (at, _, value, _) in points.iter() {
                svg.circle(&format!("dot s{}", at % 6), (x, plot.y.at(number(*value))), 3.5);
            }
        });
    }
}
