//! Canonical bytes of rows: the leaves of the sub-tree that a file or a batch has in the public log.
//!
//! ```text
//! row   = 0x01 field*                  0x01 is the version of this encoding
//! field = length text                  length: 32 bits, big-endian, of the UTF-8 bytes of the text
//! ```
//! The first field is the kind of row; it keeps a row of one kind from being passed off as another. Then, in this order:
//!
//! | kind | fields |
//! |---|---|
//! | `fee-row` | venue, business_date, pair, fee_asset, trades, volume_base, volume_quote, gross_fee, rebate, net_fee |
//! | `fee-event` | external_id, venue, business_date, pair (empty if none), fee_asset, net_fee |
//!
//! Days are `2018-07-14`. Amounts are plain decimals in whole units without needless zeros: `1.5`, `-0.00000001`, `0`. So the
//! bytes depend on what a row says, not on how its file spelled it. The leaf hash is that of RFC 6962: SHA-256 over 0x00 and the
//! row.

use crate::domain::amount::Quantity;
use crate::domain::asset::AssetCode;
use crate::domain::contribution::event::FeeEvent;
use crate::domain::contribution::rows::{FeeRow, RowSet, VOLUME_SCALE};
use jiff::civil::Date;
use sha2::{Digest, Sha256};

/// The version of the encoding.
pub const ROW_VERSION: u8 = 0x01;
/// The prefix that RFC 6962 puts before a leaf's bytes when hashing.
const LEAF_PREFIX: u8 = 0x00;
/// Ten to the power of 19, the largest that 64 bits hold.
const TEN_19: u128 = 10_u128.pow(19);

/// Writes rows one after the other into the same buffer.
#[derive(Debug)]
pub struct RowEncoder {
    /// The leaf prefix, then the row.
    buffer: Vec<u8>,
}

impl Default for RowEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl RowEncoder {
    /// An encoder without a row yet.
    pub fn new() -> Self {
        Self { buffer: Vec::with_capacity(256) }
    }

    /// Begins a row of this kind and forgets the one before.
    pub fn begin(&mut self, kind: &str) -> &mut Self {
        self.buffer.clear();
        self.buffer.extend([LEAF_PREFIX, ROW_VERSION]);
        self.text(kind)
    }

    /// A text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.field(|buffer| buffer.extend(text.as_bytes()))
    }

    /// A count.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.amount(i128::from(number), 0)
    }

    /// A day of the years 0 to 9999.
    pub fn day(&mut self, day: Date) -> &mut Self {
        let digits = |number: i16| b'0'.saturating_add(u8::try_from(number.rem_euclid(10)).unwrap_or_default());
        let (year, month, of_month) = (day.year(), i16::from(day.month()), i16::from(day.day()));
        self.field(|buffer| {
            buffer.extend([1000, 100, 10, 1].map(|place| digits(year.checked_div(place).unwrap_or_default())));
            for part in [month, of_month] {
                buffer.extend([b'-', digits(part / 10), digits(part)]);
            }
        })
    }

    /// An amount in minor units, written in whole units.
    pub fn amount(&mut self, minor: i128, scale: u8) -> &mut Self {
        self.field(|buffer| push_decimal(buffer, minor, scale))
    }

    /// The row's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(1..).unwrap_or_default()
    }

    /// The row's leaf hash, which is also what tells one content from another.
    pub fn leaf_hash(&self) -> [u8; 32] {
        Sha256::digest(&self.buffer).into()
    }

    /// Writes a field and then its length before it.
    fn field(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        let at = self.buffer.len();
        self.buffer.extend([0; 4]);
        let start = self.buffer.len();
        write(&mut self.buffer);
        // Texts are bounded by their parsers far below 2^32.
        let length = u32::try_from(self.buffer.len().saturating_sub(start)).unwrap_or(u32::MAX);
        if let Some(place) = self.buffer.get_mut(at..start) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        self
    }
}

/// Writes a plain decimal without needless zeros, from the last digit to the first, without allocating.
fn push_decimal(buffer: &mut Vec<u8>, minor: i128, scale: u8) {
    let start = buffer.len();
    let magnitude = minor.unsigned_abs();
    let mut low = u64::try_from(magnitude % TEN_19).unwrap_or_default();
    let mut high = u64::try_from(magnitude / TEN_19).unwrap_or_default();
    let mut place = 0_u8;
    while place <= scale || low != 0 || high != 0 {
        if place == 19 {
            low = std::mem::take(&mut high);
        }
        let digit = u8::try_from(low % 10).unwrap_or_default();
        low /= 10;
        let fraction_begun = buffer.len() > start;
        if place == scale && fraction_begun {
            buffer.push(b'.');
        }
        if place >= scale || digit != 0 || fraction_begun {
            buffer.push(b'0'.saturating_add(digit));
        }
        place = place.saturating_add(1);
    }
    if minor < 0 {
        buffer.push(b'-');
    }
    if let Some(written) = buffer.get_mut(start..) {
        written.reverse();
    }
}

