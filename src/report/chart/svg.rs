//! A small writer of SVG that escapes everything it is given.

use super::super::{doc::Chart, link};
use super::Size;
use std::fmt::Write;

/// Where a text hangs on its position.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The chart and the room it is drawn for.
pub(super) struct Frame<'a> {
    pub(super) chart: &'a Chart,
    pub(super) size: Size,
}

impl Frame<'_> {
    /// Starts a drawing of the given height with the chart's title and finding.
    pub(super) fn open(&self, height: f64) -> Svg {
        let mut svg = Svg::start(self, self.size.width(), height, self.size.class());
        svg.header(&self.chart.title, &self.chart.finding);
        svg
    }

    /// An id that is unique for this chart and size.
    pub(super) fn id(&self, part: &str) -> String {
        format!("{}-{}-{part}", slug(&self.chart.id), self.size.class())
    }
}

/// A drawing under way.
pub(super) struct Svg {
    out: String,
    id: String,
}

impl Svg {
    pub(super) fn start(frame: &Frame<'_>, width: f64, height: f64, class: &str) -> Self {
        let id = frame.id("chart");
        let mut svg = Self { out: String::with_capacity(8192), id };
        svg.push(format_args!(
            r#"<svg class="{class}" viewBox="0 0 {} {}" role="group" aria-labelledby="{id}-t" aria-describedby="{id}-d" focusable="false">"#,
            Num(width),
            Num(height),
            id = svg.id.clone(),
        ));
        svg
    }

    pub(super) fn header(&mut self, title: &str, desc: &str) {
        let (id, title, desc) = (self.id.clone(), escape(title), escape(desc));
        self.push(format_args!(r#"<title id="{id}-t">{title}</title><desc id="{id}-d">{desc}</desc>"#));
    }

    fn push(&mut self, args: std::fmt::Arguments<'_>) {
        // Writing into a String cannot fail.
        let _ = self.out.write_fmt(args);
    }

    /// A hatch that tells marks apart without colour; refer to it by `url(#id)` in [`Self::hatched`].
    pub(super) fn hatch(&mut self, id: &str, angle: i32) {
        self.push(format_args!(
            r#"<defs><pattern id="{id}" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate({angle})"><path class="hatch" d="M0 0V5"/></pattern></defs>"#
        ));
    }

    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), (w, h): (f64, f64)) {
        self.push(format_args!(
            r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}"/>"#,
            Num(x),
            Num(y),
            Num(w.max(0.0)),
            Num(h.max(0.0))
        ));
    }

    /// A rectangle filled with a hatch, to be laid over a coloured one.
    pub(super) fn hatched(&mut self, hatch: &str, (x, y): (f64, f64), (w, h): (f64, f64)) {
        self.push(format_args!(
            r#"<rect fill="url(#{hatch})" x="{}" y="{}" width="{}" height="{}"/>"#,
            Num(x),
            Num(y),
            Num(w.max(0.0)),
            Num(h.max(0.0))
        ));
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.push(format_args!(r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#, Num(x1), Num(y1), Num(x2), Num(y2)));
    }

    pub(super) fn path(&mut self, class: &str, d: &str) {
        self.push(format_args!(r#"<path class="{class}" d="{d}"/>"#));
    }

    /// A path through points, in one stroke.
    pub(super) fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut d = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let _ = write!(d, "{}{} {}", if at == 0 { 'M' } else { 'L' }, Num(*x), Num(*y));
        }
        self.path(class, &d);
    }

    pub(super) fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        self.push(format_args!(r#"<circle class="{class}" cx="{}" cy="{}" r="{}"/>"#, Num(x), Num(y), Num(radius)));
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let text = escape(text);
        self.push(format_args!(r#"<text class="{class}" x="{}" y="{}"{anchor}>{text}</text>"#, Num(x), Num(y)));
    }

    /// A mark: what is drawn inside is one target with a tooltip, and a link where there is one.
    pub(super) fn mark(&mut self, link: Option<&str>, title: &str, inside: impl FnOnce(&mut Self)) {
        let href = link.filter(|href| link::is_safe(href)).map(escape);
        match &href {
            Some(href) => self.push(format_args!(r#"<a class="mark" href="{href}" tabindex="-1">"#)),
            None => self.push(format_args!(r#"<g class="mark">"#)),
        }
        self.push(format_args!("<title>{}</title>", escape(title)));
        inside(self);
        self.push(format_args!("{}", if href.is_some() { "</a>" } else { "</g>" }));
    }

    pub(super) fn close(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }
}

/// A coordinate: one decimal is finer than any screen.
struct Num(f64);

impl std::fmt::Display for Num {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = if self.0.is_finite() { (self.0 * 10.0).round() as i64 } else { 0 };
        let sign = if tenths < 0 { "-" } else { "" };
        let (whole, tenth) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
        if tenth == 0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{tenth}") }
    }
}

/// Text made safe for HTML and SVG, in content and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML has no way to say other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A text as an id: letters, digits and hyphens.
pub fn slug(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// About how wide a text is at the drawing's font size (12 units).
pub(super) fn text_width(text: &str) -> f64 {
    let unit = |c: char| match c {
        'i' | 'l' | 'j' | 't' | 'f' | 'r' | '.' | ',' | ':' | ' ' | '|' | '\'' | '\u{202f}' | '(' | ')' | '-' => 3.9,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 11.4,
        c if c.is_uppercase() => 8.4,
        _ => 7.2,
    };
    text.chars().map(unit).sum()
}

/// The text cut to a width, with an ellipsis where something is missing.
pub(super) fn fit(text: &str, width: f64) -> String {
    if text_width(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if text_width(&out) > width - 9.0 {
            out.pop();
            break;
        }
    }
    format!("{}…", out.trim_end())
}
