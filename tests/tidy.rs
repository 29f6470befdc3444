//! The architecture and the style as tests: each rule reads the source tree and names file, line and what is wrong. Beside it,
//! each test shows on a snippet that its rule bites, and on another that it spares what is right.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says why on the terminal"
)]

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/data.rs"]
mod data;
#[path = "tidy/source.rs"]
mod source;

use source::{Finding, Tree};

type Rule = fn(&Tree) -> Vec<Finding>;

/// The rule finds nothing in the tree.
fn holds(rule: Rule) {
    let found = rule(&Tree::from_disk());
    let listing: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{} breach(es):\n{}", found.len(), listing.join("\n"));
}

/// The rule finds the last snippet wrong at these lines, and nothing else.
fn bites(rule: Rule, snippets: &[(&str, &str)], lines: &[usize]) {
    let (path, text) = snippets.last().expect("a snippet");
    let found = rule(&Tree::of(snippets));
    let at: Vec<usize> = found.iter().map(|f| f.line).collect();
    assert_eq!(at, lines, "in {path}: {text}\nfound {found:?}");
    assert!(found.iter().all(|f| f.path == *path), "found {found:?}");
}

fn spares(rule: Rule, snippets: &[(&str, &str)]) {
    assert_eq!(rule(&Tree::of(snippets)), [], "in {snippets:?}");
}

#[test]
fn layers_are_used_downwards_only() {
    holds(code::layers);
    bites(code::layers, &[("src/domain/entry.rs", "//! x\nuse crate::ledger::Balance;\n")], &[2]);
    bites(code::layers, &[("src/ledger/mod.rs", "use crate::{domain::lot::Lot, store::{Conn, service}};")], &[1]);
    bites(code::layers, &[("src/report/doc.rs", "fn f() -> crate::service::Book {}")], &[1]);
    bites(code::layers, &[("src/proof/tree.rs", "use super::super::store::Conn;")], &[1]);
    bites(code::layers, &[("src/domain/mod.rs", "mod tests {\n use super::super::store::Conn;\n}")], &[2]);
    bites(code::layers, &[("src/web/api/mod.rs", "use crate::cli::Args;")], &[1]);
    bites(code::layers, &[("src/service/post.rs", "use crate::telemetry::Metrics;")], &[1]);
    bites(code::layers, &[("src/helpers/mod.rs", "")], &[1]);
    spares(code::layers, &[("src/ledger/lots.rs", "use crate::{domain::lot::Lot, ledger::x};\nuse super::store::y;")]);
    spares(code::layers, &[("src/domain/mod.rs", "// crate::store::Conn\nmod tests {\n use super::store;\n}")]);
    spares(code::layers, &[("src/main.rs", "use safu_ledger::store::Conn;")]);
}

#[test]
fn diesel_stays_in_the_store() {
    holds(code::diesel_in_store_only);
    bites(code::diesel_in_store_only, &[("src/service/post.rs", "\nuse diesel::prelude::*;")], &[2]);
    spares(code::diesel_in_store_only, &[("src/store/mod.rs", "use diesel::prelude::*;"), ("src/a.rs", "// diesel\n")]);
}

#[test]
fn write_transactions_are_opened_by_use_cases_only() {
    holds(code::writes_come_from_use_cases);
    bites(code::writes_come_from_use_cases, &[("src/web/api/a.rs", "book.store.write(|conn| x)")], &[1]);
    spares(code::writes_come_from_use_cases, &[("src/service/a.rs", "self.store.write(x)"), ("src/web/a.rs", "out.write(x)")]);
}

#[test]
fn actix_stays_in_the_web_layer() {
    holds(code::actix_in_web_only);
    bites(code::actix_in_web_only, &[("src/cli/submit.rs", "fn f(r: actix_web::HttpRequest) {}")], &[1]);
    spares(code::actix_in_web_only, &[("src/cli/serve.rs", "use actix_web::x;"), ("src/web/api.rs", "use actix_web::x;")]);
}

#[test]
fn every_address_is_in_the_table() {
    holds(code::addresses_stand_in_the_table);
    bites(code::addresses_stand_in_the_table, &[("src/web/pages/a.rs", "\nfn f(cfg: &mut web::ServiceConfig) {}")], &[2]);
    spares(code::addresses_stand_in_the_table, &[("src/web/routes.rs", "fn f(cfg: &mut web::ServiceConfig) {}")]);
}

#[test]
fn floats_stay_in_the_drawing_of_charts() {
    holds(code::floats_in_charts_only);
    bites(code::floats_in_charts_only, &[("src/ledger/a.rs", "fn f(x: f64) {}\nlet y = 1.5;\nlet z = 2f32;")], &[1, 2, 3]);
    spares(code::floats_in_charts_only, &[("src/a.rs", "pair.0.1; 0..1; 0x1f32; \"1.5 f64\"; 'f'; fn f(_: f64); // f64")]);
    spares(code::floats_in_charts_only, &[("src/report/chart/line.rs", "fn f(x: f64) {}")]);
}

