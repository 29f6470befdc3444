//! Posting and reading over real connections, beside a handler that does nothing behind the same kind of server.

use crate::book::{Bench, Bodies, DAY, bodies};
use crate::raw::Raw;
use crate::table::{at_least, at_most, in_turns, left_out, millis, note, per_second, rate, time};
use actix_web::{App, HttpResponse, HttpServer, web};
use safu_ledger::service::keys::KeyScope;
use safu_ledger::service::{Book, Call};
use safu_ledger::web::app::Limits;
use safu_ledger::web::server::{self, Options};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

const REQUESTS: usize = 25;
const EVENTS: usize = 1_000;
const PATH: &str = "/api/v1/contributions";

/// A server of this process; it lives as long as the process.
pub struct Served {
    address: SocketAddr,
    secret: String,
}

impl Served {
    fn book(bench: &Bench, scope: KeyScope) -> Self {
        let secret = bench.book.create_key(&Call::fresh("bench"), "bench", scope, None).unwrap().secret;
        Self { secret, ..Self::pages(&bench.book) }
    }

    /// Without a key: for what needs none.
    pub fn pages(book: &Book) -> Self {
        let (ready, address) = mpsc::channel();
        let book = book.clone();
        let limits = Limits { requests_per_second: 0, ..Limits::default() };
        let options = Options { listen: ([127, 0, 0, 1], 0).into(), signals: false, limits, ..Options::default() };
        std::thread::spawn(move || {
            server::run(book, &options, |running| {
                ready.send(running.addresses[0]).unwrap();
                Ok(())
            })
        });
        Self { address: address.recv().unwrap(), secret: String::new() }
    }

    /// Reads the body and answers with a few bytes.
    pub fn nothing() -> Self {
        let (ready, address) = mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let answer = |_: web::Bytes| async { HttpResponse::Created().body("{}") };
                let app = move || App::new().route(PATH, web::post().to(answer)).route("/", web::get().to(answer));
                let server = HttpServer::new(app).workers(2).disable_signals().bind(("127.0.0.1", 0)).unwrap();
                ready.send(server.addrs()[0]).unwrap();
                server.run().await.unwrap();
            });
        });
        Self { address: address.recv().unwrap(), secret: String::new() }
    }

    pub fn connect(&self) -> Client<'_> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { of: self, stream: BufReader::new(stream), request: Vec::new() }
    }

    /// Each sender posts its bodies on a connection of its own, all at the same time.
    fn post_all(&self, senders: &[Bodies], key: &str) {
        std::thread::scope(|scope| {
            for (sender, bodies) in senders.iter().enumerate() {
                scope.spawn(move || {
                    let mut client = self.connect();
                    for (at, body) in bodies.iter().enumerate() {
                        client.post(&format!("{key}-{sender:02}-{at:06}"), body);
                    }
                });
            }
        });
    }
}

impl Served {
    /// Requests a second: each of `senders` posts single events on a connection of its own, under ids made as they are sent.
    fn singles(&self, senders: usize, requests: usize, id: &(impl Fn(usize, usize) -> String + Sync)) -> f64 {
        rate(senders * requests, || {
            std::thread::scope(|scope| {
                for sender in 0..senders {
                    scope.spawn(move || {
                        let mut client = self.connect();
                        for at in 0..requests {
                            let id = id(sender, at);
                            client.post(&id, &crate::book::single(&id, at));
                        }
                    });
                }
            });
        })
    }
}

pub struct Client<'s> {
    of: &'s Served,
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
}

impl Client<'_> {
    fn post(&mut self, key: &str, body: &str) {
        self.request.clear();
        write!(
            self.request,
            "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {key}\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.of.secret,
            body.len()
        )
        .unwrap();
        drop(self.exchange());
    }

    /// Asks for something with the key and gives its body.
    fn get(&mut self, path: &str) -> Vec<u8> {
        self.request.clear();
        write!(self.request, "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", self.of.secret)
            .unwrap();
        self.exchange()
    }

    /// Asks for a page in a session and gives status and body.
    pub fn page(&mut self, path: &str, session: &str) -> (u16, Vec<u8>) {
        self.request.clear();
        write!(self.request, "GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: safu={session}\r\n\r\n").unwrap();
        self.answer()
    }

    fn exchange(&mut self) -> Vec<u8> {
        let (status, body) = self.answer();
        assert!((200..210).contains(&status), "{status} {}", String::from_utf8_lossy(&body));
        body
    }

    fn answer(&mut self) -> (u16, Vec<u8>) {
        self.stream.get_mut().write_all(&self.request).unwrap();
        let (mut line, mut length, mut status) = (String::new(), 0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if status.is_empty() {
                status.clone_from(&line);
            }
            match line.trim_end().to_ascii_lowercase().split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().unwrap(),
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        (status.split(' ').nth(1).unwrap().parse().unwrap(), body)
    }
}

