//! The reference data a decision needs, loaded once per command inside its transaction.

use crate::domain::account::{Account, AccountNo};
use crate::domain::asset::{Asset, AssetId};
use crate::domain::ids::{VenueId, WalletId};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::reference::{self, VenueRow, WalletRow};
use std::collections::BTreeMap;

/// The functional currency is always the first asset of a book.
pub const FUNCTIONAL: AssetId = AssetId(1);

/// Assets, accounts, wallets and venues of a book.
#[derive(Debug, Clone)]
pub struct Refs {
    /// Assets by number.
    pub assets: BTreeMap<AssetId, Asset>,
    /// Accounts by number.
    pub accounts: BTreeMap<AccountNo, Account>,
    /// Wallets by number.
    pub wallets: BTreeMap<WalletId, WalletRow>,
    /// Venues by number.
    pub venues: BTreeMap<VenueId, VenueRow>,
}

impl Refs {
    /// Loads everything; a book has tens of each, not thousands.
    pub fn load(conn: &mut Conn) -> Result<Self, StoreError> {
        let assets =
            reference::asset_rows(conn)?.iter().map(|row| row.to_domain().map(|a| (a.id, a))).collect::<Result<_, _>>()?;
        let accounts =
            reference::account_rows(conn)?.iter().map(|row| row.to_domain().map(|a| (a.no, a))).collect::<Result<_, _>>()?;
        let wallets = reference::wallet_rows(conn)?.into_iter().map(|row| (WalletId(row.id), row)).collect();
        let venues = reference::venue_rows(conn)?.into_iter().map(|row| (VenueId(row.id), row)).collect();
        Ok(Self { assets, accounts, wallets, venues })
    }

    /// The asset with this code.
    pub fn asset(&self, pointer: &str, code: &str) -> Result<&Asset, Rejection> {
        self.assets.values().find(|asset| asset.code.as_str() == code).ok_or_else(|| {
            let known: Vec<&str> = self.assets.values().map(|a| a.code.as_str()).collect();
            Rejection::new(
                OutcomeCode::UnknownAsset,
                pointer,
                code,
                format!("is not an asset of this book; known are {}; add it with `safu assets add`", known.join(", ")),
            )
        })
    }

    /// The asset with this number.
    pub fn asset_by_id(&self, id: AssetId) -> Result<&Asset, StoreError> {
        self.assets.get(&id).ok_or_else(|| StoreError::Damaged(format!("asset {} is referred to but missing", id.0)))
    }

    /// The code of an asset, for texts.
    pub fn code(&self, id: AssetId) -> &str {
        self.assets.get(&id).map_or("?", |asset| asset.code.as_str())
    }

    /// The scale of an asset; 0 if it is missing.
    pub fn scale(&self, id: AssetId) -> u8 {
        self.assets.get(&id).map_or(0, |asset| asset.scale)
    }

    /// The wallet with this code.
    pub fn wallet(&self, pointer: &str, code: &str) -> Result<(WalletId, AccountNo), Rejection> {
        let found = self.wallets.iter().find(|(_, wallet)| wallet.code == code);
        found.map(|(id, wallet)| (*id, AccountNo(wallet.account_no))).ok_or_else(|| {
            let known: Vec<&str> = self.wallets.values().map(|w| w.code.as_str()).collect();
            Rejection::new(
                OutcomeCode::UnknownWallet,
                pointer,
                code,
                format!("is not a wallet of this book; known are {}; add it with `safu wallets add`", known.join(", ")),
            )
        })
    }

    /// The venue with this code.
    pub fn venue(&self, pointer: &str, code: &str) -> Result<(VenueId, &VenueRow), Rejection> {
        let found = self.venues.iter().find(|(_, venue)| venue.code == code);
        found.map(|(id, venue)| (*id, venue)).ok_or_else(|| {
            let known: Vec<&str> = self.venues.values().map(|v| v.code.as_str()).collect();
            Rejection::new(
                OutcomeCode::UnknownVenue,
                pointer,
                code,
                format!("is not a venue of this book; known are {}; add it with `safu venues add`", known.join(", ")),
            )
        })
    }
}
