//! A private PostgreSQL cluster for the test run: made on first use, in a temporary folder, on a free loopback port, without
//! fsync; stopped and removed when the test process ends. Nothing of an installed server is touched; only its programs are used.
//!
//! `SAFU_TEST_PG_BIN` names the folder of the programs of another version, for example `/usr/lib/postgresql/18/bin`.

use super::guard::Guard;
use diesel::prelude::*;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A server that runs until this is dropped.
pub struct Cluster {
    port: u16,
    folder: String,
    programs: PathBuf,
    options: String,
    /// What stands before each command.
    prefix: Vec<String>,
    _guard: Guard,
}

impl Cluster {
    /// A cluster of the test's own, which it may stop and start.
    pub fn own() -> Result<Self, String> {
        start()
    }

    /// An empty database in it.
    pub fn database(&self) -> String {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut conn = PgConnection::establish(&self.url("postgres")).expect("the cluster answers");
        diesel::sql_query(format!("CREATE DATABASE {name}")).execute(&mut conn).expect("a new database");
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://safu@127.0.0.1:{}/{database}", self.port)
    }

    /// A folder that its programs can reach.
    pub fn folder(&self) -> &Path {
        Path::new(&self.folder)
    }

    /// Lets its programs write into a folder.
    pub fn give(&self, folder: &Path) {
        use std::os::unix::fs::MetadataExt;
        let owner = std::fs::metadata(&self.folder).unwrap();
        chown(folder, Some(owner.uid()), Some(owner.gid())).unwrap();
    }

    /// Ends the server at once, as a crash would.
    pub fn crash(&self) {
        self.control(&["-m", "immediate", "stop"]);
    }

    /// Starts it again.
    pub fn start_again(&self) {
        self.control(&["-l", "data/log", "-o", &self.options, "-w", "-t", "60", "start"]);
    }

    fn control(&self, args: &[&str]) {
        let mut command = self.command("pg_ctl");
        command.args(["-D", "data"]).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "pg_ctl {args:?}");
    }

    /// A program of the same version, run in the folder of the cluster by the account of the server.
    pub fn command(&self, program: &str) -> Command {
        let (first, rest) = self.prefix.split_first().expect("at least env");
        let mut command = Command::new(first);
        // What stands in `PATH` may be links to some of the programs only.
        let real = std::fs::canonicalize(self.programs.join("pg_ctl")).expect("a program");
        command.args(rest).arg(real.with_file_name(program)).current_dir(&self.folder);
        command
    }
}

/// The cluster that the tests share.
pub fn shared() -> Result<&'static Cluster, String> {
    CLUSTER.get_or_init(start).as_ref().map_err(Clone::clone)
}

static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Makes an empty database and gives its URL; the error says why there is no PostgreSQL.
pub fn fresh_database() -> Result<String, String> {
    Ok(shared()?.database())
}

fn start() -> Result<Cluster, String> {
    let programs = programs().ok_or("initdb and pg_ctl are not installed (Debian: apt install postgresql)")?;
    // PostgreSQL does not run as root; then an account without privileges runs it.
    let runner = if id(&["-u"])? == 0 { Some(unprivileged_account()?) } else { None };
    let mut last = String::new();
    // Between asking for a free port and using it, somebody else may take it.
    for _ in 0..3 {
        match serve(&programs, runner.as_ref()) {
            Ok(cluster) => return Ok(cluster),
            Err(why) => last = why,
        }
    }
    Err(format!("the server did not start: {last}"))
}

/// Everything from here on is done by the guard, so that nothing is left behind when the tests are killed half-way.
fn serve(programs: &Path, runner: Option<&Account>) -> Result<Cluster, String> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
    let folder = tempfile::Builder::new().prefix("safu-pg-").tempdir().map_err(|e| e.to_string())?.keep();
    // What stands before each command: something that runs it as the other account, or as it is.
    let prefix = match runner {
        None => vec!["env".to_owned()],
        Some(account) => {
            chown(&folder, Some(account.user), Some(account.group)).map_err(|e| e.to_string())?;
            let (user, group) = (format!("--reuid={}", account.user), format!("--regid={}", account.group));
            vec!["setpriv".to_owned(), user, group, "--clear-groups".to_owned(), "--".to_owned()]
        }
    };
    let folder = folder.display().to_string();
    let options = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off -c full_page_writes=off -c max_connections=300"
    );
    let start = r#"folder=$1; options=$2; programs=$3; shift 3
cd "$folder"
exec 3>&1 >log 2>&1
if "$@" "$programs/initdb" --auth=trust --username=safu --encoding=UTF8 --locale=C --no-sync -D data </dev/null &&
  "$@" "$programs/pg_ctl" -D data -l data/log -o "$options" -w -t 60 start 3>&- </dev/null
then echo ready >&3
else cat log data/log | tail -n 8 | tr '\n' ' ' >&3; echo >&3
fi"#;
    let clean = r#""$@" "$programs/pg_ctl" -D data -m immediate stop; cd /; rm -rf "$folder""#;
    let path = programs.display().to_string();
    let args: Vec<&str> = [&folder, &options, &path].into_iter().chain(&prefix).map(String::as_str).collect();
    let mut guard = Guard::spawn(start, clean, &args).map_err(|e| e.to_string())?;
    match guard.line().as_deref() {
        Some("ready") => {
            let programs = programs.to_path_buf();
            Ok(Cluster { port, folder, programs, options, prefix, _guard: guard })
        }
        Some(log) => Err(log.to_owned()),
        None => Err("its guard ended without a word".to_owned()),
    }
}

/// The folder of `initdb` and `pg_ctl`: named by hand, in `PATH`, or of the newest version Debian has installed.
fn programs() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
    if let Some(named) = std::env::var_os("SAFU_TEST_PG_BIN") {
        return Some(PathBuf::from(named)).filter(complete);
    }
    let in_path = super::program("initdb").and_then(|p| p.parent().map(Path::to_path_buf));
    in_path.filter(complete).or_else(|| {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let number = |p: &PathBuf| p.file_name().and_then(|n| n.to_str()?.parse::<u32>().ok());
        let mut folders: Vec<PathBuf> = versions.filter_map(|v| Some(v.ok()?.path())).collect();
        folders.sort_by_key(number);
        folders.iter().rev().map(|f| f.join("bin")).find(complete)
    })
}

struct Account {
    user: u32,
    group: u32,
}

fn unprivileged_account() -> Result<Account, String> {
    let of = |name: &str| Some(Account { user: id(&["-u", name]).ok()?, group: id(&["-g", name]).ok()? });
    of("postgres").or_else(|| of("nobody")).ok_or_else(|| "root has no account `postgres` or `nobody` to run it as".to_owned())
}

fn id(args: &[&str]) -> Result<u32, String> {
    let run = Command::new("id").args(args).output().map_err(|e| format!("id: {e}"))?;
    String::from_utf8_lossy(&run.stdout).trim().parse().map_err(|_| format!("id {} gave no number", args.join(" ")))
}
