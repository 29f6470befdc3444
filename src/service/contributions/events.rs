//! Single contribution events, the hot path: the entrance, where requests are parsed and hashed; `queue` groups them and `batch`
//! decides. Requests that arrive while one batch is being made durable share the next: one batch, one leaf, one entry a business date.
//! Each request keeps its own key and answer, and a refused one leaves its neighbours alone.

use super::queue::Queue;
use crate::domain::asset::{Asset, AssetId};
use crate::domain::contribution::Directory;
use crate::domain::contribution::event::{EventBatch, parse_events};
use crate::domain::ids::VenueId;
use crate::domain::outcome::OutcomeCode;
use crate::proof::merkle::{Frontier, Hash};
use crate::proof::row::{EventNames, RowEncoder, fee_event};
use crate::service::refs::Refs;
use crate::service::{Book, Call, Reply, check_key};
use crate::store::conn::Conn;
use crate::store::contribution::EventRow;
use crate::store::error::StoreError;
use crate::store::tx::Stamp;
use jiff::civil::Date;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::oneshot;

/// What a request is answered.
pub type Outcome = Result<Reply, StoreError>;

/// What the writer needs of a request besides its rows.
pub(super) struct Request {
    pub(super) call: Call,
    /// Over its rows; its root is the content that the idempotency key stands for.
    pub(super) tree: Frontier,
    pub(super) content: Hash,
    pub(super) rows: Vec<EventRow>,
    pub(super) dates: Vec<Date>,
    pub(super) leaves: Vec<Hash>,
    pub(super) repeats: usize,
}

/// Codes to numbers, for parsing outside the transaction. Assets and venues are never changed or removed, so an old copy can
/// only lack something; then it is loaded anew.
#[derive(Debug, Default)]
struct Names {
    assets: HashMap<String, Asset>,
    venues: HashMap<String, VenueId>,
    venue_names: HashMap<VenueId, String>,
    asset_codes: HashMap<AssetId, String>,
}

impl Names {
    fn load(conn: &mut Conn) -> Result<Self, StoreError> {
        let refs = Refs::load(conn)?;
        let mut names = Self::default();
        for (id, venue) in &refs.venues {
            names.venues.insert(venue.code.clone(), *id);
            names.venue_names.insert(*id, venue.code.clone());
        }
        for (id, asset) in refs.assets {
            names.asset_codes.insert(id, asset.code.to_string());
            names.assets.insert(asset.code.to_string(), asset);
        }
        Ok(names)
    }
}

impl Directory for Names {
    fn asset(&self, code: &str) -> Option<&Asset> {
        self.assets.get(code)
    }
    fn venue(&self, name: &str) -> Option<VenueId> {
        self.venues.get(name).copied()
    }
}

/// The entrance for single events of one process.
#[derive(Clone)]
pub struct EventFeed {
    book: Book,
    queue: Arc<Queue>,
    names: Arc<RwLock<Arc<Names>>>,
}

impl EventFeed {
    /// Starts with nothing waiting.
    pub fn start(book: &Book) -> Result<Self, StoreError> {
        let names = Arc::new(RwLock::new(Arc::new(book.read(Names::load)?)));
        Ok(Self { book: book.clone(), queue: Queue::start(book)?, names })
    }

    /// Parses and checks a request of up to 10,000 events (JSON array or NDJSON) and hands it to the writer; the answer comes
    /// once it is durable.
    ///
    /// # Errors
    /// What can be refused without the book's state, and a full queue.
    pub fn submit(&self, call: Call, body: &[u8]) -> Result<oneshot::Receiver<Outcome>, StoreError> {
        let request = self.prepare(call, body)?;
        check_key(&request.call.key)?;
        self.queue.join(request)
    }

    /// The same, waiting for the answer.
    pub fn submit_and_wait(&self, call: Call, body: &[u8]) -> Outcome {
        self.submit(call, body)?.blocking_recv().unwrap_or_else(|_| Err(stopped()))
    }

    fn prepare(&self, call: Call, body: &[u8]) -> Result<Request, StoreError> {
        let today = self.book.clock.today();
        let names = Arc::clone(&self.names.read().unwrap_or_else(PoisonError::into_inner));
        match parse_events(body, names.as_ref(), today) {
            Ok(batch) => Ok(build(&names, call, &batch)),
            Err(error) if [OutcomeCode::UnknownAsset, OutcomeCode::UnknownVenue].contains(&error.code) => {
                let fresh = Arc::new(self.book.read(Names::load)?);
                *self.names.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
                let batch = parse_events(body, fresh.as_ref(), today)?;
                Ok(build(&fresh, call, &batch))
            }
            Err(error) => Err(error.into()),
        }
    }
}

pub(super) fn stopped() -> StoreError {
    StoreError::Unavailable("the event feed has stopped".to_owned())
}

fn build(names: &Names, call: Call, batch: &EventBatch) -> Request {
    let mut encoder = RowEncoder::new();
    let mut request = Request {
        call,
        tree: Frontier::new(),
        content: [0; 32],
        rows: Vec::with_capacity(batch.events.len()),
        dates: Vec::with_capacity(batch.events.len()),
        leaves: Vec::with_capacity(batch.events.len()),
        repeats: batch.repeats.len(),
    };
    for event in &batch.events {
        let pair = batch.pair(event.pair);
        let venue = names.venue_names.get(&event.venue).map_or("", String::as_str);
        let asset = names.asset_codes.get(&event.asset).and_then(|code| names.assets.get(code));
        let Some(asset) = asset else { continue };
        let of = EventNames { venue, pair, asset: &asset.code, scale: asset.scale };
        request.leaves.push(fee_event(&mut encoder, event, of).leaf_hash());
        request.dates.push(event.business_date);
        request.rows.push(EventRow {
            venue_id: event.venue.0,
            external_id: event.external_id.as_str().to_owned(),
            business_date: event.business_date.to_string(),
            pair: pair.to_owned(),
            asset_id: event.asset.0,
            net_fee: event.net_fee.into(),
        });
    }
    request.leaves.iter().for_each(|leaf| request.tree.push(*leaf));
    request.content = request.tree.root();
    request
}

/// The requests of one commit; rows apart, because the batch that is stored shares them.
pub(super) struct Group {
    pub(super) requests: Vec<Request>,
    pub(super) rows: Arc<Vec<Vec<EventRow>>>,
}

impl Group {
    pub(super) fn new(mut requests: Vec<Request>) -> Self {
        let rows = requests.iter_mut().map(|request| std::mem::take(&mut request.rows)).collect();
        Self { requests, rows: Arc::new(rows) }
    }
}

impl Group {
    /// A batch of one request carries its actor and key; one of several names them in its body.
    pub(super) fn stamp(&self, at: jiff::Timestamp, which: &Range<usize>) -> Stamp {
        match self.requests.get(which.start) {
            Some(only) if which.len() == 1 => Stamp { at, actor: only.call.actor.clone(), request: only.call.key.clone() },
            _ => Stamp { at, actor: "feed".to_owned(), request: String::new() },
        }
    }
}
