//! Single contribution events: small JSON bodies on the hot path.
//!
//! A body is a JSON list or NDJSON (one object per line). It is taken or refused as a whole; a refusal names every bad field as
//! `/index/field`, counted from 0 in both forms. Texts are borrowed from the body while reading; an accepted event owns one
//! string, its external id, and pairs are kept once per body.

use super::findings::Findings;
use super::json::{Fields, Loose, Record};
use super::rows::{PairNo, amount_mend};
use super::{DAY_MEND, Directory, parse_day};
use crate::domain::amount::{MAX_SCALE, Quantity};
use crate::domain::asset::AssetId;
use crate::domain::ids::VenueId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::Name;
use jiff::civil::Date;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use std::collections::HashMap;
use std::fmt;

/// The most events one body may have.
pub const MAX_EVENTS: usize = 10_000;

const FIELDS: Fields<6> = Fields(&["external_id", "venue", "business_date", "pair", "fee_asset", "net_fee"]);

/// One contribution event: fees of one venue and day in one asset, under an id of the sender's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeEvent {
    /// Its place in the body, from 0.
    pub index: u32,
    /// The sender's id, unique within the venue.
    pub external_id: Name,
    /// The venue the fees were taken at.
    pub venue: VenueId,
    /// The day the fees are for, in UTC.
    pub business_date: Date,
    /// The traded pair, if the sender says it.
    pub pair: Option<PairNo>,
    /// The asset the fees were taken in.
    pub asset: AssetId,
    /// Fees less rebates, zero or more.
    pub net_fee: Quantity,
}

impl FeeEvent {
    /// True when the other event says the same under the same id, wherever in the body it stands.
    fn same_content(&self, other: &Self) -> bool {
        (self.business_date, self.pair, self.asset, self.net_fee) == (other.business_date, other.pair, other.asset, other.net_fee)
    }
}

/// An event that the same body already had, word for word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// Its place in the body, from 0.
    pub index: u32,
    /// The place in the body of the event it repeats.
    pub first: u32,
}

/// The events of one body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventBatch {
    /// Distinct events in the order of the body; never empty in an accepted batch.
    pub events: Vec<FeeEvent>,
    /// Those that repeat one of them: answered like it, posted once.
    pub repeats: Vec<Repeat>,
    /// The pairs that events refer to.
    pub pairs: Vec<Name>,
}

impl EventBatch {
    /// The name of an event's pair; empty when it has none.
    pub fn pair(&self, pair: Option<PairNo>) -> &str {
        pair.and_then(|p| usize::try_from(p.0).ok()).and_then(|at| self.pairs.get(at)).map_or("", Name::as_str)
    }
}

/// Reads a body of events. `today` (UTC) is the last day an event may be for.
pub fn parse_events(body: &[u8], directory: &dyn Directory, today: Date) -> Result<EventBatch, Rejection> {
    let malformed = |detail: &str| Rejection::new(OutcomeCode::Malformed, "", "", detail);
    if body.starts_with(b"\xEF\xBB\xBF") {
        return Err(malformed("the body starts with a byte order mark (BOM); send UTF-8 without BOM"));
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8; send UTF-8"))?;
    let mut sink = Sink::new(directory, today);
    match text.trim_start_matches([' ', '\t', '\r', '\n']).bytes().next() {
        Some(b'[') => sink.list(text)?,
        Some(b'{') => sink.lines(text),
        None => return Err(malformed("the body is empty; send at least one event")),
        Some(_) => return Err(malformed("the body is neither a JSON list nor JSON objects line by line; send one of them")),
    }
    sink.finish()
}

/// Takes events one by one.
struct Sink<'d> {
    directory: &'d dyn Directory,
    today: Date,
    findings: Findings,
    events: Vec<FeeEvent>,
    pairs: Vec<Name>,
    pair_numbers: HashMap<String, PairNo>,
    /// How many events were met, good or bad.
    met: u32,
}

impl<'d> Sink<'d> {
    fn new(directory: &'d dyn Directory, today: Date) -> Self {
        Self {
            directory,
            today,
            findings: Findings::new(),
            events: Vec::new(),
            pairs: Vec::new(),
            pair_numbers: HashMap::new(),
            met: 0,
        }
    }

