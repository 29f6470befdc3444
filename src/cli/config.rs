//! `safu config`, and how settings are found: a flag, else the environment, else the configuration file, else the default. A setting
//! is an option with a variable of the environment; the file may set exactly those.

use super::ctx::{CliError, Ctx};
use super::{CliResult, serve};
use crate::config::{Entry, File};
use crate::report::doc::{Cell, Column, Doc, Row, Table};
use crate::store::conn::DatabaseUrl;
use crate::telemetry;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// The table of the options of `safu serve`.
const SERVE: &str = "serve";
/// The option that names the file; it is no setting itself.
const CONFIG: &str = "config";
/// Taken from the environment only.
const KEY_VARIABLE: &str = "SAFU_KEY";

/// Verbs of `safu config`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check every setting, and show what it is and where it comes from.
    Check(Box<serve::Args>),
    /// Print the settings in force as a configuration file, without secrets.
    Show(Box<serve::Args>),
}

/// Why there are no options.
pub enum Wrong {
    /// The command line, or a wish for help.
    Usage(clap::Error),
    /// Settings of the file or the environment, all that are wrong.
    Settings(Vec<String>),
}

/// The options of this process.
///
/// # Errors
/// What is wrong with the command line, the environment or the configuration file.
pub fn options(command: &Command, args: &[OsString]) -> Result<ArgMatches, Wrong> {
    // Asked for help or a mistake: there is no file then, and the whole reading says the rest.
    let first = command.clone().ignore_errors(true).try_get_matches_from(args).ok();
    let path = first.as_ref().and_then(|found| found.get_one::<PathBuf>(CONFIG).cloned());
    let name = first.as_ref().and_then(|found| found.subcommand_name());
    let mut wrong = Vec::new();
    let mut command = command.clone();
    if let Some(path) = path {
        let file = File::read(&path).map_err(Wrong::Settings)?;
        wrong.extend(file.entries.iter().filter_map(|entry| problem(&command, &file, entry)));
        if wrong.is_empty() {
            command = file.entries.iter().fold(command, with_default);
        }
    }
    if name.is_some_and(|name| [SERVE, CONFIG].contains(&name)) {
        wrong.extend(settings(&command).into_iter().filter_map(|(_, arg)| problem_of_environment(&arg)));
    }
    if !wrong.is_empty() {
        return Err(Wrong::Settings(wrong));
    }
    command.try_get_matches_from(args).map_err(Wrong::Usage)
}

/// Every setting with the table it stands in.
fn settings(command: &Command) -> Vec<(&'static str, Arg)> {
    let of = |command: &Command| {
        let all = command.get_arguments().filter(|arg| arg.get_env().is_some() && arg.get_id() != CONFIG);
        all.cloned().collect::<Vec<_>>()
    };
    let serve = command.find_subcommand(SERVE).map(of).unwrap_or_default();
    of(command).into_iter().map(|arg| ("", arg)).chain(serve.into_iter().map(|arg| (SERVE, arg))).collect()
}

fn problem(command: &Command, file: &File, entry: &Entry) -> Option<String> {
    let all = settings(command);
    let place = format!("{}: {}", file.path.display(), entry.name());
    let Some((_, arg)) = all.iter().find(|(section, arg)| *section == entry.section && arg.get_id() == entry.key.as_str()) else {
        let known: Vec<&str> =
            all.iter().filter(|(section, _)| *section == entry.section).map(|(_, arg)| arg.get_id().as_str()).collect();
        return Some(match known.as_slice() {
            [] => format!("{place}: there is no table [{}]; there is [{SERVE}]", entry.section),
            known => format!("{place}: is not a setting; take it out, or write one of {}", known.join(", ")),
        });
    };
    refusal(arg, &entry.value).map(|why| format!("{place} = {}: {why}", shown(arg, &entry.value)))
}

fn problem_of_environment(arg: &Arg) -> Option<String> {
    let name = arg.get_env()?;
    let value = std::env::var_os(name)?.into_string().unwrap_or_else(|raw| raw.to_string_lossy().into_owned());
    refusal(arg, &value).map(|why| format!("{} = {}: {why}", name.display(), shown(arg, &value)))
}

