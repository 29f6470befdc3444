//! Settings by file, environment and flags.

use crate::support::child::Child;
use crate::support::database::TestDb;
use crate::support::server::new_book;
use std::path::Path;
use std::process::{Command, Output};

fn config(verb: &str, file: Option<&Path>, environment: &[(&str, &str)], flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safu"));
    command.env_clear();
    if let Some(file) = file {
        command.arg("--config").arg(file);
    }
    command.args(["config", verb]).args(flags).envs(environment.iter().copied()).output().unwrap()
}

/// Value and origin of a setting, from the listing as JSON.
fn checked(file: &Path, environment: &[(&str, &str)], flags: &[&str], name: &str) -> (String, String) {
    let output = config("check", Some(file), environment, &[flags, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["tables"][0]["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["cells"]["setting"] == name).unwrap_or_else(|| panic!("{name} in {report:#}"));
    let text = |key: &str| row["cells"][key].as_str().unwrap_or_default().to_owned();
    (text("value"), text("from"))
}

#[test]
fn each_value_says_where_it_came_from_and_no_secret_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("safu.toml");
    let path = file.display().to_string();
    std::fs::write(&file, "database = \"postgres://safu:hunter2@db/safu\"\n[serve]\npatience = 7\nworkers = 3\nlog = \"warn\"\n")
        .unwrap();
    let environment = [("SAFU_WORKERS", "4"), ("SAFU_LOG", "debug"), ("SAFU_KEY", "safu_abc_hunter2")];
    let of = |name: &str| checked(&file, &environment, &["--log", "trace"], name);
    assert_eq!(of("serve.patience"), ("7".to_owned(), path.clone()));
    assert_eq!(of("serve.workers"), ("4".to_owned(), "SAFU_WORKERS".to_owned()));
    assert_eq!(of("serve.log"), ("trace".to_owned(), "--log".to_owned()));
    assert_eq!(of("serve.rate_limit"), ("50000".to_owned(), "default".to_owned()));
    assert_eq!(of("serve.public_origin").1, "not set");
    assert_eq!(of("database").1, path);
    assert_eq!(of("key").1, "SAFU_KEY");
    for verb in ["check", "show"] {
        let output = config(verb, Some(&file), &environment, &[]);
        let words = crate::support::tools::words(&output);
        assert!(output.status.success() && words.contains("postgres://") && !words.contains("hunter2"), "{words}");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (file, again) = (folder.path().join("safu.toml"), folder.path().join("again.toml"));
    std::fs::write(&file, "database = \"sqlite://book.db\"\n[serve]\nread_only = true\nmax_json_bytes = 1000\n").unwrap();
    let shown = config("show", Some(&file), &[], &[]).stdout;
    std::fs::write(&again, &shown).unwrap();
    assert_eq!(config("show", Some(&again), &[], &[]).stdout, shown);
    assert_eq!(checked(&again, &[], &[], "serve.read_only"), ("true".to_owned(), again.display().to_string()));
}

#[test]
fn what_cannot_be_used_is_refused_with_the_key_the_value_and_the_mend() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("safu.toml");
    let refused = |text: &str, environment: &[(&str, &str)], parts: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let output = config("check", Some(&file), environment, &[]);
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(parts.iter().all(|part| words.contains(part)), "{parts:?} in {words}");
    };
    refused("[serve]\nlisten = \"here\"\n", &[], &["serve.listen", "here", "Address to listen on"]);
    refused("[serve]\nport = 80\n", &[], &["serve.port", "is not a setting", "listen"]);
    refused("[serve\n", &[], &["line 1"]);
    refused("key = \"safu_x_y\"\n", &[], &["key: is not a setting"]);
    refused("", &[("SAFU_WORKERS", "many")], &["SAFU_WORKERS", "many", "Threads that answer"]);
    refused("[serve]\npublic_origin = \"safu.example\"\n", &[], &["public-origin", "safu.example", "https://"]);
    refused("[serve]\nlog = \"safu=loud\"\n", &[], &["serve.log", "loud"]);
    let missing = config("check", Some(&folder.path().join("none.toml")), &[], &[]);
    assert!(missing.status.code() == Some(2) && String::from_utf8_lossy(&missing.stderr).contains("none.toml"));
}

#[test]
fn a_server_takes_its_settings_from_the_file() {
    let db = TestDb::sqlite();
    drop(new_book(&db));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("safu.toml");
    std::fs::write(&file, "[serve]\nread_only = true\nlog_format = \"json\"\n").unwrap();
    let child = Child::start(db.url(), folder.path(), &["--config", file.to_str().unwrap()]);
    assert!(child.get("/").send().text().contains("this server was started so"));
    assert!(child.logged().lines().any(|line| line.starts_with('{')), "{}", child.logged());
}

#[test]
fn the_example_of_a_configuration_can_be_used() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/safu.toml");
    let output = config("check", Some(&example), &[], &[]);
    assert!(output.status.success(), "{}", crate::support::tools::words(&output));
}

/// Where systemd is: the unit can be read, and closes what it says it closes.
#[test]
fn the_unit_of_systemd_can_be_used() {
    let Some(analyze) = crate::support::program("systemd-analyze") else {
        return eprintln!("left out: the unit of systemd, which is not installed here");
    };
    let unit = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/safu.service")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("safu.service");
    // The program is not installed where the unit looks for it.
    std::fs::write(&copy, unit.replace("/usr/local/bin/safu", env!("CARGO_BIN_EXE_safu"))).unwrap();
    let verified = Command::new(&analyze).args(["verify", "--man=no"]).arg(&copy).output().unwrap();
    let words = crate::support::tools::words(&verified);
    assert!(verified.status.success() && words.trim().is_empty(), "{words}");
    for line in
        ["DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "StateDirectory=safu"]
    {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
}
