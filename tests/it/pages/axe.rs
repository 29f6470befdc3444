//! The accessibility rules of axe-core, run in the browser on a page as it stands.

use crate::support::{self, browser::Browser};
use std::path::{Path, PathBuf};

/// The rules that count: WCAG 2.2 up to AA, and what the makers of axe-core recommend.
const TAGS: &str = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']";

/// The script of axe-core, from the folder that `SAFU_TEST_AXE` names or from where `.ci/run` puts it; it is no part of this
/// repository. `None`, and said so, where it is missing; a failure with `SAFU_TEST_REQUIRE=1`.
pub fn source() -> Option<String> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci-npm/node_modules/axe-core");
    let folder = std::env::var_os("SAFU_TEST_AXE").map_or(installed, PathBuf::from);
    match std::fs::read_to_string(folder.join("axe.min.js")) {
        Ok(script) => Some(script),
        Err(error) => {
            let mend = "`npm install --prefix target/ci-npm axe-core` brings it";
            support::left_out("axe-core", &format!("{}: {error}; {mend}", folder.display()));
            None
        }
    }
}

/// What is wrong with the page, as rule, impact and the first elements.
pub fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    // Everything that can be opened is open, so that it is looked at too.
    browser.eval("document.querySelectorAll('details').forEach(d => d.open = true)");
    browser.eval(axe);
    let run = format!(
        "return axe.run(document, {{ runOnly: {{ type: 'tag', values: {TAGS} }}, resultTypes: ['violations'] }}).then(r =>
            r.violations.map(v => v.id + ' (' + v.impact + '): ' + v.help + ': '
                + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(' | ')))"
    );
    let found = browser.eval(&run);
    found.as_array().expect("a list").iter().map(|one| one.as_str().expect("a text").to_owned()).collect()
}
