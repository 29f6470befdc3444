//! Contributions: what venues owe the fund of their fees. Reports and single events come in here; what is due, what waits and
//! what is still to be settled is read here.

mod batch;
pub mod events;

use super::refs::Refs;
use crate::domain::asset::Asset;
use crate::domain::contribution::Directory;
use crate::domain::ids::VenueId;

impl Directory for Refs {
    fn asset(&self, code: &str) -> Option<&Asset> {
        self.assets.values().find(|asset| asset.code.as_str() == code)
    }
    fn venue(&self, name: &str) -> Option<VenueId> {
        self.venues.iter().find(|(_, venue)| venue.code == name).map(|(id, _)| *id)
    }
}
