//! Measuring in turns and printing one line a bar.

use std::time::{Duration, Instant};

/// How often each side is measured; the medians count.
pub const RUNS: usize = 5;

pub fn head() {
    println!("{:<44} {:>16} {:>16} {:>9} {:>9}", "bar", "ours", "floor", "ratio", "wanted");
}

/// A line: `ratio` must be at least `wanted`.
pub fn at_least(name: &str, ours: &str, floor: &str, ratio: f64, wanted: f64) {
    line(name, ours, floor, ratio, &format!("≥ {wanted}"), ratio >= wanted);
}

/// A line: `ratio` must be at most `wanted`.
pub fn at_most(name: &str, ours: &str, floor: &str, ratio: f64, wanted: f64) {
    line(name, ours, floor, ratio, &format!("≤ {wanted}"), ratio <= wanted);
}

/// Something worth knowing that no bar is set for.
pub fn note(name: &str, ours: &str, floor: &str, ratio: f64) {
    println!("{name:<44} {ours:>16} {floor:>16} {ratio:>9.2} {:>9}", "");
}

pub fn left_out(name: &str, why: &str) {
    println!("{name:<44} left out: {why}");
}

fn line(name: &str, ours: &str, floor: &str, ratio: f64, wanted: &str, ok: bool) {
    println!("{name:<44} {ours:>16} {floor:>16} {ratio:>9.2} {wanted:>9}  {}", if ok { "ok" } else { "MISSED" });
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Both sides in turns, the medians of what they gave.
pub fn in_turns(mut ours: impl FnMut(usize) -> f64, mut floor: impl FnMut(usize) -> f64) -> (f64, f64) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        left.push(ours(run));
        right.push(floor(run));
    }
    (median(left), median(right))
}

/// How many a second.
pub fn rate(count: usize, work: impl FnOnce()) -> f64 {
    count as f64 / time(work).as_secs_f64()
}

pub fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

pub fn per_second(rate: f64) -> String {
    if rate >= 10_000.0 { format!("{:.0}k/s", rate / 1_000.0) } else { format!("{rate:.0}/s") }
}

pub fn millis(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1_000.0)
}
