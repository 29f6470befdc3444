//! What texts say to type must exist: every `safu …` in documents, help texts, messages and pages is a command with its options.

use super::Cli;
use clap::{Command, CommandFactory};
use std::path::{Path, PathBuf};

/// Files with one of these endings below a folder.
fn files(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, endings, found);
        } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
            found.push(path);
        }
    }
}

/// What stands after `safu ` where the text quotes a command: between backticks, or as a line of its own.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(text.split("`safu ").skip(1).filter_map(|rest| rest.split(['`', '\n']).next()).map(str::to_owned));
    let lines = text.lines().map(str::trim_start);
    let lines = lines.filter_map(|line| line.strip_prefix("target/release/").unwrap_or(line).strip_prefix("safu "));
    found.extend(lines.filter(|line| !line.ends_with(['.', ':', ','])).map(|line| line.split('#').next().unwrap().to_owned()));
    found
}

/// What is wrong with a quoted command, if anything.
fn problem(root: &Command, words: &str) -> Option<String> {
    let mut command = root;
    let mut known: Vec<&Command> = vec![root];
    let mut words = words.split_whitespace().peekable();
    while let Some(word) = words.peek() {
        let is_name = word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
        if !is_name || !command.has_subcommands() || command.get_name() == "help" {
            break;
        }
        command = match command.find_subcommand(word) {
            Some(found) => found,
            None => return Some(format!("`{}` has no command `{word}`", command.get_name())),
        };
        known.push(command);
        words.next();
    }
    let mut flags = words.filter_map(|word| word.strip_prefix("--")).map(|flag| flag.split(['=', '|', ']']).next().unwrap());
    let exists = |flag: &&str| known.iter().any(|command| command.get_arguments().any(|arg| arg.get_long() == Some(*flag)));
    let strange = flags.find(|flag| !flag.is_empty() && *flag != "help" && !exists(flag));
    strange.map(|flag| format!("`{}` has no option --{flag}", command.get_name()))
}

#[test]
fn every_command_that_a_text_names_exists() {
    let mut root = Cli::command();
    root.build();
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![home.join("README.md")];
    for (folder, endings) in [("docs", &["md"][..]), ("src", &["rs"]), ("templates", &["html"])] {
        files(&home.join(folder), endings, &mut paths);
    }
    let (mut count, mut wrong) = (0, Vec::new());
    for path in paths {
        // This file names what does not exist.
        if path.ends_with("cli/tests.rs") {
            continue;
        }
        for words in quoted(&std::fs::read_to_string(&path).unwrap()) {
            count += 1;
            wrong.extend(problem(&root, &words).map(|why| format!("{}: safu {words}: {why}", path.display())));
        }
    }
    assert!(count > 100, "only {count} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_or_an_option_that_does_not_exist_is_found() {
    let mut root = Cli::command();
    root.build();
    for good in ["init", "policy contribution --from 2026-01-01 --share 0.1", "verify --json", "report NAME", "treasury …"] {
        assert_eq!(problem(&root, good), None);
    }
    for bad in ["inits", "payouts record", "policy contribution --on 2026-01-01", "serve --publicly"] {
        assert!(problem(&root, bad).is_some(), "{bad}");
    }
    assert_eq!(quoted("use `safu init` or\n    safu serve   # here\nsafu is a word."), ["init", "serve   "]);
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}
