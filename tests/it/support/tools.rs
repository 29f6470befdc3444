//! Programs from outside that tests run against.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Finds a program in the folders of `SAFU_TEST_TOOLS` (separated like `PATH`), then in `PATH`.
///
/// Without it the test that asks says so and passes, so that `cargo test` needs nothing but Rust and a C compiler; with
/// `SAFU_TEST_REQUIRE=1`, as in CI, it fails instead.
pub fn tool(name: &str) -> Option<PathBuf> {
    let folders = ["SAFU_TEST_TOOLS", "PATH"].map(|name| std::env::var_os(name).unwrap_or_default());
    let found = folders.iter().flat_map(std::env::split_paths).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        let required = std::env::var_os("SAFU_TEST_REQUIRE").is_some_and(|value| value == "1");
        assert!(!required, "{name} is not installed, and SAFU_TEST_REQUIRE=1 asks for it");
        eprintln!("left out: {name} is not installed");
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
