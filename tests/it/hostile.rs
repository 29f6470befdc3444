//! Words of others stay words: a hundred payloads in every memo, name and file name, on every page, in a browser, and in every file.

use crate::desk::Desk;
use crate::pages::PAGES;
use crate::pages::book::full_book;
use crate::small_book::{call, done};
use crate::support::browser::Browser;
use crate::support::database::TestDb;
use crate::support::server::TestServer;
use safu_ledger::service::approvals::Draft;
use safu_ledger::service::entries::ManualEntry;
use safu_ledger::service::entries::template::EntryTemplate;
use safu_ledger::service::evidence::{AttachEvidence, GivenFile};
use safu_ledger::service::{Book, Call};
use safu_ledger::web::app::Limits;
use serde_json::json;
use std::io::Read;

/// What would run, break out, mislead or compute if anything let it.
const PAYLOADS: &[&str] = &[
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>alert(1)//-->",
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><img src=x onerror=alert(1)>",
    "'><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)\" x=\"",
    "' onfocus='alert(1)' autofocus='",
    "` onclick=`alert(1)`",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mi xlink:href=\"javascript:alert(1)\">x</mi></math>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=\"0;url=//evil.example\">",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{display:none}</style>",
    "<form action=//evil.example><button>go</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<body onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java&#09;script:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//evil.example/x",
    "https://evil.example/\"onclick=alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&amp;lt;b&amp;gt;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "\\x3cscript\\x3e",
    "＜script＞alert(1)＜/script＞",
    "{{7*7}}",
    "{% include \"layout.html\" %}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{{constructor.constructor('alert(1)')()}}",
    "`touch x`",
    "$(touch x)",
    "; rm -rf x;",
    "'; DROP TABLE entry; --",
    "\" OR 1=1 --",
    "1); DELETE FROM fact; --",
    "../../../etc/passwd",
    "..\\..\\windows\\system32",
    "C:\\x\\y.txt",
    "\u{202e}gnp.exe",
    "\u{2066}isolated\u{2069}",
    "\u{200f}right to left",
    "\u{202a}embedded\u{202c}",
    "\u{feff}begins with a mark",
    "zero\u{200b}width\u{200d}joined",
    "soft\u{ad}hyphen",
    "line\u{2028}separator",
    "paragraph\u{2029}separator",
    "Z\u{310}\u{310}\u{310}\u{310}\u{310}\u{310}\u{310}\u{310}\u{310}\u{310}alg\u{301}\u{302}\u{303}o",
    "\u{1f4a3}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{1f1e9}\u{1f1ea}",
    "\u{fdfd}\u{12031}",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}",
    "=1+1",
    "=cmd|' /C calc'!A0",
    "=HYPERLINK(\"https://evil.example\",\"x\")",
    "=IMPORTXML(\"https://evil.example\",\"//a\")",
    "+1+1",
    "+cmd|' /C calc'!A0",
    "-1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "@cmd|' /C calc'!A0",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1)",
    "\"=1+1",
    "'=1+1",
    ",=1+1",
    ";=1+1",
    "|=1+1",
    "%0A=1+1",
    "NaN",
    "1e999",
    "true",
    "null",
    "undefined",
    "a\nb <b>bold</b>\n=1+1",
];

/// Payloads that no text may have: they are refused and never stored.
const REFUSED: &[&str] = &["a\0b", "\t=1+1", "\r=1+1", "a\r\nSet-Cookie: x=y", "\u{1b}[31mred", "\u{85}next line", "\u{7f}"];

fn entry(memo: &str, reason: &str) -> ManualEntry {
    let line = |account: i32, side: &str| json!({"account": account, "asset": "USD", "side": side, "units": "1"});
    let lines = [line(5210, "debit"), line(2300, "credit")];
    serde_json::from_value(json!({"on": "2019-01-03", "memo": memo, "reason": reason, "lines": lines})).unwrap()
}

/// The text with more behind it, as long as a text may be.
fn long(payload: &str) -> String {
    let more = payload.chars().cycle().take(500 - payload.chars().count());
    payload.chars().chain(more).collect()
}

