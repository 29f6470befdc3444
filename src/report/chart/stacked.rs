//! Stacked bars over categories. Parts differ in colour and in hatch, and are named in the order they stack.

use super::scale::{Axis, Linear};
use super::svg::{Anchor, Frame, Svg, fit, text_width};
use super::{Size, label, number, precise};
use rust_decimal::Decimal;

pub(super) fn draw(
    frame: &Frame<'_>,
    categories: &[(String, Option<String>)],
    parts: &[(String, Vec<Decimal>)],
    unit: &str,
) -> String {
    let (legend, legend_height) = place_legend(parts, frame.size);
    let height = legend_height + if frame.size == Size::Wide { 250.0 } else { 230.0 };
    let mut svg = frame.open(height);
    if categories.is_empty() || parts.is_empty() {
        svg.text("label", (0.0, 20.0), Anchor::Start, "No data in this range");
        return svg.close();
    }
    let hatches = [frame.id("h0"), frame.id("h1")];
    svg.hatch(&hatches[0], 45);
    svg.hatch(&hatches[1], -45);
    for (at, (name, x, y)) in legend.iter().enumerate() {
        part_rect(&mut svg, &hatches, at, (*x, *y - 9.0), (11.0, 11.0));
        svg.text("label", (*x + 17.0, *y), Anchor::Start, name);
    }
    let value_at = |part: &Vec<Decimal>, n: usize| part.get(n).copied().unwrap_or_default();
    let side = |n: usize, up: bool| parts.iter().map(|(_, p)| number(value_at(p, n))).filter(|v| (*v >= 0.0) == up).sum::<f64>();
    let sums = (0..categories.len()).flat_map(|n| [side(n, true), side(n, false), 0.0]);
    let axis = Axis::over(sums, 4.0);
    let left = axis.ticks.iter().map(|t| text_width(&axis.text(*t))).fold(0.0, f64::max) + 10.0;
    let (right, top, bottom) = (frame.size.width() - 4.0, legend_height + 18.0, height - 24.0);
    let y = Linear::new((axis.low, axis.high), (bottom, top));
    for tick in &axis.ticks {
        let at = y.at(*tick);
        svg.line(if *tick == 0.0 { "axis" } else { "grid" }, (left, at), (right, at));
        svg.text("label", (left - 8.0, at + 4.0), Anchor::End, &axis.text(*tick));
    }
    let slot = (right - left) / categories.len() as f64;
    let width = (slot * 0.68).min(56.0);
    let every = (categories.iter().map(|c| text_width(&c.0)).fold(0.0, f64::max).min(90.0) + 10.0) / slot;
    let every = (every.ceil() as usize).max(1);
    for (n, (name, link)) in categories.iter().enumerate() {
        let middle = left + slot * (n as f64 + 0.5);
        let (mut up, mut down) = (0.0, 0.0);
        for (at, (part, values)) in parts.iter().enumerate() {
            let value = value_at(values, n);
            if value.is_zero() {
                continue;
            }
            let base = if value.is_sign_negative() { &mut down } else { &mut up };
            let (from, to) = (y.at(*base), y.at(*base + number(value)));
            *base += number(value);
            svg.mark(link.as_deref(), &format!("{name}, {part}: {}", precise(value, unit)), |svg| {
                part_rect(svg, &hatches, at, (middle - width / 2.0, from.min(to)), (width, (from - to).abs()));
            });
        }
        let total = super::data::sum(parts.iter().map(|(_, p)| value_at(p, n)));
        let words = label(total, "");
        if text_width(&words) <= slot && !total.is_zero() {
            svg.text("value", (middle, y.at(up) - 5.0), Anchor::Middle, &words);
        }
        if (categories.len() - 1 - n).is_multiple_of(every) {
            svg.text("label", (middle, bottom + 17.0), Anchor::Middle, &fit(name, slot * every as f64));
        }
    }
    svg.close()
}

fn part_rect(svg: &mut Svg, hatches: &[String; 2], at: usize, place: (f64, f64), size: (f64, f64)) {
    svg.rect(&format!("bar s{}", at % 6), place, size);
    match at % 3 {
        1 => svg.hatched(&hatches[0], place, size),
        2 => svg.hatched(&hatches[1], place, size),
        _ => {}
    }
}

/// Places the names of the parts in rows; gives (name, x, y) and the height they take.
fn place_legend(parts: &[(String, Vec<Decimal>)], size: Size) -> (Vec<(String, f64, f64)>, f64) {
    let (mut x, mut y) = (0.0, 12.0);
    let mut places = Vec::new();
    for (name, _) in parts {
        let name = fit(name, size.width() - 40.0);
        let width = text_width(&name) + 36.0;
        if x > 0.0 && x + width > size.width() {
            (x, y) = (0.0, y + 20.0);
        }
        places.push((name, x, y));
        x += width;
    }
    (places, y + 8.0)
}