    /// True, and noted, when one event more than the limit was met.
    fn too_many(&mut self) -> bool {
        let over = usize::try_from(self.met).unwrap_or(usize::MAX) >= MAX_EVENTS;
        if over {
            let detail = format!("the body has more than {MAX_EVENTS} events; send the rest in further requests");
            self.findings.add(OutcomeCode::BodyTooLarge, "", "", detail);
        }
        over
    }

    fn list(&mut self, text: &str) -> Result<(), Rejection> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = List(self).deserialize(&mut deserializer).and_then(|()| deserializer.end());
        match read {
            // Reading stopped on purpose.
            Err(_) if self.findings.has(OutcomeCode::BodyTooLarge) => Ok(()),
            Err(error) => Err(Rejection::new(
                OutcomeCode::Malformed,
                "",
                "",
                format!("the body is not JSON ({error}); send a whole JSON list"),
            )),
            Ok(()) => Ok(()),
        }
    }

    fn lines(&mut self, text: &str) {
        for line in text.lines() {
            if self.too_many() {
                return;
            }
            match FIELDS.read(line) {
                Ok(record) => self.take(&record),
                Err(error) => {
                    let pointer = format!("/{}", self.met);
                    let detail = format!("the line is not one JSON object ({error}); write one complete object per line");
                    self.findings.add(OutcomeCode::Malformed, pointer, line, detail);
                    self.met = self.met.saturating_add(1);
                }
            }
        }
    }

    fn note(&mut self, field: &str, value: &str, detail: impl Into<String>) {
        self.findings.add(OutcomeCode::InvalidField, format!("/{}/{field}", self.met), value, detail);
    }

    /// Checks one event and keeps it if nothing is wrong with it.
    fn take(&mut self, record: &Record<'_, 6>) {
        let at = self.met;
        let pointer = |key: &str| if key.is_empty() { format!("/{at}") } else { format!("/{at}/{key}") };
        if record.note_shape(OutcomeCode::UnknownField, &mut self.findings, pointer) {
            let event = self.event(&record.values);
            self.events.extend(event);
        }
        self.met = self.met.saturating_add(1);
    }

    fn event(&mut self, values: &[Option<Loose<'_>>; 6]) -> Option<FeeEvent> {
        let [external_id, venue, day, pair, asset, net_fee] = values;
        let external_id = self.text("external_id", external_id.as_ref()).and_then(|text| self.name("external_id", text));
        let venue = self.text("venue", venue.as_ref()).and_then(|text| self.venue(text));
        let day = self.text("business_date", day.as_ref()).and_then(|text| self.day(text));
        let pair = match pair {
            None | Some(Loose::Null) => Some(None),
            given => self.text("pair", given.as_ref()).and_then(|text| self.pair(text)).map(Some),
        };
        let asset = self.text("fee_asset", asset.as_ref()).and_then(|text| self.asset(text));
        // The amount of an unknown asset is still read for its spelling, with the most decimals there are.
        let scale = asset.map_or(MAX_SCALE, |(_, scale)| scale);
        let net_fee = self.text("net_fee", net_fee.as_ref()).and_then(|text| self.amount(text, scale));
        Some(FeeEvent {
            index: self.met,
            external_id: external_id?,
            venue: venue?,
            business_date: day?,
            pair: pair?,
            asset: asset.map(|(id, _)| id)?,
            net_fee: net_fee?,
        })
    }

    fn text<'v>(&mut self, field: &str, value: Option<&'v Loose<'_>>) -> Option<&'v str> {
        match value {
            Some(Loose::Text(text)) => return Some(text),
            Some(other) => self.note(field, "", format!("is {}; write a string", other.kind())),
            None => self.note(field, "", "is missing"),
        }
        None
    }

    fn name(&mut self, field: &str, text: &str) -> Option<Name> {
        Name::parse(text).map_err(|error| self.note(field, text, error.to_string())).ok()
    }

    fn venue(&mut self, text: &str) -> Option<VenueId> {
        let venue = self.directory.venue(text);
        if venue.is_none() {
            let detail = "is not a venue of the book; mend the name or register the venue first";
            self.findings.add(OutcomeCode::UnknownVenue, format!("/{}/venue", self.met), text, detail);
        }
        venue
    }

    fn day(&mut self, text: &str) -> Option<Date> {
        match parse_day(text) {
            Some(day) if day <= self.today => return Some(day),
            Some(_) => self.note(
                "business_date",
                text,
                format!("is after today, {} UTC; an event is for a day that has begun", self.today),
            ),
            None => self.note("business_date", text, DAY_MEND),
        }
        None
    }

    fn pair(&mut self, text: &str) -> Option<PairNo> {
        if let Some(known) = self.pair_numbers.get(text) {
            return Some(*known);
        }
        let name = self.name("pair", text)?;
        let number = PairNo(u32::try_from(self.pairs.len()).ok()?);
        self.pairs.push(name);
        self.pair_numbers.insert(text.to_owned(), number);
        Some(number)
    }

    fn asset(&mut self, text: &str) -> Option<(AssetId, u8)> {
        let asset = self.directory.asset(text).map(|asset| (asset.id, asset.scale));
        if asset.is_none() {
            let detail = "is not an asset of the book; mend the code or register the asset first";
            self.findings.add(OutcomeCode::UnknownAsset, format!("/{}/fee_asset", self.met), text, detail);
        }
        asset
    }

    fn amount(&mut self, text: &str, scale: u8) -> Option<Quantity> {
        Quantity::parse_unsigned(text, scale).map_err(|error| self.note("net_fee", text, amount_mend(text, error))).ok()
    }

    fn finish(mut self) -> Result<EventBatch, Rejection> {
        if self.met == 0 && self.findings.is_empty() {
            self.findings.add(OutcomeCode::Malformed, "", "", "the list is empty; send at least one event");
        }
        let repeats = repeats(&self.events, &mut self.findings);
        self.findings.into_result()?;
        if !repeats.is_empty() {
            let dropped: std::collections::HashSet<u32> = repeats.iter().map(|repeat| repeat.index).collect();
            self.events.retain(|event| !dropped.contains(&event.index));
        }
        Ok(EventBatch { events: self.events, repeats, pairs: self.pairs })
    }
}

