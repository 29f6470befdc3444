//! From values and days to positions, with ticks where a person would put them.

use super::super::render::display::grouped;
use jiff::{Span, civil::Date};

/// A straight map from a range of values to a range of positions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    from: (f64, f64),
    to: (f64, f64),
}

impl Linear {
    pub(super) const fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        Self { from, to }
    }

    pub(super) fn at(self, value: f64) -> f64 {
        let span = self.from.1 - self.from.0;
        let share = if span == 0.0 { 0.5 } else { (value - self.from.0) / span };
        self.to.0 + share * (self.to.1 - self.to.0)
    }
}

/// Ticks of an axis: a range that takes in all values and the steps in it.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<f64>,
    step: f64,
}

impl Axis {
    /// An axis over all values with about `count` steps of 1, 2 or 5 times a power of ten. Zero is taken in unless all values
    /// are far from it.
    pub(super) fn over(values: impl IntoIterator<Item = f64>, count: f64) -> Self {
        let (low, high) = values.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (mut low, mut high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
        if low > 0.0 && low < 0.6 * high {
            low = 0.0;
        }
        if high < 0.0 && high > 0.6 * low {
            high = 0.0;
        }
        if high - low <= f64::EPSILON * high.abs().max(1.0) {
            (low, high) = (low.min(0.0), if high > 0.0 { high } else { low + 1.0 });
        }
        let rough = (high - low) / count;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(power);
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let ticks: Vec<f64> = (first..=last).take(50).map(|n| n as f64 * step).collect();
        Self { low: first as f64 * step, high: last as f64 * step, ticks, step }
    }

    /// The tick's text: as many decimals as the step needs, large numbers short.
    pub(super) fn text(&self, tick: f64) -> String {
        let sign = if tick < 0.0 { "−" } else { "" };
        let size = tick.abs();
        let steps = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")];
        let reach = self.low.abs().max(self.high.abs());
        let (unit, suffix) = steps.into_iter().find(|(limit, _)| reach >= *limit).unwrap_or((1.0, ""));
        let unit = if suffix == "k" { 1e3 } else { unit };
        let decimals = (-(self.step / unit).log10().floor()).clamp(0.0, 8.0) as usize;
        let gap = if suffix.is_empty() || size == 0.0 { "" } else { "\u{202f}" };
        if size == 0.0 {
            return "0".to_owned();
        }
        let digits = format!("{:.decimals$}", size / unit);
        let (whole, fraction) = digits.find('.').map_or((digits.as_str(), ""), |at| digits.split_at(at));
        format!("{sign}{}{fraction}{gap}{suffix}", grouped(whole))
    }
}

/// A day as a number of days.
pub(super) fn day(date: Date) -> f64 {
    (date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24) as f64
}

/// Days to label between two days, at most `most`, as (day, text).
pub(super) fn day_ticks(first: Date, last: Date, most: usize) -> Vec<(Date, String)> {
    let most = most.max(1);
    let days = (day(last) - day(first)).max(0.0) as usize;
    for step in [1, 2, 7, 14] {
        if days / step < most {
            let text = |d: Date| d.strftime("%m-%d").to_string();
            return (0..=days / step)
                .filter_map(|n| later(first, Span::new().days((n * step) as i64)))
                .map(|d| (d, text(d)))
                .collect();
        }
    }
    let months_of = |d: Date| i64::from(d.year()) * 12 + i64::from(d.month()) - 1;
    let (from, to) = (months_of(first), months_of(last));
    for step in [1, 2, 3, 6, 12, 24, 60, 120] {
        let start = (from + step - 1).div_euclid(step) * step;
        let start = if month(start).is_some_and(|d| d < first) { start + step } else { start };
        if start <= to && ((to - start) / step) < most as i64 {
            let text = |d: Date| d.strftime(if step < 12 { "%Y-%m" } else { "%Y" }).to_string();
            return (0..=(to - start) / step).filter_map(|n| month(start + n * step)).map(|d| (d, text(d))).collect();
        }
    }
    vec![(first, first.to_string())]
}

fn month(months: i64) -> Option<Date> {
    let year = i16::try_from(months.div_euclid(12)).ok()?;
    let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
    Date::new(year, month, 1).ok()
}

fn later(date: Date, span: Span) -> Option<Date> {
    date.checked_add(span).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_take_in_all_values() {
        let axis = Axis::over([0.4, 1.61, 2.3], 5.0);
        assert_eq!((axis.low, axis.high), (0.0, 2.5));
        let texts: Vec<_> = axis.ticks.iter().map(|t| axis.text(*t)).collect();
        assert_eq!(texts, ["0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
        let axis = Axis::over([0.0, 512_000_000.0], 5.0);
        assert_eq!(axis.ticks.iter().map(|t| axis.text(*t)).collect::<Vec<_>>().last().map(String::as_str), Some("600\u{202f}M"));
        for odd in [vec![], vec![0.0], vec![5.0], vec![-3.0], vec![1e300, -1e300], vec![1e-12]] {
            let axis = Axis::over(odd.clone(), 5.0);
            assert!(axis.high > axis.low && axis.ticks.len() > 1, "{odd:?}: {axis:?}");
        }
    }

    #[test]
    fn ticks_of_thousands_have_group_marks() {
        let axis = Axis::over([0.0, 7_100.0], 4.0);
        assert_eq!(axis.text(8_000.0), "8,000");
    }

    #[test]
    fn days_become_months_and_years() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let texts = |a, b, n| day_ticks(date(a), date(b), n).into_iter().map(|(_, t)| t).collect::<Vec<_>>();
        assert_eq!(texts("2019-05-01", "2019-05-05", 6), ["05-01", "05-02", "05-03", "05-04", "05-05"]);
        assert_eq!(texts("2018-07-14", "2018-12-31", 6), ["2018-08", "2018-09", "2018-10", "2018-11", "2018-12"]);
        assert_eq!(texts("2018-07-14", "2021-06-30", 4), ["2019", "2020", "2021"]);
        assert_eq!(texts("2019-05-05", "2019-05-05", 5), ["05-05"]);
    }
}
