//! Programs from outside that tests run against.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Finds a program, see [`super::program`]. Where it is missing the test is left out, so that `cargo test` needs nothing but Rust
/// and a C compiler; in CI it fails instead.
pub fn tool(name: &str) -> Option<PathBuf> {
    let found = super::program(name);
    if found.is_none() {
        super::left_out(name, "it is not installed");
    }
    found
}

/// Runs a program to its end in the locale of UTF-8 that every system has.
pub fn run(program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C.UTF-8").env_remove("LEDGER_FILE");
    command.output().unwrap_or_else(|problem| panic!("{}: {problem}", program.display()))
}

/// Both streams of an output as text, for messages and for finding words.
pub fn words(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