/// Encodes a row of a fee report. `None` when the row is not of this set.
pub fn fee_row<'e>(encoder: &'e mut RowEncoder, set: &RowSet, row: &FeeRow) -> Option<&'e RowEncoder> {
    let asset = set.asset(row.asset)?;
    encoder
        .begin("fee-row")
        .text(set.venue.as_str())
        .day(set.business_date)
        .text(set.pair(row.pair))
        .text(asset.code.as_str())
        .number(row.trades)
        .amount(row.volume_base, VOLUME_SCALE)
        .amount(row.volume_quote, VOLUME_SCALE)
        .amount(row.gross_fee.minor(), asset.scale)
        .amount(row.rebate.minor(), asset.scale)
        .amount(row.net_fee().minor(), asset.scale);
    Some(encoder)
}

/// What an event refers to by number, as names.
#[derive(Debug, Clone, Copy)]
pub struct EventNames<'n> {
    /// The venue.
    pub venue: &'n str,
    /// The pair; empty if the event has none.
    pub pair: &'n str,
    /// The asset's code.
    pub asset: &'n AssetCode,
    /// The asset's decimals.
    pub scale: u8,
}

/// Encodes a contribution event.
pub fn fee_event<'e>(encoder: &'e mut RowEncoder, event: &FeeEvent, names: EventNames<'_>) -> &'e RowEncoder {
    let Quantity(net_fee) = event.net_fee;
    encoder
        .begin("fee-event")
        .text(event.external_id.as_str())
        .text(names.venue)
        .day(event.business_date)
        .text(names.pair)
        .text(names.asset.as_str())
        .amount(net_fee, names.scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::amount::format_minor_trimmed;
    use crate::domain::asset::AssetId;
    use crate::domain::contribution::rows::parse_rows;
    use crate::domain::ids::VenueId;
    use crate::domain::text::Name;
    use proptest::prelude::*;

    /// The largest amount there is.
    const MOST: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;
    const FILE: &[u8] = b"venue,business_date,pair,fee_asset,trades,volume_base,volume_quote,gross_fee,rebate,net_fee\n\
        spot,2018-07-14,BTC-USD,BTC,12,100.50,600000,0.10,0.2,-0.10\n";

    #[test]
    fn the_bytes_and_hash_of_a_row_are_those_of_an_independent_encoder() {
        let set = parse_rows(FILE, None, &mut |_| Some((AssetId(2), 8))).unwrap();
        let mut encoder = RowEncoder::new();
        encoder.begin("left over from before");
        let encoded = fee_row(&mut encoder, &set, &set.rows[0]).unwrap();
        assert_eq!(
            hex::encode(encoded.bytes()),
            "01000000076665652d726f770000000473706f740000000a323031382d30372d3134000000074254432d55534400000003425443000000023132000000053130302e350000000636303030303000000003302e3100000003302e32000000042d302e31"
        );
        assert_eq!(hex::encode(encoded.leaf_hash()), "6830c28501265a6635c3a79046467a7ba466f4a0a455051b591ab9134da7dffe");
    }

    #[test]
    fn the_bytes_and_hash_of_an_event_are_those_of_an_independent_encoder() {
        let event = FeeEvent {
            index: 7,
            external_id: Name::parse("a-1").unwrap(),
            venue: VenueId(1),
            business_date: "2018-07-14".parse().unwrap(),
            pair: None,
            asset: AssetId(2),
            net_fee: Quantity(8_000_000),
        };
        let mut encoder = RowEncoder::new();
        let names = EventNames { venue: "spot", pair: "", asset: &AssetCode::parse("BTC").unwrap(), scale: 8 };
        let encoded = fee_event(&mut encoder, &event, names);
        assert_eq!(
            hex::encode(encoded.bytes()),
            "01000000096665652d6576656e7400000003612d310000000473706f740000000a323031382d30372d3134000000000000000342544300000004302e3038"
        );
        assert_eq!(hex::encode(encoded.leaf_hash()), "aec85d26c73d8e9cb6fc9a14fe99a680228fdcb4d70bfc9ceb8fdd664c020766");
    }

    #[test]
    fn neighbouring_fields_cannot_run_into_each_other() {
        let mut encoder = RowEncoder::new();
        let one = encoder.begin("k").text("ab").text("c").leaf_hash();
        assert_ne!(one, encoder.begin("k").text("a").text("bc").leaf_hash());
        assert_ne!(one, encoder.begin("k").text("ab").text("c").text("").leaf_hash());
    }

    proptest! {
        #[test]
        fn decimals_are_written_as_everywhere_else(minor in -MOST..=MOST, small in -2_000_i128..2_000, scale in 0_u8..=18) {
            let padded = small.checked_mul(10_i128.pow(18)).unwrap();
            for minor in [minor, small, padded] {
                let mut written = Vec::new();
                push_decimal(&mut written, minor, scale);
                prop_assert_eq!(String::from_utf8(written).unwrap(), format_minor_trimmed(minor, scale));
            }
        }
    }
}
