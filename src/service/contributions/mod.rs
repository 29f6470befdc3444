//! Contributions: what venues owe the fund of their fees. Reports and single events come in here; what is due, what waits and
//! what is still to be settled is read here.

pub mod ageing;
mod batch;
pub mod calendar;
pub mod changes;
pub mod events;
mod feed;
mod known;
mod queue;
pub mod rejection;
pub mod reports;
pub mod stop;
pub mod view;
pub mod waiting;

use super::refs::Refs;
use crate::domain::amount::{Quantity, format_minor_trimmed};
use crate::domain::asset::{Asset, AssetId};
use crate::domain::contribution::Directory;
use crate::domain::ids::VenueId;
use crate::store::error::StoreError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

impl Directory for Refs {
    fn asset(&self, code: &str) -> Option<&Asset> {
        self.assets.values().find(|asset| asset.code.as_str() == code)
    }
    fn venue(&self, name: &str) -> Option<VenueId> {
        self.venues.iter().find(|(_, venue)| venue.code == name).map(|(id, _)| *id)
    }
}

/// Amounts by asset as `{code: text}`, the way answers, stored columns and the log have them.
pub(in crate::service) fn amounts_json(refs: &Refs, amounts: &[(AssetId, Quantity)]) -> Value {
    let text = |(asset, quantity): &(AssetId, Quantity)| {
        (refs.code(*asset).to_owned(), Value::String(format_minor_trimmed(quantity.minor(), refs.scale(*asset))))
    };
    Value::Object(amounts.iter().map(text).collect::<Map<_, _>>())
}

/// Reads what [`amounts_json`] wrote.
pub(in crate::service) fn parse_amounts(refs: &Refs, text: &str) -> Result<Vec<(AssetId, Quantity)>, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("amounts by asset {text:?}: {what}"));
    let stored: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| damaged("not a map of texts"))?;
    let amount = |(code, amount): (&String, &String)| {
        let asset = Directory::asset(refs, code).ok_or_else(|| damaged("an asset is missing"))?;
        let quantity = Quantity::parse(amount, asset.scale).map_err(|_| damaged("an amount is not one"))?;
        Ok((asset.id, quantity))
    };
    stored.iter().map(amount).collect()
}
