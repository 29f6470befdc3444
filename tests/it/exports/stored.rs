//! A sample in a database: its entries go through the write path of the store, a thousand a transaction.

use super::book::Sample;
use crate::support::database::TestDb;
use safu_ledger::domain::entry::{Balanced, Dims, Draft, Posting};
use safu_ledger::service::clock::Clock;
use safu_ledger::service::init::{self, NewBook};
use safu_ledger::service::registry::{NewAsset, NewWallet};
use safu_ledger::service::{Book, Call};
use safu_ledger::store::conn::DatabaseUrl;
use safu_ledger::store::tx::{Stamp, Tx};

/// A book with the entries of the sample. Only wallets stay of what lines belong to: there are no incidents and no reports.
pub fn stored(db: &TestDb, sample: &Sample) -> Book {
    let clock = Clock::simulated("2020-01-01T12:00:00Z".parse().unwrap());
    let book = init::create(&DatabaseUrl::parse(db.url()).unwrap(), clock, "cli:test", &NewBook::default()).unwrap();
    // The first asset of the sample is the functional currency, which every book has.
    for asset in sample.assets.iter().skip(1) {
        let (code, network) = (asset.code.to_string(), asset.network.to_string());
        let new = NewAsset { code, network, scale: asset.scale, own_token: false };
        book.add_asset(&Call::fresh("cli:test"), new).unwrap().success().unwrap();
    }
    for (code, account) in [("cold", 1110), ("payout", 1120)] {
        let new = NewWallet::new(code, account, "");
        book.add_wallet(&Call::fresh("cli:test"), new).unwrap().success().unwrap();
    }
    let at = book.clock.now();
    for (number, chunk) in sample.entries.chunks(1_000).enumerate() {
        let stamp = Stamp { at, actor: "cli:test".to_owned(), request: format!("chunk-{number}") };
        let entries: Vec<Balanced> = chunk.iter().map(balanced).collect();
        let write = move |conn: &mut _| {
            let mut tx = Tx::begin(conn, stamp.clone())?;
            for entry in &entries {
                tx.post_entry(entry.clone(), "sample")?;
            }
            tx.commit()
        };
        book.store.write(write).unwrap();
    }
    book
}

fn balanced(entry: &super::book::Kept) -> Balanced {
    let mut draft = Draft::new(entry.event, entry.effective_on, entry.memo.clone());
    let bare =
        |line: &Posting| Posting { dims: Dims { wallet: line.dims.wallet, ..Dims::default() }, opens: None, ..line.clone() };
    draft.lines = entry.postings.iter().map(bare).collect();
    draft.balance().unwrap()
}
