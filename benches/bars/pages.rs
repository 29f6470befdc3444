//! P15: every page of a large book, whoever it is for. Which pages there are is asked of the server's own table of addresses, so that
//! one that is never opened here ends the bench.

use crate::http::{Client, Served};
use crate::prepared::{self, Known, ROLES};
use crate::table::{at_most, median, millis, time};
use safu_ledger::web::operation::Method;
use safu_ledger::web::routes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;

/// Addresses of each kind of page that are opened, spread over those that links lead to.
const ADDRESSES: usize = 6;
/// How often each address is opened.
const VISITS: usize = 5;
/// The longest that a page may take.
const LIMIT_SECONDS: f64 = 0.1;

/// Addresses that are opened whether a link leads there or not: the largest and the least of each kind, old days, old moments.
const ASKED: &[&str] = &[
    "/",
    "/?as_of=2019-05-07",
    "/?known_at=2019-05-08T00:00:00Z",
    "/?as_of=2019-12-31&known_at=2020-01-10T00:00:00Z",
    "/account",
    "/account/password",
    "/account/recovery-codes",
    "/account/second-factor",
    "/accounts/1110",
    "/accounts/1210",
    "/accounts/1210?asset=BTC",
    "/accounts/1210?asset=BTC&from=2019-12-01&to=2019-12-31",
    "/accounts/1210?cursor=50000-1",
    "/accounts/1210?as_of=2019-12-31&known_at=2020-01-10T00:00:00Z",
    "/accounts/4110",
    "/accounts/4110?cursor=1000-1",
    "/api/docs",
    "/approvals",
    "/audit",
    "/audit?actor=person:auditor",
    "/audit?from=2019-12-01&to=2019-12-31",
    "/audit?kind=policy",
    "/audit?outcome=refused",
    "/audit?text=nothing-has-these-words",
    "/audit/checks",
    "/audit/pack",
    "/audit/pack?from=2019-05-01&to=2019-05-31",
    "/audit/records/60000",
    "/close",
    "/close/2019-05",
    "/close/2019-12",
    "/contributions",
    "/contributions?as_of=2019-12-31",
    "/contributions?as_of=2019-12-31&known_at=2020-01-10T00:00:00Z",
    "/contributions?from=2018-07-14",
    "/contributions?known_at=2019-08-10T00:00:00Z",
    "/contributions?venue=synthetic-spot",
    "/contributions/events",
    "/contributions/events/10000",
    "/contributions/reports/193",
    "/contributions/reports/193/changes.csv",
    "/contributions/reports/262/failed.csv",
    "/contributions/reports/708",
    "/entries/1",
    "/entries/50000",
    "/entries/50000/reverse",
    "/entries/new",
    "/entries/new?clone=50000",
    "/evidence",
    "/favicon.ico",
    "/journal",
    "/journal?account=1110",
    "/journal?account=1210",
    "/journal?account=3&asset=BTC",
    "/journal?account=5210",
    "/journal?as_of=2019-05-07",
    "/journal?asset=USD",
    "/journal?asset=BTC",
    "/journal?cursor=50000",
    "/journal?event=E02",
    "/journal?event=E01",
    "/journal?account=1210&event=E22",
    "/journal?from=2019-12-01&to=2019-12-31",
    "/journal?text=nothing-has-these-words",
    "/journal?text=theft",
    "/keys/new",
    "/keys/revocation",
    "/livez",
    "/login",
    "/metrics",
    "/people",
    "/people/3/end-sessions",
    "/people/3/invitation",
    "/people/3/name",
    "/people/3/reset",
    "/people/3/role",
    "/people/new",
    "/problems/forbidden",
    "/readyz",
    "/reconciliation?period=2020-06",
    "/reports/ageing?as_of=2020-06-30&known_at=2019-12-31T00:00:00Z",
    "/reports/balance-sheet?as_of=2020-06-30&known_at=2019-12-31T00:00:00Z",
    "/reports/trial-balance?as_of=2019-12-31&compare_as_of=2019-06-30",
    "/reports/trial-balance?as_of=2020-06-30&known_at=2019-07-10T00:00:00Z",
    "/reports/trial-balance?as_of=2020-06-30&known_at=2019-12-31T00:00:00Z",
    "/step-up",
];

/// Addresses that are not opened, with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("/account/provider", "is there where the book has a provider of logins"),
    ("/login/provider", "leads to another site, and the book has no provider"),
    ("/login/provider/callback", "comes from another site"),
    ("/setup", "is there until the first login is"),
];

/// Files, not pages: as long as what they are asked for.
const FILES: &[&str] = &["/audit/pack.zip"];

/// Opens every kind of page, and prints how long the server takes.
pub fn walk() {
    let prepared = prepared::open();
    let served = Served::pages(&prepared.book);
    let nothing = Served::nothing();
    let found = Found::look(&mut served.connect(), &prepared.known);
    println!("\n{:<64} {:>9} {:>9} {:>6} {:>9}", "page (P15)", "median ms", "least ms", "rows", "bytes");
    let (mut slowest, mut floors) = (Opened::default(), Vec::new());
    for (kind, addresses) in &found.kinds {
        let worst = addresses.iter().map(|address| {
            let mut empty = nothing.connect();
            floors.push(time(|| drop(empty.page("/", ""))).as_secs_f64());
            Opened::measure(&mut served.connect(), address)
        });
        let worst = worst.max_by(|a, b| a.median.total_cmp(&b.median)).unwrap();
        println!("{kind:<64} {:>9.1} {:>9.1} {:>6} {:>9}", worst.median * 1e3, worst.least * 1e3, worst.rows, worst.bytes);
        if worst.median > LIMIT_SECONDS {
            println!("    over the limit: {}", worst.path);
        }
        if worst.median > slowest.median && !FILES.iter().any(|file| kind.starts_with(file)) {
            slowest = worst;
        }
    }
    println!("    a handler that does nothing: {}", millis(median(floors)));
    let name = format!("P15 slowest of {} kinds: {}", found.kinds.len(), slowest.path);
    at_most(&name, &millis(slowest.median), &millis(LIMIT_SECONDS), slowest.median / LIMIT_SECONDS, 1.0);
    found.complete();
}