/// Events whose id the body had before: the same content is a repeat, other content a conflict.
fn repeats(events: &[FeeEvent], findings: &mut Findings) -> Vec<Repeat> {
    let mut seen: HashMap<(VenueId, &str), &FeeEvent> = HashMap::with_capacity(events.len());
    let mut repeats = Vec::new();
    for event in events {
        let first = *seen.entry((event.venue, event.external_id.as_str())).or_insert(event);
        if first.index == event.index {
            continue;
        }
        if first.same_content(event) {
            repeats.push(Repeat { index: event.index, first: first.index });
        } else {
            let detail = format!(
                "is the id of event {} of this body, which says something else; give each event an id of its own",
                first.index
            );
            findings.add(OutcomeCode::EventConflict, format!("/{}/external_id", event.index), &event.external_id, detail);
        }
    }
    repeats
}

/// Reads a JSON list straight into the sink, so that no tree of values is ever built.
struct List<'s, 'd>(&'s mut Sink<'d>);

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(record) = seq.next_element_seed(FIELDS)? {
            if self.0.too_many() {
                return Err(A::Error::custom("too many events"));
            }
            self.0.take(&record);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::SmallBook;
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"{"external_id":"a-1","venue":"spot","business_date":"2018-07-14","pair":"BTC-USD","fee_asset":"BTC","net_fee":"0.08"}"#;

    fn read(body: &str) -> Result<EventBatch, Rejection> {
        parse_events(body.as_bytes(), &SmallBook::new(), parse_day("2018-07-15").unwrap())
    }

    fn refused(body: &str, code: OutcomeCode, pointers: &[&str]) {
        let rejection = read(body).unwrap_err();
        assert_eq!(rejection.code, code, "{rejection}");
        assert_eq!(rejection.problems.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), pointers, "{rejection}");
    }

    #[test]
    fn lists_and_lines_say_the_same() {
        let second = GOOD.replace("a-1", "a-2").replace(r#""pair":"BTC-USD","#, "");
        let list = read(&format!(" [{GOOD},\n{second}] ")).unwrap();
        assert_eq!(read(&format!("{GOOD}\r\n{second}\n")).unwrap(), list);
        assert_eq!(list.events.len(), 2);
        assert_eq!(list.events[0].net_fee, Quantity(8_000_000));
        assert_eq!(list.pair(list.events[0].pair), "BTC-USD");
        assert_eq!(list.pair(list.events[1].pair), "");
        assert_eq!(read(&GOOD.replace("spot", "sp\\u006ft")).unwrap().events[0], list.events[0], "escapes are the same text");
    }

    #[test]
    fn every_bad_field_is_named_with_its_place() {
        let invalid = OutcomeCode::InvalidField;
        for amount in ["1e5", "1_000", "+1", ".5", "NaN", "-0", "-1", "0.123456789", "１", "", "1,5"] {
            refused(&format!("[{GOOD},{}]", GOOD.replace("a-1", "b").replace("0.08", amount)), invalid, &["/1/net_fee"]);
        }
        refused(&GOOD.replace("\"0.08\"", "0.08"), invalid, &["/0/net_fee"]);
        refused(&GOOD.replace("a-1", "a 1"), invalid, &["/0/external_id"]);
        refused(&GOOD.replace("2018-07-14", "2018-07-16"), invalid, &["/0/business_date"]);
        refused(&GOOD.replace("2018-07-14", "2018-7-14"), invalid, &["/0/business_date"]);
        refused(&GOOD.replace("BTC-USD", "BTC USD"), invalid, &["/0/pair"]);
        refused(&GOOD.replace("\"spot\"", "null").replace("0.08", "x"), invalid, &["/0/venue", "/0/net_fee"]);
        refused("[{}]", invalid, &["/0/external_id", "/0/venue", "/0/business_date", "/0/fee_asset", "/0/net_fee"]);
        refused(&format!("[{GOOD},5,[]]"), invalid, &["/1", "/2"]);
        refused(&GOOD.replace("spot", "attic"), OutcomeCode::UnknownVenue, &["/0/venue"]);
        refused(&GOOD.replace("\"BTC\"", "\"DOGE\""), OutcomeCode::UnknownAsset, &["/0/fee_asset"]);
        refused(&GOOD.replace("}", ",\"note\":{\"a\":[]}}"), OutcomeCode::UnknownField, &["/0/note"]);
        refused(&GOOD.replace("}", ",\"net_fee\":\"1\"}"), OutcomeCode::UnknownField, &["/0/net_fee"]);
    }

    #[test]
    fn bodies_that_cannot_be_read_are_named() {
        for body in [
            "",
            "  \n",
            "[]",
            "hello",
            "5",
            "[",
            "\u{feff}[]",
            &format!("[{GOOD}"),
            &format!("[{GOOD}] x"),
            &format!("[{GOOD},]"),
        ] {
            refused(body, OutcomeCode::Malformed, &[""]);
        }
        refused(&format!("{GOOD}\n\n{GOOD}\n{{\n"), OutcomeCode::Malformed, &["/1", "/3"]);
        assert_eq!(parse_events(b"\xFF", &SmallBook::new(), Date::MAX).unwrap_err().code, OutcomeCode::Malformed);
    }

    #[test]
    fn an_id_met_again_is_a_repeat_or_a_conflict() {
        let other = GOOD.replace("0.08", "0.09");
        let elsewhere = GOOD.replace("spot", "futures");
        let batch = read(&format!("[{GOOD},{elsewhere},{GOOD},{GOOD}]")).unwrap();
        assert_eq!(batch.events.iter().map(|e| e.index).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(batch.repeats, [Repeat { index: 2, first: 0 }, Repeat { index: 3, first: 0 }]);
        refused(&format!("[{GOOD},{elsewhere},{other}]"), OutcomeCode::EventConflict, &["/2/external_id"]);
        assert_eq!(read(&GOOD.replace("0.08", "0.080")).unwrap().events, read(GOOD).unwrap().events, "spelling does not matter");
    }

    #[test]
    fn more_events_than_the_limit_are_refused_in_both_forms() {
        let many: Vec<String> = (0..=MAX_EVENTS).map(|at| GOOD.replace("a-1", &at.to_string())).collect();
        refused(&format!("[{}]", many.join(",")), OutcomeCode::BodyTooLarge, &[""]);
        refused(&many.join("\n"), OutcomeCode::BodyTooLarge, &[""]);
        assert_eq!(read(&format!("[{}]", many[1..].join(","))).unwrap().events.len(), MAX_EVENTS);
        assert_eq!(read(&many[1..].join("\n")).unwrap().events.len(), MAX_EVENTS);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..200) {
            let read = |body: &[u8]| parse_events(body, &SmallBook::new(), Date::MAX);
            let _ = read(&bytes);
            let mut broken = format!("[{GOOD},{GOOD}]").into_bytes();
            let at = at.min(broken.len());
            broken.splice(at..at, bytes);
            let _ = read(&broken);
        }
    }
}
