//! The database cannot be written: a full disk, a file that is taken away, a server that is killed.

use super::{Target, get, post, post_until, settle};
use crate::support::child::{Child, eventually};
use crate::support::database::TestDb;
use crate::support::server::{TestServer, agent, new_book};
use crate::support::{left_out, program};
use safu_ledger::service::Call;
use safu_ledger::service::keys::KeyScope;
use safu_ledger::web::app::Limits;
use std::path::Path;
use std::process::Command;

const BANNER: &str = "Read-only: the database cannot be written";

struct Feed<'a> {
    origin: &'a str,
    key: String,
    agent: ureq::Agent,
}

impl Target for Feed<'_> {
    fn origin(&self) -> &str {
        self.origin
    }
    fn key(&self) -> &str {
        &self.key
    }
    fn agent(&self) -> &ureq::Agent {
        &self.agent
    }
}

/// A book with a key that feeds.
fn book_with_key(db: &TestDb) -> String {
    new_book(db).create_key(&Call::fresh("cli:test"), "feeder", KeyScope::Feed, None).unwrap().secret
}

/// Everybody is told that the book is read-only.
fn told(target: &impl Target) -> bool {
    let shown = get(target, "/journal").is_some_and(|page| page.text().contains(BANNER));
    shown && get(target, "/readyz").is_some_and(|answer| answer.status == 503)
}

/// Nothing is said any more, and a write is taken.
fn goes_on(target: &impl Target, key: &str) -> bool {
    post(target, key).is_some_and(|answer| matches!(answer.status, 200 | 201))
        && get(target, "/readyz").is_some_and(|answer| answer.status == 200)
        && get(target, "/journal").is_some_and(|page| page.status == 200 && !page.text().contains(BANNER))
}

/// The largest of the files of a book, which no write may exceed by much.
fn largest(database: &str) -> u64 {
    let path = database.trim_start_matches("sqlite://");
    let size = |end: &str| std::fs::metadata(format!("{path}{end}")).map_or(0, |file| file.len());
    ["", "-wal"].iter().map(|end| size(end)).max().unwrap()
}

#[test]
fn a_write_that_the_system_refuses_loses_nothing_and_writing_goes_on() {
    let Some(prlimit) = program("prlimit") else { return left_out("prlimit", "it is not installed") };
    let db = TestDb::sqlite();
    let key = book_with_key(&db);
    let folder = tempfile::tempdir().unwrap();
    let room = largest(db.url()) + (1 << 20);
    let child = Child::start_within(db.url(), folder.path(), &[], Some(room));
    let feed = Feed { origin: &child.origin, key, agent: agent() };
    let sent = post_until(&feed, "full", || eventually("the banner while the limit holds", || told(&feed)));
    assert!(sent.values().any(|done| *done) && sent.values().any(|done| !*done), "{} sent", sent.len());
    let raised = Command::new(prlimit).args(["--pid", &child.pid, "--fsize=unlimited:unlimited"]).status().unwrap();
    assert!(raised.success());
    let mut sent = sent;
    eventually("writing goes on", || goes_on(&feed, "after"));
    sent.insert("after".to_owned(), true);
    settle(&feed, db.url(), &sent);
}

#[test]
fn a_full_disk_loses_nothing_and_writing_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path()) else { return };
    let database = format!("sqlite://{}", folder.path().join("disk/book.db").display());
    let db = TestDb::at(&database);
    let key = book_with_key(&db);
    let child = Child::start(&database, folder.path(), &[]);
    let feed = Feed { origin: &child.origin, key, agent: agent() };
    let filler = folder.path().join("disk/filler");
    let mut sent = post_until(&feed, "before", || std::thread::sleep(std::time::Duration::from_millis(300)));
    // Whatever others leave free is taken: from here on no page of the log finds room.
    sent.extend(post_until(&feed, "full", || {
        fill(&filler);
        eventually("the banner while the disk is full", || {
            fill(&filler);
            told(&feed)
        });
    }));
    assert!(sent.values().any(|done| *done) && sent.values().any(|done| !*done), "{} sent", sent.len());
    std::fs::remove_file(filler).unwrap();
    eventually("writing goes on", || goes_on(&feed, "after"));
    sent.insert("after".to_owned(), true);
    settle(&feed, &database, &sent);
}

