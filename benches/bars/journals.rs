//! Programs that read journals of plain text, as far as they are installed: one transaction with two postings a contribution.

use crate::full;
use crate::table::time;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

pub const MILLION: usize = 1_000_000;

/// A program, how its journal is written, and how it is asked for balances.
pub struct Program {
    pub name: &'static str,
    head: &'static str,
    transaction: fn(&mut String, usize),
    /// What it needs besides the journal, as a file beside it.
    beside: Option<(&'static str, &'static str)>,
    /// `{}` stands for the journal, `{/}` for its folder.
    args: &'static [&'static str],
}

pub const HLEDGER: Program =
    Program { name: "hledger", head: "", transaction: plain, beside: None, args: &["-f", "{}", "balance", "-N"] };

pub const TACKLER: Program = Program {
    name: "tackler",
    head: "",
    transaction: plain,
    beside: Some(("tackler.toml", TACKLER_SETTINGS)),
    args: &["--config", "{/}/tackler.toml", "--input.file", "{}"],
};

pub const RUSTLEDGER: Program = Program {
    name: "rledger",
    head: "2019-01-01 open Assets:Receivable\n2019-01-01 open Income:Contributions\n\n",
    transaction: beancount,
    beside: None,
    args: &["check", "{}"],
};

const TACKLER_SETTINGS: &str = r#"
[kernel]
strict = false
audit = { mode = false, hash = "SHA-256" }
timestamp = { default-time = 00:00:00, timezone = { name = "UTC" } }
[kernel.input]
storage = "fs"
fs = { path = ".", dir = ".", ext = "journal" }
[transaction]
accounts = { path = "none" }
commodities = { path = "none" }
tags = { path = "none" }
[report]
report-timezone = "UTC"
scale = { min = 2, max = 8 }
formats = ["txt"]
accounts = []
targets = ["balance"]
balance = { title = "Balance", type = "flat" }
balance-group = { title = "Balance", type = "flat", group-by = "month" }
register = { title = "Register" }
[export]
targets = []
equity = { equity-account = "Equity:Balance" }
"#;

fn plain(out: &mut String, n: usize) {
    let fee = n % 9_973;
    writeln!(out, "2019-05-07 'c{n}\n  assets:receivable:BTC  0.10{fee:04} BTC\n  income:contributions:BTC  -0.10{fee:04} BTC\n")
        .unwrap();
}

fn beancount(out: &mut String, n: usize) {
    let fee = n % 9_973;
    writeln!(out, "2019-05-07 * \"c{n}\"\n  Assets:Receivable  0.10{fee:04} BTC\n  Income:Contributions  -0.10{fee:04} BTC\n")
        .unwrap();
}

impl Program {
    /// What it takes for a million transactions; none if it is not installed. hledger, whose time grows at least in proportion, is
    /// measured on fewer and scaled up unless the whole size is asked for.
    pub fn seconds_of_a_million(&self) -> Option<f64> {
        let count = if full() || self.name != "hledger" { MILLION } else { MILLION / 20 };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.journal");
        self.write(count, &path);
        if let Some((name, text)) = self.beside {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let (file, parent) = (path.display().to_string(), folder.path().display().to_string());
        let args: Vec<String> = self.args.iter().map(|arg| arg.replace("{}", &file).replace("{/}", &parent)).collect();
        let took = seconds_of(self.name, &args.iter().map(String::as_str).collect::<Vec<_>>())?;
        Some(took * (MILLION / count) as f64)
    }

    fn write(&self, count: usize, path: &Path) {
        let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
        let mut text = self.head.to_owned();
        for n in 0..count {
            (self.transaction)(&mut text, n);
            out.write_all(text.as_bytes()).unwrap();
            text.clear();
        }
        out.flush().unwrap();
    }
}

/// Seconds until a program ends well; none if it does not, or is not installed.
pub fn seconds_of(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Option<f64> {
    let mut ok = true;
    let took = time(|| {
        ok = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    });
    ok.then_some(took.as_secs_f64())
}
