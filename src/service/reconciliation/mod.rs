//! Reconciliation: what nodes, custodians and banks say a wallet held, compared with the book's units of the same day. A difference
//! is a *break*; it stands until an observation matches again or the book is mended, and it is explained, given an owner, and signed
//! off month by month by somebody else than its preparer. One file a use case.
//!
//! Observations, breaks, their steps and sign-offs are facts. Whether a break still stands is derived, never stored: an entry that is
//! recorded later for an earlier day ends it by itself.

pub mod breaks;
pub mod docs;
pub mod history;
pub mod matching;
pub mod observe;
pub mod sign_off;
pub mod statement;

pub use sign_off::{SignedOff, signed_off};
pub use statement::{OpenBreak, open_breaks};

use crate::domain::amount::{Quantity, format_minor_trimmed};
use crate::domain::asset::AssetId;
use crate::domain::ids::WalletId;
use crate::domain::words::words;
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Kind of the facts that hold imported files; the subject is the SHA-256 of the file.
pub const FILE: &str = "balance.file";
/// Kind of the facts that hold observations; the subject is the asset and the wallet, as `BTC@cold`.
pub const OBSERVED: &str = "balance.observed";
/// Kind of the facts that open breaks; the subject is the number.
pub const BREAK: &str = "break";
/// Kind of the facts that hold what happened to a break since; the subject is its number.
pub const STEP: &str = "break.step";
/// Kind of the facts that hold sign-offs; the subject is the month.
pub const SIGNED: &str = "reconciliation.signed";

words! {
    /// Why a difference is as it is.
    #[derive(Serialize, Deserialize, ToSchema)]
    #[serde(rename_all = "kebab-case")]
    Explanation / title {
    Entry = "entry", "Explained by an entry";
    Timing = "timing", "Timing";
    Accepted = "accepted", "Accepted";
    Escalated = "escalated", "Escalated";
    }
}

/// A wallet and one of its assets: what is observed and compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Wallet.
    pub wallet: WalletId,
    /// Asset.
    pub asset: AssetId,
    /// Code of the wallet.
    pub wallet_code: String,
    /// Code of the asset.
    pub asset_code: String,
    /// Scale of the asset.
    pub scale: u8,
}

impl Pair {
    /// The pair of these numbers.
    pub(in crate::service) fn of(refs: &Refs, wallet: WalletId, asset: AssetId) -> Result<Self, StoreError> {
        let missing = || StoreError::Damaged(format!("wallet {} is referred to but missing", wallet.0));
        let (row, asset) = (refs.wallets.get(&wallet).ok_or_else(missing)?, refs.asset_by_id(asset)?);
        Ok(Self {
            wallet,
            asset: asset.id,
            wallet_code: row.code.clone(),
            asset_code: asset.code.as_str().to_owned(),
            scale: asset.scale,
        })
    }

    /// The pair that facts are about.
    pub(in crate::service) fn of_subject(refs: &Refs, subject: &str) -> Result<Self, StoreError> {
        let found = subject.split_once('@').and_then(|(asset, wallet)| {
            let asset = refs.asset("", asset).ok()?.id;
            Some((refs.wallet("", wallet).ok()?.0, asset))
        });
        let (wallet, asset) = found.ok_or_else(|| StoreError::Damaged(format!("{subject:?} is no asset at a wallet")))?;
        Self::of(refs, wallet, asset)
    }

    /// What facts about it have as their subject; codes of assets have no `@`.
    pub fn subject(&self) -> String {
        format!("{}@{}", self.asset_code, self.wallet_code)
    }

    /// Units as text.
    pub fn text(&self, quantity: Quantity) -> String {
        format_minor_trimmed(quantity.minor(), self.scale)
    }

    /// Units from stored text.
    pub(super) fn units(&self, text: &str) -> Result<Quantity, StoreError> {
        Quantity::parse(text, self.scale).map_err(|e| StoreError::Damaged(format!("{} of {}: {e}", text, self.subject())))
    }
}

fn too_large() -> StoreError {
    StoreError::Damaged("a difference of units does not fit".to_owned())
}