/// Every payload as memo, reason, template name, note and file name of the book; each is attached to what pages show.
fn fill(book: &Book, day: &str, subjects: &[&str]) {
    for (at, payload) in PAYLOADS.iter().enumerate() {
        let mut given = entry(payload, &long(payload));
        given.on = day.parse().unwrap();
        let file = GivenFile { name: format!("{}.txt", payload.replace('\n', " ")), bytes: format!("{at}").into_bytes().into() };
        let added = done(book.add_evidence(&call(), file));
        let sha256 = added["sha256"].as_str().unwrap().to_owned();
        given.evidence = vec![sha256.clone()];
        done(book.post_manual(&call(), given.clone()));
        let name: String = payload.chars().take(80).collect();
        let [memo, reason] = [&given.memo, &given.reason].map(String::clone);
        done(book.save_template(&call(), EntryTemplate { name, memo, reason, lines: given.lines }));
        for subject in subjects {
            let ask = AttachEvidence { sha256: sha256.clone(), subject: (*subject).to_owned(), note: (*payload).to_owned() };
            done(book.attach_evidence(&call(), ask));
        }
    }
}

/// Fails unless the page at hand is inert: no dialog (the browser would say so), no element or address that a payload made, nothing on the
/// console, where a policy that was broken would stand, and nothing fetched from elsewhere.
fn inert(browser: &Browser, origin: &str) {
    let strange = "return [...document.querySelectorAll('img, iframe, object, embed, base, math, video, body form form, \
                   script:not([src^=\"/assets/\"]), style, link:not([href^=\"/assets/\"]), meta[http-equiv], [onload], [onerror], \
                   [onclick], [onfocus], [onmouseover], [ontoggle], [onbegin]')].map(e => e.outerHTML.slice(0, 200)) \
                   .concat([...document.querySelectorAll('[href], [src], [action]')].map(e => e.getAttribute('href') \
                   || e.getAttribute('src') || e.getAttribute('action')).filter(a => !/^(\\/(?!\\/)|#|https:\\/\\/127)/.test(a)))";
    assert_eq!(browser.eval(strange), json!([]), "{}", browser.url());
    browser.assert_quiet(origin);
}

#[test]
fn there_are_a_hundred_of_them_and_control_characters_are_refused() {
    assert_eq!(PAYLOADS.len(), 100);
    let db = TestDb::sqlite();
    let book = crate::small_book::opened(&db);
    for payload in REFUSED {
        assert!(book.post_manual(&call(), entry(payload, "r")).is_err(), "{payload:?}");
        assert!(book.post_manual(&call(), entry("m", payload)).is_err(), "{payload:?}");
        let file = GivenFile { name: format!("{payload}.txt"), bytes: b"x".as_slice().into() };
        assert!(book.add_evidence(&call(), file).is_err(), "{payload:?}");
    }
    assert!(book.post_manual(&call(), entry(&"x".repeat(501), "r")).is_err(), "too long");
}

#[test]
fn every_page_shows_them_as_words() {
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let book = full_book(&db);
    fill(&book, "2019-05-15", &["entry/1", "incident/INC-2019-001"]);
    let server = TestServer::serve(book, Limits::default());
    let last = server.book.read(safu_ledger::store::log::Head::load).unwrap().last_entry;
    let own = (0..100).map(|back| format!("/entries/{}", last - back));
    let more = ["/evidence", "/accounts/5210?asset=USD", "/accounts/2300?asset=USD", "/journal?text=alert"].map(str::to_owned);
    for path in PAGES.iter().map(|(_, path)| (*path).to_owned()).chain(more).chain(own) {
        browser.goto(&format!("{}{path}", server.origin));
        inert(&browser, &server.origin);
    }
    browser.goto(&format!("{}/entries/{}", server.origin, last - 99));
    assert!(browser.text("main").contains(PAYLOADS[0]), "the payload is not shown at all: {}", browser.text("main"));
}

