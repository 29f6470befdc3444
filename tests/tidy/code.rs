//! Rules about Rust code: who may use whom, and where clocks, floats, databases and terminals may be touched.

use crate::source::{File, Finding, Kind, Token, Tree, reads, shipped_tokens, tokens};

/// Which top-level modules each top-level module may use. `main` may use everything; `lib` only declares.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("ledger", &["domain"]),
    ("proof", &["domain", "ledger"]),
    ("report", &["domain", "ledger", "proof"]),
    ("store", &["domain", "ledger", "proof"]),
    ("service", &["domain", "ledger", "proof", "report", "store"]),
    ("web", &["domain", "ledger", "proof", "report", "store", "service", "telemetry"]),
    ("demo", &["domain", "ledger", "proof", "report", "store", "service"]),
    ("cli", &["domain", "ledger", "proof", "report", "store", "service", "web", "demo", "telemetry", "config"]),
    ("telemetry", &[]),
    ("config", &[]),
];

/// Where floats are allowed, and why. Money never passes through one.
const FLOATS: &[(&str, &str)] = &[
    ("src/report/chart", "coordinates of drawings"),
    ("src/report/render/xlsx", "the one number type of the file format, used only where it gives every digit back"),
    ("src/telemetry", "seconds of latency histograms, in the unit of their text format"),
];

/// Where the clock and randomness enter; everything else is handed its times and ids.
const CLOCKS: &[&str] = &["src/service", "src/cli", "src/main", "src/telemetry"];
const TERMINAL: &[&str] = &["src/cli", "src/main", "src/telemetry"];

fn product(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|f| f.is_rust_under("src/"))
}

/// Findings for every token of the product outside `allowed` at which `hit` says what is wrong.
fn scan(tree: &Tree, allowed: &[&str], hit: impl Fn(&[Token], usize) -> Option<String>) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in product(tree).filter(|f| !allowed.iter().any(|a| f.is_in(a))) {
        let tokens = shipped_tokens(file);
        let hits = (0..tokens.len()).filter_map(|at| Some((tokens[at].line, hit(&tokens, at)?)));
        found.extend(hits.map(|(line, what)| Finding::new(file, line, what)));
    }
    found
}

pub fn layers(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in product(tree) {
        let Some(module) = file.path.strip_prefix("src/").and_then(|p| p.split(['/', '.']).next()) else { continue };
        if module == "main" || module == "lib" {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            found.push(Finding::new(file, 1, format!("the module `{module}` has no place in the layers; see MAY_USE")));
            continue;
        };
        for (line, used) in uses(file) {
            let known = MAY_USE.iter().any(|(name, _)| *name == used);
            if known && used != module && !allowed.contains(&used.as_str()) {
                found.push(Finding::new(file, line, format!("`{module}` may not use `{used}`")));
            }
        }
    }
    found
}

/// Top-level modules of the crate that a file names, by `crate::…`, by the crate's name, or by climbing with `super`.
fn uses(file: &File) -> Vec<(usize, String)> {
    let tokens = tokens(&file.text);
    let depth_of_file = file.path.trim_start_matches("src/").trim_end_matches("/mod.rs").split('/').count();
    let mut used = Vec::new();
    let mut inline_modules: Vec<usize> = Vec::new();
    let mut braces = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        if token.is("{") {
            braces += 1;
            if at >= 2 && tokens[at - 2].is("mod") {
                inline_modules.push(braces);
            }
        } else if token.is("}") {
            if inline_modules.last() == Some(&braces) {
                inline_modules.pop();
            }
            braces = braces.saturating_sub(1);
        } else if (token.is("crate") || token.is("safu_ledger")) && reads(&tokens, at + 1, &["::"]) {
            heads(&tokens, at + 2, &mut used);
        } else if token.is("super") && !(at > 0 && tokens[at - 1].is("::")) {
            let climbs = (0..).take_while(|n| reads(&tokens, at + 2 * n, &["super", "::"])).count();
            if climbs == depth_of_file + inline_modules.len() {
                heads(&tokens, at + 2 * climbs, &mut used);
            }
        }
    }
    used
}

/// The first path segments at `at`: one word, or those of a `{…}` group.
fn heads(tokens: &[Token], at: usize, into: &mut Vec<(usize, String)>) {
    let Some(first) = tokens.get(at) else { return };
    if first.kind == Kind::Word {
        into.push((first.line, first.text.clone()));
    }
    if !first.is("{") {
        return;
    }
    let mut depth = 0usize;
    for pair in tokens[at..].windows(2) {
        if pair[0].is("{") {
            depth += 1;
        } else if pair[0].is("}") {
            depth -= 1;
        }
        if depth == 0 {
            return;
        }
        if depth == 1 && (pair[0].is("{") || pair[0].is(",")) && pair[1].kind == Kind::Word {
            into.push((pair[1].line, pair[1].text.clone()));
        }
    }
}

