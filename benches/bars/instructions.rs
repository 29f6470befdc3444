//! P14: instructions of posting, counted by valgrind, so that a noisy machine does not matter. Each side runs in a process of
//! its own, once with the rows and once without; the difference counts.

use crate::book::{Bench, body, post};
use crate::raw::Raw;
use crate::table::{at_most, left_out, note};
use safu_ledger::proof::merkle::{leaf_hash, root_of};
use std::process::Command;

const ROWS: usize = 10_000;

/// What runs under valgrind: `ours`, `raw` or `hashes`.
pub fn run(side: &str, rows: usize) {
    match side {
        "ours" => {
            let bench = Bench::sqlite();
            let feed = bench.feed();
            // All are made in both runs: writing requests is the sender's work.
            let bodies: Vec<String> = (0..ROWS / 1_000).map(|request| body("job0", request * 1_000, 1_000)).collect();
            for (request, body) in bodies.iter().take(rows / 1_000).enumerate() {
                post(&feed, &format!("k{request}"), body).unwrap();
            }
        }
        "raw" => Raw::new().post(rows / 1_000, 1_000),
        // What valgrind's processor, which has no SHA instructions, spends on the rows' trees alone.
        "hashes" => drop(std::hint::black_box(root_of((0..rows).map(|_| leaf_hash(&[7; 110]))))),
        other => panic!("{other}"),
    }
}

pub fn compare() {
    let name = "P14 instructions of 10k contributions, to raw";
    let count = |side: &str| Some(collect(side, ROWS)?.saturating_sub(collect(side, 0)?) as f64);
    let Some(((ours, raw), hashes)) = count("ours").zip(count("raw")).zip(count("hashes")) else {
        return left_out(name, "valgrind is not installed");
    };
    let millions = |n: f64| format!("{:.0} M", n / 1e6);
    at_most(name, &millions(ours - hashes), &millions(raw), (ours - hashes) / raw, 1.5);
    note("   with SHA-256 in software, as valgrind counts", &millions(ours), &millions(raw), ours / raw);
}

fn collect(side: &str, rows: usize) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["--instructions", side, &rows.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find_map(|line| line.split_once("Collected : "))?;
    line.1.trim().parse().ok()
}