#[test]
fn every_form_and_proposal_shows_them_as_words() {
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let desk = Desk::before_terms(&db);
    fill(&desk.server.book, "2019-01-03", &[]);
    desk.guard();
    let by = || Call::fresh("person:paula").by(desk.ids[2], false);
    let book = &desk.server.book;
    let mut proposals = Vec::new();
    for payload in PAYLOADS.iter().take(100) {
        let command = json!(entry(payload, &long(payload)));
        let kept = done(book.draft(&by(), Draft { kind: "entry.manual".to_owned(), command }));
        proposals.push(kept["proposal"].as_i64().unwrap());
    }
    desk.log_in(&browser, "paula");
    let templates = "return [...document.querySelectorAll('select[name=template] option')].map(o => o.textContent)";
    browser.goto(&desk.page("/entries/new"));
    assert_eq!(browser.eval(templates).as_array().unwrap().len(), 100);
    inert(&browser, &desk.server.origin);
    for (at, proposal) in proposals.iter().enumerate() {
        // Every draft on its page; every fifth in the form too, with the entry and the reversal that belong to it.
        let mut paths = vec![format!("/approvals/{proposal}")];
        if at % 5 == 0 {
            let no = at + 1;
            paths.extend([
                format!("/entries/new?draft={proposal}"),
                format!("/entries/new?clone={no}"),
                format!("/entries/{no}/reverse"),
            ]);
        }
        for path in paths {
            browser.goto(&desk.page(&path));
            inert(&browser, &desk.server.origin);
        }
    }
    // What comes back with mistakes holds them too.
    browser.goto(&desk.page("/entries/new"));
    browser.fill("#memo", "\"><script>alert(1)</script>");
    browser.fill("#line-1-account", "<img src=x onerror=alert(1)>");
    browser.follow(".acts button[value=check]");
    assert!(browser.text("#mistakes").contains("<img src=x onerror=alert(1)>"), "{}", browser.text("#mistakes"));
    let console = browser.console();
    assert!(console.iter().all(|line| line.contains("422")), "{console:?}");
}

/// True for a field that a spreadsheet would compute.
fn is_live(field: &str) -> bool {
    let starts = field.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let number = field.trim_start_matches('-').trim_end_matches('%').chars().all(|c| c.is_ascii_digit() || c == '.');
    starts && !number
}

#[test]
fn no_file_has_a_live_formula() {
    assert!(is_live("=1") && is_live("-1+1") && !is_live("-1.5") && !is_live("'=1"));
    let db = TestDb::sqlite();
    let book = full_book(&db);
    fill(&book, "2019-05-15", &["entry/1", "incident/INC-2019-001"]);
    let server = TestServer::serve(book, Limits::default());
    let mut fields = 0;
    for path in PAGES.iter().map(|(_, path)| *path).chain(["/evidence", "/accounts/5210?asset=USD"]) {
        let join = if path.contains('?') { '&' } else { '?' };
        let csv = server.get(&format!("{path}{join}format=csv")).send();
        if csv.header("content-type").is_none_or(|media| !media.starts_with("text/csv")) {
            continue;
        }
        for record in csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv.body.as_slice()).records() {
            for field in record.unwrap().iter() {
                assert!(!is_live(field), "{path}: {field:?}");
                fields += 1;
            }
        }
        workbook(&server.get(&format!("{path}{join}format=xlsx")).send().body, path);
    }
    assert!(fields > 2_000, "{fields}");
    let export = std::process::Command::new(env!("CARGO_BIN_EXE_safu"))
        .args(["export", "--format", "csv"])
        .env("SAFU_DATABASE_URL", db.url())
        .output()
        .unwrap();
    let mut seen = 0;
    for record in csv::Reader::from_reader(export.stdout.as_slice()).records() {
        let record = record.unwrap();
        assert!(record.iter().all(|field| !is_live(field)), "{record:?}");
        seen += usize::from(record.iter().any(|field| field.contains("1+1")));
    }
    assert!(seen > 10, "the payloads are in the export: {seen}");
}

/// No cell of a workbook is a formula, and whatever is not a number is a string.
fn workbook(bytes: &[u8], path: &str) {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let names: Vec<String> = (0..archive.len()).map(|at| archive.by_index(at).unwrap().name().unwrap().to_string()).collect();
    for name in names.iter().filter(|name| name.starts_with("xl/worksheets/sheet")) {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        assert!(!text.contains("<f>") && !text.contains("<f ") && !text.contains("<hyperlink"), "{path}: {name}");
        for cell in text.split("<c ").skip(1) {
            let (attributes, rest) = cell.split_once('>').unwrap();
            let value = rest.split_once("<v>").and_then(|(_, rest)| rest.split_once("</v>")).map(|(value, _)| value);
            let is_text = attributes.contains("t=\"s\"") || attributes.contains("t=\"inlineStr\"");
            let is_number = value.is_none_or(|value| value.parse::<f64>().is_ok());
            assert!(is_text || is_number, "{path}: {name}: {cell}");
        }
    }
    assert!(!names.iter().any(|name| name.contains("externalLink") || name.contains("vba")), "{path}: {names:?}");
}
