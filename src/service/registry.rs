//! Adding to the reference data: assets, accounts, wallets, venues and policies.

use super::command::Command;
use super::refs::Refs;
use super::{Answer, Book, Call, Reply};
use crate::domain::account::{AccountClass, AccountNo, no};
use crate::domain::approval::Risk;
use crate::domain::asset::AssetCode;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::{Name, check_free_text};
use crate::store::error::StoreError;
use crate::store::fact::{self, FactRow};
use crate::store::reference::{AccountRow, AssetRow, VenueRow, WalletRow};
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A new asset.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAsset {
    /// Code, for example `BTC`.
    pub code: String,
    /// Network, for example `bitcoin`.
    pub network: String,
    /// Decimals, 0 to 18; can never be changed.
    pub scale: u8,
    /// True for the sponsor's own token.
    #[serde(default)]
    pub own_token: bool,
}

/// A new leaf account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Number 1000 to 5999 or 9000 to 9999.
    pub no: i32,
    /// Name.
    pub name: String,
}

/// A new wallet.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWallet {
    /// Code, for example `cold-btc`.
    pub code: String,
    /// Holding account: 1110, 1120, 1130, 1140 or 1150; 1160 for a bank account.
    pub account: i32,
    /// Public address, or empty.
    #[serde(default)]
    pub address: String,
    /// What it is for, in words; may be left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// Network, for example `bitcoin`; may be left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network: String,
}

impl NewWallet {
    /// A wallet of which nothing more is said.
    pub fn new(code: &str, account: i32, address: &str) -> Self {
        Self { code: code.to_owned(), account, address: address.to_owned(), purpose: String::new(), network: String::new() }
    }
}

/// Kind of the facts that hold what wallets are for; the subject is the code.
pub const WALLET: &str = "wallet.terms";

/// What a wallet is for, and on which network it lies; both may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletTerms {
    /// In words, for example `Reserve in cold storage`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// Network, for example `bitcoin`; where it is given, only balances of this network are taken as observed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network: String,
}

/// A wallet that is there already and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribeWallet {
    /// Code.
    pub wallet: String,
    /// What it is for, in words; may be empty.
    #[serde(default)]
    pub purpose: String,
    /// Network; where it is given, only balances of this network are taken as observed. May be empty.
    #[serde(default)]
    pub network: String,
}

/// A new venue.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewVenue {
    /// Code, for example `spot`.
    pub code: String,
    /// First business date a report is due for. By when, the contribution policy says.
    pub first_due: Date,
}

fn to_value(body: &impl Serialize) -> Value {
    serde_json::to_value(body).unwrap_or(Value::Null)
}

fn exists(what: &str, code: impl std::fmt::Display) -> StoreError {
    Rejection::new(OutcomeCode::AlreadyExists, "/code", code, format!("there is such {what} already")).into()
}

fn next_id(last: Option<i32>) -> i32 {
    last.unwrap_or(0).saturating_add(1)
}

impl Book {
    /// Adds an asset.
    pub fn add_asset(&self, call: &Call, new: NewAsset) -> Result<Reply, StoreError> {
        self.give(call, new)
    }

    /// Adds a leaf account.
    pub fn add_account(&self, call: &Call, new: NewAccount) -> Result<Reply, StoreError> {
        self.give(call, new)
    }

    /// Adds a wallet.
    pub fn add_wallet(&self, call: &Call, new: NewWallet) -> Result<Reply, StoreError> {
        self.give(call, new)
    }

    /// Says what a wallet is for and on which network it lies.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownWallet`.
    pub fn describe_wallet(&self, call: &Call, command: DescribeWallet) -> Result<Reply, StoreError> {
        self.give(call, command)
    }

    /// Adds a venue.
    pub fn add_venue(&self, call: &Call, new: NewVenue) -> Result<Reply, StoreError> {
        self.give(call, new)
    }
}

impl Command for NewAsset {
    const KIND: &'static str = "asset";
    const TITLE: &'static str = "Add an asset";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        AssetCode::parse(&self.code).map_err(|e| Rejection::invalid("/code", &self.code, e.to_string()))?;
        Name::parse(&self.network).map_err(|e| Rejection::invalid("/network", &self.network, e.to_string()))?;
        if self.scale > crate::domain::amount::MAX_SCALE {
            return Err(Rejection::invalid("/scale", self.scale, "an asset has 0 to 18 decimals"));
        }
        Ok(())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let refs = Refs::load(tx.conn)?;
        if refs.assets.values().any(|asset| asset.code.as_str() == self.code) {
            return Err(exists("an asset", &self.code));
        }
        let id = next_id(refs.assets.keys().last().map(|id| id.0));
        tx.record(AssetRow {
            id,
            code: self.code.clone(),
            network: self.network.clone(),
            scale: i32::from(self.scale),
            own_token: i32::from(self.own_token),
            leaf: 0,
        });
        Ok(Answer::created(json!({"asset": self.code, "id": id})))
    }
}

impl Command for NewAccount {
    const KIND: &'static str = "account";
    const TITLE: &'static str = "Add an account";
    const GIVERS: &'static [Role] = &[Role::Preparer];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        if AccountClass::of(AccountNo(self.no)).is_none() {
            return Err(Rejection::invalid("/no", self.no, "accounts are numbered 1000 to 5999 or 9000 to 9999"));
        }
        check_free_text(&self.name, 80).map_err(|e| Rejection::invalid("/name", &self.name, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        if Refs::load(tx.conn)?.accounts.contains_key(&AccountNo(self.no)) {
            return Err(exists("an account", self.no));
        }
        tx.record(AccountRow { no: self.no, name: self.name.clone(), leaf: 0 });
        Ok(Answer::created(json!({"account": self.no})))
    }
}

