//! `safu serve` as a process of its own: for what happens to processes, such as limits, signals and what they log.

use super::guard::Guard;
use super::server::{Ask, agent};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A server in a process of its own; it is stopped when this is dropped.
pub struct Child {
    pub origin: String,
    pub pid: String,
    /// Where its log goes.
    pub log: PathBuf,
    agent: ureq::Agent,
    _guard: Guard,
}

/// `$1` the largest file it may write, in blocks of 512 bytes, or `unlimited`; `$2` where its log goes; then the command. Over the limit
/// a write fails as on a full disk, once the signal that would end the process is ignored.
const START: &str = r#"limit=$1; log=$2; shift 2
trap '' XFSZ
(ulimit -S -f "$limit"; exec "$@" 2>"$log") & program=$!
echo "$program""#;
const CLEAN: &str = r#"kill "$program"; wait "$program""#;

impl Child {
    /// Serves the book with these further options, its log in `folder`.
    pub fn start(database: &str, folder: &Path, options: &[&str]) -> Self {
        Self::start_within(database, folder, options, None)
    }

    /// The same with a largest size of any file, in bytes.
    pub fn start_within(database: &str, folder: &Path, options: &[&str], file_bytes: Option<u64>) -> Self {
        let log = folder.join("log");
        let limit = file_bytes.map_or_else(|| "unlimited".to_owned(), |bytes| (bytes / 512).to_string());
        let mut args = vec![limit.as_str(), log.to_str().unwrap(), env!("CARGO_BIN_EXE_safu"), "--database", database];
        args.extend(["serve", "--listen", "127.0.0.1:0"]);
        args.extend(options);
        let mut guard = Guard::spawn(START, CLEAN, &args).unwrap();
        let pid = guard.line().expect("the number of the process");
        let said = |guard: &mut Guard| guard.line().unwrap_or_else(|| panic!("{}", std::fs::read_to_string(&log).unwrap()));
        let origin = said(&mut guard).trim_end_matches('/').to_owned();
        Self { origin, pid, log, agent: agent(), _guard: guard }
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        Ask::new(&self.origin, &self.agent, "GET", path)
    }

    pub fn post(&self, path: &str) -> Ask<'_> {
        Ask::new(&self.origin, &self.agent, "POST", path)
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.pid]).status().unwrap().success());
    }

    /// True while the process runs.
    pub fn runs(&self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).is_ok_and(|stat| !stat.contains(") Z "))
    }

    pub fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

/// Waits until something holds; fails when it still does not after a minute.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
