//! What the tests stand on: databases of both engines, a browser, and how a test is left out where a program is missing.

pub mod browser;
pub mod database;
mod guard;
#[cfg(feature = "postgres")]
mod postgres;
pub mod tools;

use std::io::Write;
use std::path::PathBuf;

/// Says on the terminal that the running test is left out because `what` is not there, or fails it where everything must be
/// there: with `SAFU_TEST_REQUIRE=1`, as in `.ci/run`.
pub fn left_out(what: &str, why: &str) {
    assert!(std::env::var("SAFU_TEST_REQUIRE").as_deref() != Ok("1"), "{what} is required here, but {why}");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Past the capture of the test runner, which would swallow the line of a test that passes.
    let _ = writeln!(std::io::stderr(), "left out: {what} in {test}: {why}");
}

/// The first of these programs that is installed, looked for in `PATH`.
pub fn program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| folders.iter().map(|f| f.join(name)).find(|p| p.is_file()))
}