/// P1: JSON in, durable, answered; to the raw loop.
pub fn posting() {
    let (bench, mut raw) = (Bench::sqlite(), Raw::new());
    let served = Served::book(&bench, KeyScope::Feed);
    let all = bodies(4, REQUESTS * 5, EVENTS);
    let rows = 4 * REQUESTS * EVENTS;
    let (ours, floor) = in_turns(
        |run| {
            let part: Vec<Bodies> = all.iter().map(|sender| sender[run * REQUESTS..][..REQUESTS].to_vec()).collect();
            rate(rows, || served.post_all(&part, &format!("run{run}")))
        },
        |_| rate(rows, || raw.post(4 * REQUESTS, EVENTS)),
    );
    at_least("P1 HTTP 4 × 1,000, to the raw loop", &per_second(ours), &per_second(floor), ours / floor, 0.6);
}

/// P3: requests of one event, on one connection and on 64.
pub fn singles() {
    let bench = Bench::sqlite();
    let (served, nothing) = (Served::book(&bench, KeyScope::Feed), Served::nothing());
    let (mut one, mut many, mut own, mut empty) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..5 {
        one.push(served.singles(1, 500, &in_order));
        many.push(served.singles(64, 200, &in_order));
        own.push(served.singles(64, 200, &|sender, at| format!("job{run}-{sender:02}-{at:010}")));
        empty.push(nothing.singles(64, 200, &in_order));
    }
    let [one, many, own, empty] = [one, many, own, empty].map(crate::table::median);
    at_least("P3 64 × 1, to 1 × 1", &per_second(many), &per_second(one), many / one, 4.0);
    at_least("   64 × 1, to a handler that does nothing", &per_second(many), &per_second(empty), many / empty, 0.3);
    note("   (the same, each sender with ids of its own)", &per_second(own), &per_second(empty), own / empty);
}

/// Ids as `docs/API.md` advises them: they grow in the order of time, whoever sends.
fn in_order(_: usize, _: usize) -> String {
    uuid::Uuid::now_v7().to_string()
}

/// P6: reports while four senders post as fast as they can.
pub fn reads_under_writes() {
    let bench = Bench::filled(100_000);
    let feed = bench.feed();
    let all = bodies(4, REQUESTS * 6, EVENTS);
    let part = |run: usize| -> Vec<Bodies> {
        let fresh = |body: &String| body.replace("job", "under");
        all.iter().map(|sender| sender[run * REQUESTS..][..REQUESTS].iter().map(fresh).collect()).collect()
    };
    let query = [("as_of".to_owned(), DAY.to_owned())];
    let rows = 4 * REQUESTS * EVENTS;
    let (mut quiet, mut busy, mut waits) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..3 {
        let (first, second) = (part(2 * run), part(2 * run + 1));
        quiet.push(rate(rows, || crate::book::post_in_parallel(&feed, &first, &format!("quiet{run}"))));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut waits = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    waits.push(time(|| drop(bench.book.report("trial-balance", &query).unwrap())).as_secs_f64());
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                waits
            });
            busy.push(rate(rows, || crate::book::post_in_parallel(&feed, &second, &format!("busy{run}"))));
            done.store(true, Ordering::Relaxed);
            waits.extend(reader.join().unwrap());
        });
    }
    let [quiet, busy] = [quiet, busy].map(crate::table::median);
    waits.sort_by(f64::total_cmp);
    let p99 = waits[waits.len() * 99 / 100];
    at_most("P6 report under full writes, p99 (limit 10 ms)", &millis(p99), &millis(waits[waits.len() / 2]), p99 * 100.0, 1.0);
    at_least("   writes beside a reader, to writes alone", &per_second(busy), &per_second(quiet), busy / quiet, 0.5);
    cached_report(&bench);
}

/// The report over HTTP while nothing changes, to the handler that does nothing.
fn cached_report(bench: &Bench) {
    let (served, nothing) = (Served::book(bench, KeyScope::Operate), Served::nothing());
    let many = |served: &Served, path: &str| {
        rate(4 * 500, || {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let mut client = served.connect();
                        (0..500).for_each(|_| drop(client.get(path)));
                    });
                }
            });
        })
    };
    let name = "   cached trial balance over HTTP, to nothing";
    let path = "/api/v1/reports/trial-balance";
    let known = safu_ledger::web::api::operations().iter().any(|operation| operation.full_path().starts_with("/api/v1/reports"));
    if !known {
        return left_out(name, "the API has no reports yet");
    }
    let (ours, floor) = in_turns(|_| many(&served, path), |_| many(&nothing, "/"));
    at_least(name, &per_second(ours), &per_second(floor), ours / floor, 0.15);
    note("   (rates of four connections)", &per_second(ours), &per_second(floor), ours / floor);
}
