//! The assets of one book, to look up scales and codes and to know which one is the functional currency.

use crate::domain::amount::{Quantity, Value, format_minor_trimmed};
use crate::domain::asset::{Asset, AssetId};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::price::Price;
use std::collections::BTreeMap;

/// All assets of a book and the one that values are measured in.
#[derive(Debug, Clone)]
pub struct AssetTable {
    functional: AssetId,
    functional_scale: u8,
    assets: BTreeMap<AssetId, Asset>,
}

impl AssetTable {
    /// A table of `assets`; `functional` must be one of them.
    ///
    /// # Errors
    /// `UnknownAsset` when `functional` is not among the assets.
    pub fn new(functional: AssetId, assets: impl IntoIterator<Item = Asset>) -> Result<Self, Rejection> {
        let assets: BTreeMap<AssetId, Asset> = assets.into_iter().map(|asset| (asset.id, asset)).collect();
        let functional_scale = assets.get(&functional).map(|asset| asset.scale).ok_or_else(|| unknown(functional))?;
        Ok(Self { functional, functional_scale, assets })
    }

    /// The functional currency.
    pub const fn functional(&self) -> AssetId {
        self.functional
    }

    /// Decimals of the functional currency's units (2 for US dollars).
    pub const fn functional_scale(&self) -> u8 {
        self.functional_scale
    }

    /// The asset with this number.
    ///
    /// # Errors
    /// `UnknownAsset`.
    pub fn get(&self, asset: AssetId) -> Result<&Asset, Rejection> {
        self.assets.get(&asset).ok_or_else(|| unknown(asset))
    }

    /// The code for people; the number where the asset is not known.
    pub fn code(&self, asset: AssetId) -> String {
        self.assets.get(&asset).map_or_else(|| asset.0.to_string(), |a| a.code.to_string())
    }

    /// `1.5 BTC`.
    pub fn text(&self, asset: AssetId, quantity: Quantity) -> String {
        match self.assets.get(&asset) {
            Some(a) => format!("{} {}", format_minor_trimmed(quantity.minor(), a.scale), a.code),
            None => format!("{} smallest units of asset {}", quantity.minor(), asset.0),
        }
    }

    /// The price of an asset: exactly 1 for the functional currency, else what `prices` says.
    ///
    /// # Errors
    /// `PriceMissing`.
    pub fn price(&self, prices: &BTreeMap<AssetId, Price>, asset: AssetId) -> Result<Price, Rejection> {
        if asset == self.functional {
            return Ok(Price::ONE);
        }
        prices.get(&asset).copied().ok_or_else(|| {
            let code = self.code(asset);
            let detail = format!("there is no price of {code} for this day; import and lock one, then try again");
            Rejection::new(OutcomeCode::PriceMissing, format!("/prices/{code}"), "", detail)
        })
    }

    /// What `quantity` is worth at `price`.
    ///
    /// # Errors
    /// `UnknownAsset`; `InvalidField` when the value does not fit.
    pub fn fair_value(&self, asset: AssetId, quantity: Quantity, price: Price) -> Result<Value, Rejection> {
        price.fair_value(quantity, self.get(asset)?.scale).ok_or_else(|| {
            let detail = "is worth more than the book can hold; check the quantity and the price";
            Rejection::invalid("/quantity", self.text(asset, quantity), detail)
        })
    }
}

fn unknown(asset: AssetId) -> Rejection {
    Rejection::new(OutcomeCode::UnknownAsset, "/asset", asset.0, "is not an asset of this book; add it first")
}
