//! The bars of `docs/PERFORMANCE.md`: each measures its floor beside it, in the same interleaved run, and prints one line.
//!
//! `cargo bench` runs all of them at a size that takes a few minutes; `cargo bench -- P2 P8` some. `SAFU_BENCH_FULL=1` takes ten
//! million rows and the whole journal for hledger. `SAFU_BENCH_POSTGRES` names an empty PostgreSQL database for P11 (with
//! `--features postgres`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench fails by panicking, measures with clocks and floats, and prints"
)]

#[path = "bars/book.rs"]
mod book;
#[path = "bars/http.rs"]
mod http;
#[path = "bars/instructions.rs"]
mod instructions;
#[path = "bars/journals.rs"]
mod journals;
#[path = "bars/pages.rs"]
mod pages;
#[path = "bars/posting.rs"]
mod posting;
#[path = "bars/prepared.rs"]
mod prepared;
#[path = "bars/raw.rs"]
mod raw;
#[path = "bars/reading.rs"]
mod reading;
#[path = "bars/table.rs"]
mod table;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if args.first().is_some_and(|arg| arg == "--instructions") {
        return instructions::run(&args[1], args[2].parse().unwrap());
    }
    let bars: &[(&str, fn())] = &[
        ("P1", http::posting),
        ("P2", posting::writer),
        ("P3", http::singles),
        ("P4", posting::growth),
        ("P5", reading::cold_reports),
        ("P6", http::reads_under_writes),
        ("P7", reading::as_of),
        ("P8", posting::replay),
        ("P9", reading::verify),
        ("P10", reading::export),
        ("P11", posting::postgres),
        ("P14", instructions::compare),
        ("P15", pages::walk),
    ];
    table::head();
    for (name, run) in bars {
        if args.is_empty() || args.iter().any(|arg| arg == name) {
            run();
        }
    }
}

/// The whole sizes instead of the quick ones.
fn full() -> bool {
    std::env::var_os("SAFU_BENCH_FULL").is_some()
}