/// An address and whose session opens it.
#[derive(Clone)]
struct Address {
    path: String,
    session: String,
}

/// How long one address takes.
#[derive(Default)]
struct Opened {
    path: String,
    median: f64,
    least: f64,
    rows: usize,
    bytes: usize,
}

impl Opened {
    fn measure(client: &mut Client<'_>, address: &Address) -> Self {
        let mut body = Vec::new();
        let mut visit = || {
            let took = time(|| body = client.page(&address.path, &address.session).1);
            took.as_secs_f64()
        };
        let took: Vec<f64> = (0..VISITS).map(|_| visit()).collect();
        let least = took.iter().copied().fold(f64::MAX, f64::min);
        let rows = String::from_utf8_lossy(&body).matches("<tr").count();
        Self { path: address.path.clone(), median: median(took), least, rows, bytes: body.len() }
    }
}

/// Addresses by kind, and the patterns that none of them has.
struct Found {
    kinds: BTreeMap<String, Vec<Address>>,
    missing: Vec<String>,
}

impl Found {
    /// Tries what is asked for and what pages link to, as whoever is let in first.
    fn look(client: &mut Client<'_>, known: &Known) -> Self {
        let patterns = patterns();
        let mut queue: VecDeque<String> = ASKED.iter().map(|path| (*path).to_owned()).collect();
        queue.push_back(format!("/invitation/{}", known.invitation));
        queue.push_back("/audit/pack.zip?from=2019-05-01&to=2019-05-07".to_owned());
        let (asked, mut seen, mut open) = (queue.len(), BTreeSet::new(), BTreeSet::new());
        let mut all: BTreeMap<String, Vec<(bool, Address)>> = BTreeMap::new();
        for at in 0.. {
            let Some(path) = queue.pop_front() else { break };
            let Some(pattern) = patterns.iter().find(|pattern| fits(pattern, &path)) else { continue };
            if !seen.insert(path.clone()) {
                continue;
            }
            let known_of_kind = all.entry(kind(pattern, &path)).or_default();
            if at >= asked && known_of_kind.len() >= 2 * ADDRESSES {
                continue;
            }
            let Some((session, body)) = let_in(client, &path, known) else { continue };
            open.insert(pattern.clone());
            known_of_kind.push((at < asked, Address { path, session }));
            queue.extend(links(&body));
        }
        let left_out = |pattern: &&String| LEFT_OUT.iter().any(|(left, _)| left == pattern);
        let missing = patterns.iter().filter(|pattern| !open.contains(*pattern) && !left_out(pattern)).cloned().collect();
        let kinds = all.into_iter().filter(|(_, found)| !found.is_empty()).map(|(kind, found)| (kind, chosen(found)));
        Self { kinds: kinds.collect(), missing }
    }

    /// Ends the bench where a page was not opened.
    fn complete(&self) {
        assert!(self.missing.is_empty(), "no address of these was opened; name one in ASKED: {}", self.missing.join(", "));
    }
}

/// All that are asked for, and some of the others from first to last.
fn chosen(found: Vec<(bool, Address)>) -> Vec<Address> {
    let (asked, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|(asked, _)| *asked);
    let step = others.len().div_ceil(ADDRESSES).max(1);
    asked.into_iter().chain(others.into_iter().step_by(step)).map(|(_, address)| address).collect()
}

/// The patterns of everything that is answered to browsers, in the order in which they are tried.
fn patterns() -> Vec<String> {
    let all = routes::all().into_iter().filter(|route| route.method == Method::Get && !route.path.starts_with("/api/v"));
    all.map(|route| route.path).collect()
}

fn fits(pattern: &str, path: &str) -> bool {
    let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (wanted, given) = (parts(pattern), parts(path.split('?').next().unwrap()));
    wanted.len() == given.len() && wanted.iter().zip(&given).all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
}

/// The first session that is let in, with the page; nothing where nobody is.
fn let_in(client: &mut Client<'_>, path: &str, known: &Known) -> Option<(String, String)> {
    ROLES.iter().zip(&known.sessions).find_map(|(role, session)| {
        let (status, body) = client.page(path, session);
        assert!(status < 500, "{path} as {role}: {status}");
        (200..300).contains(&status).then(|| (session.clone(), String::from_utf8_lossy(&body).into_owned()))
    })
}

/// Addresses of this site that a page links to, but files made of a page.
fn links(html: &str) -> Vec<String> {
    let found = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let found = found.map(|href| href.replace("&#38;", "&").replace("&amp;", "&"));
    let bare = found.map(|href| href.split('#').next().unwrap().to_owned());
    bare.filter(|href| href.starts_with('/') && !href.contains("format=")).collect()
}

/// The pattern, with the names of reports, and the names of its parameters.
fn kind(pattern: &str, path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut kind = if pattern == "/reports/{name}" { path.to_owned() } else { pattern.to_owned() };
    let names: BTreeSet<&str> =
        query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty()).collect();
    for (at, name) in names.iter().enumerate() {
        write!(kind, "{}{name}", if at == 0 { '?' } else { '&' }).unwrap();
    }
    kind
}
