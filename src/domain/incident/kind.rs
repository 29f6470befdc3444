//! The kinds of incident. A new kind is one row here.

use crate::domain::outcome::Rejection;
use crate::domain::words::words;

words! {
    /// What kind of thing happened; the slug is what files, logs and addresses carry.
    IncidentKind / title {
    HotWalletTheft = "hot-wallet-theft", "Theft from a hot wallet";
    ColdWalletTheft = "cold-wallet-theft", "Theft from a cold wallet";
    KeyLoss = "key-loss", "Keys lost";
    AccountTakeover = "account-takeover", "User accounts taken over";
    InsiderTheft = "insider-theft", "Theft from inside";
    CustodianFailure = "custodian-failure", "A custodian or partner failed";
    ContractExploit = "contract-exploit", "Exploit of a smart contract or bridge";
    LedgerError = "ledger-error", "Wrong balances or credits";
    LiquidationError = "liquidation-error", "Wrong prices or liquidations";
    Other = "other", "Other";
    }
}

impl IncidentKind {
    /// The kind with this slug, or a refusal that lists them.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn parse(slug: &str) -> Result<Self, Rejection> {
        Self::from_slug(slug).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|kind| kind.slug()).collect();
            Rejection::invalid("/kind", slug, format!("is not a kind of incident; use one of {}", known.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_lead_back_to_their_kind() {
        for kind in IncidentKind::ALL {
            assert_eq!(IncidentKind::parse(kind.slug()), Ok(*kind));
        }
        assert!(IncidentKind::parse("theft").is_err());
    }
}