/// Why an option does not take this value, and what it is for.
fn refusal(arg: &Arg, value: &str) -> Option<String> {
    let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return (!["true", "false"].contains(&value)).then(|| "write true or false".to_owned());
    }
    let alone = Command::new("setting").no_binary_name(true).arg(arg.clone().env(None::<&str>).global(false));
    let text = format!("--{}={value}", arg.get_long()?);
    let error = alone.try_get_matches_from([text]).err()?.to_string();
    let first = error.lines().next().unwrap_or_default();
    let why = first.rsplit_once("': ").map_or("it is not taken", |(_, why)| why);
    let possible: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let mend = if possible.is_empty() { about } else { format!("write {}", possible.join(" or ")) };
    Some(format!("{why}. Wanted: {mend}"))
}

/// The file takes the place of the default, so that the environment and flags go before it.
fn with_default(command: Command, entry: &Entry) -> Command {
    let set = |command: Command| command.mut_arg(&entry.key, |arg| arg.default_value(entry.value.clone()));
    if entry.section.is_empty() {
        return set(command);
    }
    command
        .mut_subcommand(SERVE, set)
        .mut_subcommand(CONFIG, |config| ["check", "show"].iter().fold(config, |config, verb| config.mut_subcommand(*verb, set)))
}

/// A value for people: never with a password.
fn shown(arg: &Arg, value: &str) -> String {
    if arg.get_id() == "database" {
        return DatabaseUrl::parse(value).map_or_else(|_| "(not shown)".to_owned(), |url| url.display());
    }
    format!("{value:?}").trim_matches('"').to_owned()
}

/// A setting as it is in force.
struct Setting {
    section: &'static str,
    key: String,
    value: Option<String>,
    from: String,
    is_text: bool,
}

impl Setting {
    fn of(section: &'static str, arg: &Arg, matches: &ArgMatches, file: Option<&File>) -> Self {
        let id = arg.get_id().as_str();
        let raw = matches.get_raw(id).and_then(|mut values| values.next());
        let text = raw.map(|value| value.to_string_lossy().into_owned());
        let text = text.or_else(|| matches!(arg.get_action(), ArgAction::SetTrue).then(|| matches.get_flag(id).to_string()));
        let from = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => format!("--{}", arg.get_long().unwrap_or(id)),
            Some(ValueSource::EnvVariable) => arg.get_env().unwrap_or_default().to_string_lossy().into_owned(),
            Some(_) => file
                .filter(|file| file.find(section, id).is_some())
                .map_or_else(|| "default".to_owned(), |file| file.path.display().to_string()),
            None => "not set".to_owned(),
        };
        let is_text =
            text.as_ref().is_some_and(|text| text.parse::<u64>().is_err() && !["true", "false"].contains(&text.as_str()));
        Self { section, key: id.to_owned(), value: text.map(|text| shown(arg, &text)), from, is_text }
    }

    fn name(&self) -> String {
        Entry { section: self.section.to_owned(), key: self.key.clone(), value: String::new() }.name()
    }
}

/// Runs `safu config`.
pub fn run(ctx: &Ctx, command: &Command, matches: &ArgMatches, verb: &Verb) -> CliResult {
    let file = matches.get_one::<PathBuf>(CONFIG).map(|path| File::read(path)).transpose();
    let file = file.map_err(|wrong| CliError::Usage(wrong.join("\n")))?;
    let below = matches.subcommand_matches(CONFIG).and_then(ArgMatches::subcommand).map(|(_, below)| below);
    let of = |(section, arg): (&'static str, Arg)| {
        let matches = if section.is_empty() { Some(matches) } else { below };
        matches.map(|matches| Setting::of(section, &arg, matches, file.as_ref()))
    };
    let all: Vec<Setting> = settings(command).into_iter().filter_map(of).collect();
    match verb {
        Verb::Check(args) => {
            DatabaseUrl::parse(&ctx.global.database).map_err(|error| CliError::Usage(format!("database: {error}")))?;
            telemetry::check_filter(args.filter()).map_err(|why| CliError::Usage(format!("serve.log: {why}")))?;
            args.options()?;
            ctx.print_doc(&doc(&all), None)?;
            ctx.say("Every setting can be used.");
            Ok(())
        }
        Verb::Show(_) => ctx.print(&toml(&all)),
    }
}