/// Takes the room that is left.
fn fill(filler: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::options().create(true).append(true).open(filler).unwrap();
    while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
}

/// A file system of a few megabytes in `disk`, in memory; only root may mount one.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(folder: &'a Path) -> Option<Self> {
        let disk = folder.join("disk");
        std::fs::create_dir(&disk).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(&disk).output();
        let refused = match mount {
            Ok(done) if done.status.success() => return Some(Self(folder)),
            Ok(done) => String::from_utf8_lossy(&done.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        // Root in a container without the right to mount is like anybody else.
        let may = std::fs::read_to_string("/proc/self/status").is_ok_and(|status| may_mount(&status));
        assert!(!may, "root could not mount a small disk: {refused}");
        eprintln!("left out: a small disk, which only root may mount; the limit on file sizes is tested instead");
        None
    }
}

/// CAP_SYS_ADMIN is bit 21 of the effective capabilities.
fn may_mount(status: &str) -> bool {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap_or_default();
    u64::from_str_radix(line.trim(), 16).is_ok_and(|bits| bits & (1 << 21) != 0)
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Lazily: the server may not have let go of its files yet.
        let _ = Command::new("umount").arg("-l").arg(self.0.join("disk")).status();
    }
}

#[test]
fn a_book_whose_file_was_taken_away_takes_nothing_until_it_is_back() {
    let db = TestDb::sqlite();
    let server = TestServer::serve(new_book(&db), Limits::default());
    let feed = Feed { origin: &server.origin, key: server.feed_key.clone(), agent: agent() };
    let path = server.book.store.url().path().unwrap().to_owned();
    let aside = path.with_extension("aside");
    let mut sent = post_until(&feed, "moved", || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        std::fs::rename(&path, &aside).unwrap();
        eventually("the banner while the file is away", || {
            get(&feed, "/journal").is_some_and(|page| page.text().contains(BANNER))
        });
        super::come_back(&post(&feed, "away").expect("an answer"));
    });
    sent.insert("away".to_owned(), false);
    std::fs::rename(&aside, &path).unwrap();
    eventually("writing goes on", || goes_on(&feed, "after"));
    sent.insert("after".to_owned(), true);
    settle(&feed, db.url(), &sent);
}

#[test]
fn a_server_killed_while_posting_leaves_what_it_answered() {
    let db = TestDb::sqlite();
    let key = book_with_key(&db);
    let folder = tempfile::tempdir().unwrap();
    let child = Child::start(db.url(), folder.path(), &[]);
    let feed = Feed { origin: &child.origin, key: key.clone(), agent: agent() };
    let sent = post_until(&feed, "killed", || {
        std::thread::sleep(std::time::Duration::from_millis(500));
        child.signal("KILL");
        eventually("the process is gone", || !child.runs());
    });
    assert!(sent.values().any(|done| *done) && sent.values().any(|done| !*done), "{} sent", sent.len());
    let again = Child::start(db.url(), folder.path(), &[]);
    settle(&Feed { origin: &again.origin, key, agent: agent() }, db.url(), &sent);
}

#[cfg(feature = "postgres")]
#[test]
fn a_database_server_killed_while_posting_loses_nothing_and_writing_goes_on() {
    use crate::support::postgres::Cluster;
    let cluster = match Cluster::own() {
        Ok(cluster) => cluster,
        Err(why) => return left_out("PostgreSQL", &why),
    };
    let db = TestDb::at(&cluster.database());
    let server = TestServer::serve(new_book(&db), Limits::default());
    let feed = Feed { origin: &server.origin, key: server.feed_key.clone(), agent: agent() };
    let mut sent = super::Sent::new();
    for round in 0..3 {
        sent.extend(post_until(&feed, &format!("crash{round}"), || {
            std::thread::sleep(std::time::Duration::from_millis(400));
            cluster.crash();
            eventually("the banner while the server is away", || {
                let page = get(&feed, "/problems/unavailable").is_some_and(|page| page.text().contains(BANNER));
                page && get(&feed, "/readyz").is_some_and(|answer| answer.status == 503)
            });
        }));
        cluster.start_again();
        let key = format!("after{round}");
        eventually("writing goes on", || goes_on(&feed, &key));
        sent.insert(key, true);
    }
    assert!(sent.values().any(|done| *done) && sent.values().any(|done| !*done), "{} sent", sent.len());
    settle(&feed, db.url(), &sent);
}