impl Command for NewWallet {
    const KIND: &'static str = "wallet";
    const TITLE: &'static str = "Add a wallet";
    const GIVERS: &'static [Role] = &[Role::Treasurer];

    fn check(&self) -> Result<(), Rejection> {
        Name::parse(&self.code).map_err(|e| Rejection::invalid("/code", &self.code, e.to_string()))?;
        let account = AccountNo(self.account);
        if !no::HOLDINGS.contains(&account) && account != no::BANK {
            let detail = "a wallet is carried on 1110, 1120, 1130, 1140 or 1150, a bank account on 1160";
            return Err(Rejection::invalid("/account", self.account, detail));
        }
        check_terms(&self.purpose, &self.network)?;
        if self.address.is_empty() {
            return Ok(());
        }
        check_free_text(&self.address, 128).map_err(|e| Rejection::invalid("/address", &self.address, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let refs = Refs::load(tx.conn)?;
        if refs.wallets.values().any(|wallet| wallet.code == self.code) {
            return Err(exists("a wallet", &self.code));
        }
        let id = next_id(refs.wallets.keys().last().map(|id| id.0));
        require_network(&refs, &self.network)?;
        tx.record(WalletRow { id, code: self.code.clone(), account_no: self.account, address: self.address.clone(), leaf: 0 });
        let terms = WalletTerms { purpose: self.purpose.clone(), network: self.network.clone() };
        if terms != WalletTerms::default() {
            tx.add_fact(WALLET, &self.code, tx.today(), &terms);
        }
        Ok(Answer::created(json!({"wallet": self.code, "id": id})))
    }
}

impl Command for DescribeWallet {
    const KIND: &'static str = "wallet.describe";
    const TITLE: &'static str = "Say what a wallet is for";
    const GIVERS: &'static [Role] = &[Role::Treasurer];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        check_terms(&self.purpose, &self.network)
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let refs = Refs::load(tx.conn)?;
        refs.wallet("/wallet", &self.wallet)?;
        require_network(&refs, &self.network)?;
        let terms = WalletTerms { purpose: self.purpose.clone(), network: self.network.clone() };
        tx.add_fact(WALLET, &self.wallet, tx.today(), &terms);
        Ok(Answer::created(json!({"wallet": self.wallet, "purpose": self.purpose, "network": self.network})))
    }
}

fn check_terms(purpose: &str, network: &str) -> Result<(), Rejection> {
    if !purpose.is_empty() {
        check_free_text(purpose, 120).map_err(|e| Rejection::invalid("/purpose", purpose, e.to_string()))?;
    }
    if network.is_empty() {
        return Ok(());
    }
    Name::parse(network).map(|_| ()).map_err(|e| Rejection::invalid("/network", network, e.to_string()))
}

/// A network that no asset has can hold nothing of this book.
fn require_network(refs: &Refs, network: &str) -> Result<(), Rejection> {
    if network.is_empty() || refs.assets.values().any(|asset| asset.network.as_str() == network) {
        return Ok(());
    }
    let known: std::collections::BTreeSet<&str> = refs.assets.values().map(|asset| asset.network.as_str()).collect();
    let known: Vec<&str> = known.into_iter().collect();
    let detail = format!("is the network of no asset; known are {}", known.join(", "));
    Err(Rejection::invalid("/network", network, detail))
}

/// What wallets are for, by code; the later recording holds.
pub fn wallet_terms(conn: &mut crate::store::conn::Conn) -> Result<BTreeMap<String, WalletTerms>, StoreError> {
    Ok(parsed_facts::<WalletTerms>(conn, WALLET)?.into_iter().map(|(_, code, terms)| (code, terms)).collect())
}

impl Command for NewVenue {
    const KIND: &'static str = "venue";
    const TITLE: &'static str = "Add a venue";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        Name::parse(&self.code).map(|_| ()).map_err(|e| Rejection::invalid("/code", &self.code, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let refs = Refs::load(tx.conn)?;
        if refs.venues.values().any(|venue| venue.code == self.code) {
            return Err(exists("a venue", &self.code));
        }
        let id = next_id(refs.venues.keys().last().map(|id| id.0));
        tx.record(VenueRow { id, code: self.code.clone(), first_due: self.first_due.to_string(), leaf: 0 });
        Ok(Answer::created(json!({"venue": self.code, "id": id})))
    }
}

impl Tx<'_> {
    /// Queues a fact under the next number and gives that number.
    pub fn add_fact(&mut self, kind: &str, subject: &str, effective_on: Date, body: &impl Serialize) -> i64 {
        let id = self.head.next_fact();
        self.record(FactRow::new(id, kind, subject, effective_on, &to_value(body)));
        id
    }

    /// Facts of one kind, parsed, in recording order, as (effective date, subject, body).
    pub fn facts<T: serde::de::DeserializeOwned>(&mut self, kind: &str) -> Result<Vec<(Date, String, T)>, StoreError> {
        parsed_facts(self.conn, kind)
    }
}

/// Facts of one kind, parsed, in recording order, as (effective date, subject, body).
pub fn parsed_facts<T: serde::de::DeserializeOwned>(
    conn: &mut crate::store::conn::Conn,
    kind: &str,
) -> Result<Vec<(Date, String, T)>, StoreError> {
    let rows = fact::of_kind(conn, kind)?;
    rows.into_iter()
        .map(|row| {
            let day = row.effective_on.parse().map_err(|_| StoreError::Damaged(format!("fact {}: date", row.id)))?;
            let body = row.parse()?;
            Ok((day, row.subject, body))
        })
        .collect()
}