fn doc(all: &[Setting]) -> Doc {
    let row = |setting: &Setting| {
        let value = setting.value.as_deref().unwrap_or_default();
        Row::body(vec![Cell::text(setting.name()), Cell::text(value), Cell::text(&setting.from)])
    };
    let mut rows: Vec<Row> = all.iter().map(row).collect();
    let key = std::env::var_os(KEY_VARIABLE).filter(|key| !key.is_empty());
    let (value, from) = if key.is_some() { ("(not shown)", KEY_VARIABLE) } else { ("", "not set") };
    rows.push(Row::body(vec![Cell::text("key"), Cell::text(value), Cell::text(from)]));
    let columns = vec![Column::text("setting", "Setting"), Column::text("value", "Value"), Column::text("from", "From")];
    Doc {
        name: "config".to_owned(),
        title: "Settings".to_owned(),
        tables: vec![Table::new("settings", "Settings", columns, rows, "")],
        ..Doc::default()
    }
}

/// The settings as a file of configuration; what is not set is a comment.
fn toml(all: &[Setting]) -> String {
    let mut out = String::new();
    let mut section = "";
    for setting in all {
        if setting.section != section {
            section = setting.section;
            out.push_str(&format!("\n[{section}]\n"));
        }
        out.push_str(&match &setting.value {
            None => format!("# {} is not set\n", setting.key),
            Some(value) if setting.is_text => format!("{} = {value:?}\n", setting.key),
            Some(value) => format!("{} = {value}\n", setting.key),
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn every_option_of_serve_is_a_setting() {
        let command = Cli::command();
        let serve = command.find_subcommand(SERVE).unwrap();
        let without: Vec<_> = serve.get_arguments().filter(|arg| arg.get_env().is_none()).map(|arg| arg.get_id()).collect();
        assert!(without.is_empty(), "{without:?}");
        assert!(settings(&command).iter().any(|(section, arg)| section.is_empty() && arg.get_id() == "database"));
    }

    fn read(text: &str, args: &[&str]) -> Result<ArgMatches, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("safu.toml");
        std::fs::write(&path, text).unwrap();
        let mut all: Vec<OsString> = vec!["safu".into(), "--config".into(), path.into()];
        all.extend(args.iter().map(OsString::from));
        options(&Cli::command(), &all).map_err(|wrong| match wrong {
            Wrong::Settings(wrong) => wrong,
            Wrong::Usage(error) => vec![error.to_string()],
        })
    }

    #[test]
    fn a_flag_goes_before_the_file_and_the_file_before_the_default() {
        let text = "database = \"sqlite://other.db\"\n[serve]\npatience = 7\nrate_limit = 9\nopen_to_network = true\n";
        let found = read(text, &["serve", "--patience", "8"]).unwrap();
        assert_eq!(found.get_one::<String>("database").unwrap(), "sqlite://other.db");
        let serve = found.subcommand_matches(SERVE).unwrap();
        assert_eq!(serve.get_one::<u64>("patience"), Some(&8));
        assert_eq!(serve.get_one::<u64>("rate_limit"), Some(&9));
        assert!(serve.get_flag("open_to_network") && !serve.get_flag("read_only"));
        let checked = read(text, &["config", "check"]).unwrap();
        let below = checked.subcommand_matches(CONFIG).unwrap().subcommand_matches("check").unwrap();
        let setting = |id: &str| {
            let (section, arg) = settings(&Cli::command()).into_iter().find(|(_, arg)| arg.get_id() == id).unwrap();
            let file = File {
                path: "f".into(),
                entries: vec![Entry { section: section.to_owned(), key: "patience".to_owned(), value: String::new() }],
            };
            Setting::of(section, &arg, below, Some(&file)).from
        };
        assert_eq!((setting("patience").as_str(), setting("listen").as_str()), ("f", "default"));
    }

    #[test]
    fn what_is_wrong_in_the_file_is_named_with_its_value_and_its_mend() {
        let text =
            "databas = \"x\"\n[serve]\nlisten = \"nowhere\"\nread_only = \"perhaps\"\nlog_format = \"xml\"\n[server]\na = 1\n";
        let wrong = read(text, &["verify"]).unwrap_err();
        for parts in [
            ["databas: ", "write one of", "database"],
            ["serve.listen = nowhere", "Wanted", "Address to listen on"],
            ["serve.read_only = perhaps", "write true or false", ""],
            ["serve.log_format = xml", "write text or json", ""],
            ["server.a: ", "there is no table [server]", "[serve]"],
        ] {
            assert!(wrong.iter().any(|line| parts.iter().all(|part| line.contains(part))), "{parts:?} in {wrong:#?}");
        }
    }
}
