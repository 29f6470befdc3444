//! A bare line for use beside a figure.

use super::number;
use super::scale::Linear;
use super::svg::{Frame, Svg};
use rust_decimal::Decimal;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 28.0;

pub(super) fn draw(frame: &Frame<'_>, values: &[Decimal], link: Option<&str>) -> String {
    let mut svg = Svg::start(frame, WIDTH, HEIGHT, "spark");
    svg.header(&frame.chart.title, &frame.chart.finding);
    let values: Vec<f64> = values.iter().copied().map(number).collect();
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let x = Linear::new((0.0, values.len().saturating_sub(1) as f64), (2.0, WIDTH - 4.0));
    let y = Linear::new((low, high), (HEIGHT - 4.0, 4.0));
    let points: Vec<_> = values.iter().enumerate().map(|(n, v)| (x.at(n as f64), y.at(*v))).collect();
    if let Some(last) = points.last().copied() {
        svg.mark(link, &frame.chart.finding, |svg| {
            svg.rect("hit", (0.0, 0.0), (WIDTH, HEIGHT));
            svg.polyline("line s0", &points);
            svg.circle("dot s0 on", last, 3.5);
        });
    }
    svg.close()
}
