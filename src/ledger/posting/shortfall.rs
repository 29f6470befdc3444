//! E17 and E17b: the pot is too small; the rest stays owed, or is legally released.

use super::context::{Carrying, Context, Header};
use super::entry::EntryBuilder;
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// Approved claims that are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortfall {
    /// The incident.
    pub incident: IncidentId,
    /// The asset.
    pub asset: AssetId,
    /// Units cut from all claims together, above zero.
    pub quantity: Quantity,
    /// What stands on 2130 for the incident and asset.
    pub payable: Carrying,
}

/// An obligation that the law ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegalRelease {
    /// The incident.
    pub incident: IncidentId,
    /// 2130 (approved claims) or 2140 (recovery rights).
    pub account: AccountNo,
    /// The asset.
    pub asset: AssetId,
    /// Units released, above zero.
    pub quantity: Quantity,
    /// What stands on the account for the incident and asset.
    pub carrying: Carrying,
}

/// E17: Dr 2130, Cr 2140, pro rata of the carrying amount.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Shortfall) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::Shortfall, header).for_incident(Some(input.incident));
    entry.reclassify(no::CLAIMS_PAYABLE, no::RECOVERY_RIGHTS, input.payable, input.asset, input.quantity)?;
    entry.seal()
}

/// E17b: Dr 2130 or 2140, Cr 4600, pro rata of the carrying amount. The memo account 9300 is kept by the service.
///
/// # Errors
/// `InvalidField` for another account, `UnknownAsset`, `InsufficientUnits`.
pub fn post_released(ctx: &mut Context<'_>, header: Header, input: &LegalRelease) -> Result<Balanced, Rejection> {
    if ![no::CLAIMS_PAYABLE, no::RECOVERY_RIGHTS].contains(&input.account) {
        return Err(Rejection::invalid(
            "/account",
            input.account,
            "is not an account of approved claims or recovery rights; use 2130 or 2140",
        ));
    }
    let mut entry = EntryBuilder::new(ctx, Event::RemainderReleased, header).for_incident(Some(input.incident));
    entry.reclassify(input.account, no::RELEASE_GAIN, input.carrying, input.asset, input.quantity)?;
    entry.seal()
}
