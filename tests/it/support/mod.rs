//! What the tests stand on: databases of both engines, a browser, and how a test is left out where a program is missing.

pub mod browser;
pub mod child;
#[macro_use]
pub mod database;
pub mod guard;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod server;
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

/// Where a program is installed: looked for in the folders of `SAFU_TEST_TOOLS` (separated like `PATH`), then in `PATH`.
pub fn program(name: &str) -> Option<PathBuf> {
    let folders = ["SAFU_TEST_TOOLS", "PATH"].map(|name| std::env::var_os(name).unwrap_or_default());
    folders.iter().flat_map(std::env::split_paths).map(|folder| folder.join(name)).find(|path| path.is_file())
}
