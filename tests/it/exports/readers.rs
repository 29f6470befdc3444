//! The journal programs: does one accept a file, and which balances does it compute from it?

use super::book::Sample;
use crate::support::tools::{run, tool, words};
use safu_ledger::domain::amount::{VALUE_SCALE, parse_minor};
use safu_ledger::domain::asset::Asset;
use safu_ledger::report::export::JournalFormat;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Balances as (account number, asset code, is functional value) → minor units; zero balances are left out.
pub type Balances = BTreeMap<(i32, String, bool), i128>;

/// A program that is installed here.
pub struct Reader {
    format: JournalFormat,
    program: PathBuf,
    /// Arguments before the file that make Beancount compute with as many digits as the book has.
    digits: Option<u32>,
}

const BEANCOUNT_BALANCES: &str = "
import sys
from beancount import loader
from beancount.core import data
entries, errors, _ = loader.load_file(sys.argv[1])
for error in errors:
    print(error.source['lineno'], error.message, file=sys.stderr)
sums = {}
for entry in data.filter_txns(entries):
    for line in entry.postings:
        key = (line.account, line.units.currency)
        sums[key] = sums.get(key, 0) + line.units.number
for (account, currency), number in sums.items():
    print(account, format(number, 'f'), currency, sep='|')
sys.exit(1 if errors else 0)
";

impl Reader {
    /// The reader of a format, or `None` (said on stderr) where its program is not installed.
    pub fn of(format: JournalFormat, digits: Option<u32>) -> Option<Self> {
        let program = match format {
            JournalFormat::Hledger => tool("hledger"),
            JournalFormat::Ledger => tool("ledger"),
            // The interpreter beside bean-check is the one that has the package.
            JournalFormat::Beancount => tool("bean-check").map(|check| check.with_file_name("python3")),
            JournalFormat::Csv | JournalFormat::Jsonl => None,
        };
        program.map(|program| Self { format, program, digits })
    }

    /// Runs the program's own check; `Err` has what it said.
    pub fn check(&self, file: &Path) -> Result<(), String> {
        let name = file.to_str().unwrap();
        let output = match self.format {
            JournalFormat::Hledger => run(&self.program, &["-f", name, "check", "--strict"]),
            JournalFormat::Ledger => run(&self.program, &["--args-only", "--pedantic", "-f", name, "balance"]),
            _ => {
                let script = self.script("sys.argv[0] = 'bean-check'; from beancount.scripts.check import main; main()");
                run(&self.program, &["-c", &script, "--no-cache", name])
            }
        };
        if output.status.success() { Ok(()) } else { Err(words(&output)) }
    }

    /// The balances that the program computes.
    pub fn balances(&self, file: &Path, assets: &[Asset]) -> Balances {
        let name = file.to_str().unwrap();
        let output = match self.format {
            JournalFormat::Hledger => {
                run(&self.program, &["-f", name, "balance", "--flat", "--no-total", "--layout=bare", "-O", "csv"])
            }
            JournalFormat::Ledger => run(
                &self.program,
                &[
                    "--args-only",
                    "-f",
                    name,
                    "balance",
                    "--flat",
                    "--no-total",
                    "--balance-format",
                    "%(account)|%(display_total)\n",
                ],
            ),
            _ => run(&self.program, &["-c", &self.script(BEANCOUNT_BALANCES), name]),
        };
        assert!(output.status.success(), "{:?}: {}", self.format, words(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let rows = match self.format {
            JournalFormat::Hledger => rows_of_csv(&text),
            JournalFormat::Ledger => rows_of_ledger(&text),
            _ => text.lines().map(|line| three(line.split('|'))).collect(),
        };
        rows.iter().filter_map(|row| balance(row, assets)).collect()
    }

    fn script(&self, script: &str) -> String {
        let context = self.digits.map(|digits| format!("decimal.getcontext().prec = {digits}")).unwrap_or_default();
        format!("import decimal, sys\n{context}\n{script}")
    }
}

fn balance([account, number, commodity]: &[String; 3], assets: &[Asset]) -> Option<((i32, String, bool), i128)> {
    let number = number.as_str();
    let mut parts = account.split(':');
    let (_, name, code) = (parts.next()?, parts.next()?, parts.next()?);
    assert_eq!(parts.next(), None, "{account} has more than three levels");
    let no = name.get(..4).and_then(|no| no.parse().ok()).unwrap_or_else(|| panic!("{account} has no number"));
    let is_value = commodity == "USD-VALUE";
    assert!(is_value || commodity.trim_end_matches("-ASSET") == code, "{commodity} on {account}");
    let asset = assets.iter().find(|a| a.code.as_str() == code).unwrap();
    let scale = if is_value { VALUE_SCALE } else { asset.scale };
    let minor = parse_minor(number, scale).unwrap_or_else(|problem| panic!("{account} {number} {commodity}: {problem}"));
    (minor != 0).then(|| ((no, code.to_owned(), is_value), minor))
}

fn rows_of_csv(text: &str) -> Vec<[String; 3]> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| [row[0].to_owned(), row[2].to_owned(), row[1].to_owned()]).collect()
}

/// Ledger puts an account's further commodities on lines of their own.
fn rows_of_ledger(text: &str) -> Vec<[String; 3]> {
    let mut account = String::new();
    let mut rows = Vec::new();
    for line in text.lines() {
        let amount = match line.split_once('|') {
            Some((name, amount)) => {
                account = name.to_owned();
                amount
            }
            None => line,
        };
        if let Some((number, commodity)) = amount.trim().split_once(' ') {
            rows.push([account.clone(), number.to_owned(), commodity.trim_matches('"').to_owned()]);
        }
    }
    rows
}

fn three<'a>(mut parts: impl Iterator<Item = &'a str>) -> [String; 3] {
    std::array::from_fn(|_| parts.next().unwrap().to_owned())
}

/// What the book itself says.
pub fn expected(sample: &Sample) -> Balances {
    let rows = sample.closing.iter().flat_map(|closing| {
        let code = sample.assets.iter().find(|a| a.id == closing.asset).unwrap().code.to_string();
        let units = ((closing.account.0, code.clone(), false), closing.quantity.minor());
        [units, ((closing.account.0, code, true), closing.value.minor())]
    });
    rows.filter(|(_, minor)| *minor != 0).collect()
}