#[test]
fn clock_and_randomness_enter_in_the_service_only() {
    holds(code::clock_in_service_only);
    bites(code::clock_in_service_only, &[("src/store/a.rs", "let t =\n Timestamp::now();")], &[2]);
    bites(code::clock_in_service_only, &[("src/web/a.rs", "uuid::Uuid::now_v7();\nstd::time::Instant::now()")], &[1, 2]);
    spares(code::clock_in_service_only, &[("src/service/clock.rs", "jiff::Timestamp::now();")]);
    spares(code::clock_in_service_only, &[("src/web/a.rs", "#[cfg(test)]\nmod tests {\n fn f() { Instant::now(); }\n}")]);
}

#[test]
fn terminal_is_touched_by_the_command_line_only() {
    holds(code::terminal_in_cli_only);
    bites(code::terminal_in_cli_only, &[("src/service/a.rs", "println!(\"x\");\nstd::io::stderr();")], &[1, 2]);
    spares(code::terminal_in_cli_only, &[("src/cli/mod.rs", "println!(\"x\");"), ("src/report/a.rs", "fn print() {}")]);
}

#[test]
fn reports_have_their_registry_line() {
    holds(code::report_has_its_registry_line);
    let registry = ("src/report/registry.rs", "use reports::coverage;\n// journal");
    bites(code::report_has_its_registry_line, &[registry, ("src/report/reports/journal.rs", "")], &[1]);
    spares(code::report_has_its_registry_line, &[registry, ("src/report/reports/coverage.rs", "")]);
}

#[test]
fn files_stay_short() {
    holds(code::files_are_short);
    bites(code::files_are_short, &[("src/domain/a.rs", &"// line\n".repeat(601))], &[601]);
    spares(code::files_are_short, &[("src/domain/a.rs", &"// line\n".repeat(600))]);
}

#[test]
fn migrations_exist_for_both_engines() {
    holds(data::migrations_are_paired);
    let both = [("migrations/sqlite/1_book/up.sql", ""), ("migrations/postgres/1_book/up.sql", "")];
    spares(data::migrations_are_paired, &both);
    bites(data::migrations_are_paired, &[both[0], both[1], ("migrations/postgres/2_feed/up.sql", "")], &[1]);
}

#[test]
fn migrations_are_portable() {
    holds(data::migrations_are_portable);
    let rule: Rule = data::migrations_are_portable;
    bites(rule, &[("migrations/postgres/1/up.sql", "CREATE TABLE a (\n id bigserial,\n v REAL);")], &[2, 3]);
    bites(rule, &[("migrations/postgres/1/up.sql", "SELECT pg_advisory_lock(1);")], &[1]);
    bites(rule, &[("migrations/postgres/1/up.sql", "/* a */ create trigger t;")], &[1]);
    bites(rule, &[("migrations/sqlite/1/up.sql", "CREATE TABLE a (id INTEGER) STRICT;\nCREATE TABLE b (strict TEXT);")], &[2]);
    spares(rule, &[("migrations/sqlite/1/up.sql", "-- serial\nCREATE TABLE a (id INTEGER CHECK (id > 'REAL')) STRICT;")]);
    spares(rule, &[("migrations/postgres-triggers/1/up.sql", "CREATE TRIGGER t;"), ("migrations/sqlite/1/up.sql", "")]);
}

#[test]
fn templates_and_structs_go_together() {
    holds(data::templates_have_their_struct);
    let rule: Rule = data::templates_have_their_struct;
    let page = ("src/web/pages/a.rs", "#[derive(Template)]\n#[template(path = \"a.html\")]\nstruct A;");
    bites(rule, &[page], &[2]);
    bites(rule, &[page, ("templates/a.html", "x"), ("templates/b.html", "x")], &[1]);
    spares(rule, &[page, ("templates/a.html", "{%- extends \"base.html\" %}"), ("templates/base.html", "x")]);
}

#[test]
fn nothing_is_left_undone() {
    holds(data::nothing_is_left_undone);
    bites(data::nothing_is_left_undone, &[("docs/a.md", concat!("fine\n// TO", "DO later"))], &[2]);
    bites(data::nothing_is_left_undone, &[("src/a.rs", concat!("fn f() { todo", "!() }"))], &[1]);
    spares(data::nothing_is_left_undone, &[("src/a.rs", "// METHODTODOS are words too")]);
}

#[test]
fn no_path_of_one_machine() {
    holds(data::no_machine_paths);
    bites(data::no_machine_paths, &[("docs/a.md", concat!("see `/ho", "me/ann/x`"))], &[1]);
    spares(data::no_machine_paths, &[("docs/a.md", concat!("https://example.org/ho", "me/ and ./wo", "rk/"))]);
}

#[test]
fn links_of_documents_lead_somewhere() {
    holds(data::links_lead_somewhere);
    bites(data::links_lead_somewhere, &[("README.md", "x\n[a](docs/NONE.md#top)")], &[2]);
    let docs =
        [("docs/A.md", "[b](adr/1.md#x) [up](../README.md) [web](https://example.org) [self](#a) [dir](adr)"), ("README.md", "")];
    spares(data::links_lead_somewhere, &[docs[0], docs[1], ("docs/adr/1.md", "```\n[x](y)\n```")]);
}
