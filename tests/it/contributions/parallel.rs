//! Many senders at once: one effect, the same bytes for every repetition, a conflict for everything else.

use super::book::*;
use safu_ledger::service::{Call, Reply};
use std::collections::BTreeMap;
use std::sync::Barrier;

/// Sends `count` submissions at the same moment; the `n`-th is made by `of`.
fn at_once<T: Send>(count: usize, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(count);
    std::thread::scope(|scope| {
        let run = |n| {
            let (barrier, of) = (&barrier, &of);
            scope.spawn(move || {
                barrier.wait();
                of(n)
            })
        };
        let threads: Vec<_> = (0..count).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

on_both_engines!(two_hundred_of_the_same_have_one_effect, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let rows = btc_file("2018-07-14", "1");
    let text = manifest(&rows, "spot-14", 1, None).to_json();
    let replies = at_once(200, |n| {
        // Half under one key, as a retry; half each under its own, as jobs that know nothing of each other.
        let key = if n % 2 == 0 { "same".to_owned() } else { format!("own-{n}") };
        book.submit_report(&Call::keyed("key:job", key), text.as_bytes(), rows.clone()).unwrap()
    });
    assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == replies[0].body));
    assert_eq!(replies.iter().filter(|reply| !reply.replayed).count(), 1);
    assert_eq!(standing(&book), ["spot-14 v1: accepted"]);
    assert_eq!(btc_on(&book, RECEIVABLE).0, 10_000_000);
    assert_whole(&book);
});

on_both_engines!(two_hundred_that_contradict_each_other_have_one_winner, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let files: Vec<Vec<u8>> = (1..=20).map(|net| btc_file("2018-07-14", &net.to_string())).collect();
    let texts: Vec<String> = files.iter().map(|rows| manifest(rows, "spot-14", 1, None).to_json()).collect();
    let replies = at_once(200, |n| {
        let which = n % 20;
        let call = Call::keyed("key:job", if n < 100 { "one-key".to_owned() } else { format!("own-{n}") });
        (which, book.submit_report(&call, texts[which].as_bytes(), files[which].clone()))
    });
    let mut outcomes: BTreeMap<u16, usize> = BTreeMap::new();
    let mut bodies: BTreeMap<usize, Vec<Reply>> = BTreeMap::new();
    for (which, reply) in replies {
        match reply {
            Ok(reply) => {
                *outcomes.entry(reply.status).or_default() += 1;
                bodies.entry(which).or_default().push(reply);
            }
            Err(error) => *outcomes.entry(error.into_rejection().code.status()).or_default() += 1,
        }
    }
    assert!(outcomes.keys().all(|status| [201, 409, 422].contains(status)), "{outcomes:?}");
    for replies in bodies.values() {
        assert!(replies.iter().all(|reply| reply.body == replies[0].body), "the same content has one answer");
        assert_eq!(replies.iter().filter(|reply| !reply.replayed).count(), 1);
    }
    let winners: Vec<usize> = bodies.iter().filter(|(_, replies)| replies[0].status == 201).map(|(which, _)| *which).collect();
    assert_eq!(winners.len(), 1);
    let expected = (winners[0] as i128 + 1) * 10_000_000;
    assert_eq!(btc_on(&book, RECEIVABLE).0, expected);
    assert_eq!(standing(&book).iter().filter(|state| state.ends_with("accepted")).count(), 1);
    assert_whole(&book);
});

on_both_engines!(versions_sent_in_any_order_at_once_end_at_the_last, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let files: Vec<Vec<u8>> = (1..=20).map(|net| btc_file("2018-07-14", &net.to_string())).collect();
    let replies = at_once(20, |n| {
        let version = u32::try_from(n).unwrap() + 1;
        submit(&book, &files[n], "spot-14", version, (version > 1).then(|| version - 1))
    });
    assert!(replies.iter().all(Reply::is_success));
    assert_eq!(btc_on(&book, RECEIVABLE).0, 200_000_000);
    assert_eq!(standing(&book).iter().filter(|state| state.ends_with("accepted")).count(), 1);
    assert_whole(&book);
});
