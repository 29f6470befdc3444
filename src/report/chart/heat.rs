//! A calendar of days: one strip a row. State is a tone and a shape: a bar through what needs attention, a cross through what
//! is breached.

use super::super::doc::{HeatCell, Tone};
use super::scale::day;
use super::svg::{Anchor, Frame, Svg, text_width};
use super::{Size, number, tone_class};
use std::collections::BTreeMap;

/// Up to this many days a strip is one line; longer ones are calendars with a column a week.
const LINE_DAYS: usize = 31;

pub(super) fn draw(frame: &Frame<'_>, rows: &[(String, Vec<HeatCell>)]) -> String {
    let span = rows.iter().flat_map(|r| r.1.iter().map(|c| day(c.day)));
    let (first, last) = span.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), d| (l.min(d), h.max(d)));
    if !first.is_finite() {
        let mut svg = frame.open(30.0);
        svg.text("label", (0.0, 20.0), Anchor::Start, "No days in this range");
        return svg.close();
    }
    let (legend, legend_height) = legend_of(rows, frame.size);
    let strip = Strip::new(frame.size, first, last);
    let height = legend_height + (strip.head + strip.height) * rows.len() as f64 + 6.0;
    let mut svg = frame.open(height);
    for (state, tone, x, y) in &legend {
        cell(&mut svg, *tone, "w4", (*x, *y - 10.0), 12.0);
        svg.text("label", (*x + 18.0, *y), Anchor::Start, state);
    }
    for (n, (name, cells)) in rows.iter().enumerate() {
        let top = legend_height + (strip.head + strip.height) * n as f64;
        svg.text("words", (0.0, top + 14.0), Anchor::Start, name);
        strip.months(&mut svg, cells, top + strip.head - 4.0);
        for heat in cells {
            let (x, y) = strip.place(day(heat.day));
            svg.mark(heat.link.as_deref(), &format!("{name}, {}: {}", heat.day, heat.state), |svg| {
                cell(svg, heat.tone, weight_class(heat), (x, top + strip.head + y), strip.side);
            });
        }
    }
    svg.close()
}

/// How days are laid out.
struct Strip {
    first: f64,
    width: f64,
    /// Days in one line; 0 for calendars of weeks.
    line: usize,
    /// Weeks in one line of a calendar.
    weeks: usize,
    side: f64,
    pitch: f64,
    head: f64,
    height: f64,
}

impl Strip {
    fn new(size: Size, first: f64, last: f64) -> Self {
        let days = (last - first) as usize + 1;
        if days <= LINE_DAYS {
            let line = if size == Size::Wide { days.max(20) } else { days.clamp(8, 16) };
            let pitch = (size.width() / line as f64).min(30.0);
            let lines = days.div_ceil(line);
            return Self {
                first,
                width: size.width(),
                line,
                weeks: 0,
                side: pitch - 3.0,
                pitch,
                head: 38.0,
                height: lines as f64 * pitch + 12.0,
            };
        }
        // Weeks start on Monday; day 0 (1970-01-01) was a Thursday.
        let first = first - (first + 3.0).rem_euclid(7.0);
        let weeks_all = ((last - first) as usize / 7) + 1;
        let most = if size == Size::Wide { 53 } else { 27 };
        let weeks = weeks_all.clamp(20, most);
        let pitch = (size.width() / weeks as f64).min(19.0);
        let lines = weeks_all.div_ceil(weeks);
        Self {
            first,
            width: size.width(),
            line: 0,
            weeks,
            side: pitch - 2.0,
            pitch,
            head: 38.0,
            height: lines as f64 * (pitch * 7.0 + 10.0) + 8.0,
        }
    }

    /// Position of a day inside the strip.
    fn place(&self, day: f64) -> (f64, f64) {
        let n = (day - self.first).max(0.0) as usize;
        if self.line > 0 {
            return ((n % self.line) as f64 * self.pitch, (n / self.line) as f64 * self.pitch);
        }
        let (week, weekday) = (n / 7, n % 7);
        let line = week / self.weeks;
        ((week % self.weeks) as f64 * self.pitch, line as f64 * (self.pitch * 7.0 + 10.0) + weekday as f64 * self.pitch)
    }

    /// Names of months above the first line.
    fn months(&self, svg: &mut Svg, cells: &[HeatCell], y: f64) {
        let mut free_from = 0.0;
        let mut month = None;
        for heat in cells {
            let now = (heat.day.year(), heat.day.month());
            let (x, row) = self.place(day(heat.day));
            if month == Some(now) || (self.line == 0 && row >= self.pitch * 7.0) || (self.line > 0 && row > 0.0) {
                continue;
            }
            let new_year = month.is_none_or(|(year, _)| year != now.0);
            month = Some(now);
            let text = heat.day.strftime(if new_year { "%Y-%m" } else { "%m" }).to_string();
            if x >= free_from && x + text_width(&text) <= self.width {
                svg.text("label", (x, y), Anchor::Start, &text);
                free_from = x + text_width(&text) + 8.0;
            }
        }
    }
}

fn cell(svg: &mut Svg, tone: Tone, weight: &str, (x, y): (f64, f64), side: f64) {
    svg.rect(&format!("cell {weight} {}", tone_class(tone)), (x, y), (side, side));
    let inset = side * 0.25;
    let (l, r, t, b) = (x + inset, x + side - inset, y + inset, y + side - inset);
    match tone {
        Tone::Warn => svg.line("glyph", (l, b), (r, t)),
        Tone::Bad => {
            svg.line("glyph", (l, b), (r, t));
            svg.line("glyph", (l, t), (r, b));
        }
        Tone::Neutral | Tone::Good => {}
    }
}

/// Fill strength in five steps: classes instead of inline styles.
fn weight_class(heat: &HeatCell) -> &'static str {
    match (number(heat.weight) * 4.0).ceil() as i64 {
        i64::MIN..=0 => "w0",
        1 => "w1",
        2 => "w2",
        3 => "w3",
        _ => "w4",
    }
}

type Key = (String, Tone, f64, f64);

/// The states that occur, as (word, tone, x, y), and the height they take.
fn legend_of(rows: &[(String, Vec<HeatCell>)], size: Size) -> (Vec<Key>, f64) {
    let order = |tone: Tone| match tone {
        Tone::Good => 0,
        Tone::Neutral => 1,
        Tone::Warn => 2,
        Tone::Bad => 3,
    };
    let states: BTreeMap<_, _> = rows.iter().flat_map(|r| &r.1).map(|c| ((order(c.tone), c.state.clone()), c.tone)).collect();
    let (mut x, mut y) = (0.0, 13.0);
    let mut keys = Vec::new();
    for ((_, state), tone) in states.into_iter().take(8) {
        let width = text_width(&state) + 36.0;
        if x > 0.0 && x + width > size.width() {
            (x, y) = (0.0, y + 20.0);
        }
        keys.push((state, tone, x, y));
        x += width;
    }
    (keys, y + 12.0)
}