pub fn diesel_in_store_only(tree: &Tree) -> Vec<Finding> {
    scan(tree, &["src/store"], |tokens, at| {
        let name = &tokens[at];
        let is_database = name.kind == Kind::Word && (name.text.starts_with("diesel") || name.text == "libsqlite3_sys");
        is_database.then(|| format!("`{}` outside src/store", name.text))
    })
}

pub fn writes_come_from_use_cases(tree: &Tree) -> Vec<Finding> {
    scan(tree, &["src/store", "src/service"], |tokens, at| {
        let write = reads(tokens, at, &["store", ".", "write", "("]) || reads(tokens, at, &["Store", "::", "write"]);
        write.then(|| "a write transaction outside src/service: make it a use case".to_owned())
    })
}

pub fn actix_in_web_only(tree: &Tree) -> Vec<Finding> {
    scan(tree, &["src/web", "src/cli/serve"], |tokens, at| {
        let name = &tokens[at];
        (name.kind == Kind::Word && name.text.starts_with("actix")).then(|| format!("`{}` outside src/web", name.text))
    })
}

pub fn addresses_stand_in_the_table(tree: &Tree) -> Vec<Finding> {
    scan(tree, &["src/web/routes"], |tokens, at| {
        let what = "an address that is not in the table of src/web/routes.rs has no check of who comes there";
        tokens[at].is("ServiceConfig").then(|| what.to_owned())
    })
}

pub fn floats_in_charts_only(tree: &Tree) -> Vec<Finding> {
    let allowed: Vec<&str> = FLOATS.iter().map(|(path, _)| *path).collect();
    scan(tree, &allowed, |tokens, at| {
        let token = &tokens[at];
        // A parameter without a name, as a visitor's method must take it, is never looked at.
        let unread = at >= 2 && reads(tokens, at - 2, &["_", ":"]);
        let typed = (token.is("f32") || token.is("f64")) && !unread;
        let literal = token.kind == Kind::Number && !token.text.starts_with("0x") && token.text.contains('.');
        let suffixed = token.kind == Kind::Number && (token.text.ends_with("f32") || token.text.ends_with("f64"));
        (typed || literal || (suffixed && !token.text.starts_with("0x"))).then(|| format!("the float `{}`", token.text))
    })
}

pub fn clock_in_service_only(tree: &Tree) -> Vec<Finding> {
    const CALLS: &[&[&str]] = &[
        &["Timestamp", "::", "now"],
        &["Zoned", "::", "now"],
        &["SystemTime", "::", "now"],
        &["Instant", "::", "now"],
        &["Uuid", "::", "now_v7"],
        &["Uuid", "::", "new_v4"],
        &["getrandom"],
        &["RandomState"],
    ];
    scan(tree, CLOCKS, |tokens, at| {
        let call = CALLS.iter().find(|call| reads(tokens, at, call))?;
        Some(format!("`{}` outside src/service: have the time or the id passed in", call.concat()))
    })
}

pub fn terminal_in_cli_only(tree: &Tree) -> Vec<Finding> {
    scan(tree, TERMINAL, |tokens, at| {
        let token = &tokens[at];
        let printing = ["print", "println", "eprint", "eprintln", "dbg"].iter().any(|name| token.is(name));
        let macro_call = printing && reads(tokens, at + 1, &["!"]);
        let handle = reads(tokens, at, &["io", "::", "stdout"]) || reads(tokens, at, &["io", "::", "stderr"]);
        (macro_call || handle).then(|| "the terminal is touched outside src/cli".to_owned())
    })
}

pub fn report_has_its_registry_line(tree: &Tree) -> Vec<Finding> {
    let Some(registry) = tree.file("src/report/registry.rs") else { return Vec::new() };
    let named = tokens(&registry.text);
    tree.under("src/report/reports/")
        .filter(|f| f.path.ends_with(".rs") && !f.path.ends_with("/mod.rs") && !f.path.ends_with("/tests.rs"))
        .filter_map(|file| {
            let stem = file.path.strip_prefix("src/report/reports/")?.split(['/', '.']).next()?;
            let listed = named.iter().any(|t| t.kind == Kind::Word && t.text == stem);
            (!listed).then(|| Finding::new(file, 1, format!("no line in src/report/registry.rs names `{stem}`")))
        })
        .collect()
}

/// Lists without logic may be as long as what they list.
const LISTS: &[&str] = &["src/store/schema.rs"];
/// A file is split before it has this many lines.
const MOST_LINES: usize = 600;
/// From here on it is listed.
const MANY_LINES: usize = 500;

pub fn files_are_short(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in product(tree).filter(|f| !LISTS.contains(&f.path.as_str())) {
        let lines = file.text.lines().count();
        if lines > MOST_LINES {
            found.push(Finding::new(file, lines, format!("{lines} lines; split the file by what it is about")));
        } else if lines > MANY_LINES {
            println!("{}: {lines} lines, getting long", file.path);
        }
    }
    found
}
