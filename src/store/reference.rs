//! Reference data: the book itself, assets, accounts, wallets and venues. All append-only; each row has its leaf.

use super::conn::Conn;
use super::error::StoreError;
use super::schema::{account, asset, book, incident, venue, wallet};
use super::tx::{Record, Stamp};
use crate::domain::account::{Account, AccountClass, AccountNo};
use crate::domain::asset::{Asset, AssetCode, AssetId};
use crate::domain::text::Name;
use diesel::prelude::*;
use serde_json::{Value, json};

/// The book's own row.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = book)]
pub struct BookRow {
    /// Always 1.
    pub id: i32,
    /// Random identity of the book.
    pub uuid: String,
    /// Name on every page.
    pub name: String,
    /// `fifo`.
    pub lot_method: String,
    /// `us-gaap` or `ifrs`.
    pub framework: String,
    /// Leaf.
    pub leaf: i64,
}

/// A stored asset.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = asset)]
pub struct AssetRow {
    /// Number; 1 is the functional currency.
    pub id: i32,
    /// Code.
    pub code: String,
    /// Network.
    pub network: String,
    /// Decimals.
    pub scale: i32,
    /// 1 for the sponsor's own token.
    pub own_token: i32,
    /// Leaf.
    pub leaf: i64,
}

/// A stored account.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = account)]
pub struct AccountRow {
    /// Number.
    pub no: i32,
    /// Name.
    pub name: String,
    /// Leaf.
    pub leaf: i64,
}

/// A stored wallet of the fund.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = wallet)]
pub struct WalletRow {
    /// Number.
    pub id: i32,
    /// Code, for example `cold-btc`.
    pub code: String,
    /// The holding account its units are booked on.
    pub account_no: i32,
    /// Public address, or empty where there is none.
    pub address: String,
    /// Leaf.
    pub leaf: i64,
}

/// A stored venue.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = venue)]
pub struct VenueRow {
    /// Number.
    pub id: i32,
    /// Code, for example `spot`.
    pub code: String,
    /// First business date a report is due for.
    pub first_due: String,
    /// Leaf.
    pub leaf: i64,
}

/// Implements [`Record`] for a row struct whose leaf index is set at insertion.
macro_rules! record_row {
    ($row:ty, $table:ident, $kind:literal, $this:ident => $body:expr) => {
        impl Record for $row {
            fn kind(&self) -> &'static str {
                $kind
            }
            fn body(&self) -> Value {
                let $this = self;
                $body
            }
            fn insert(&self, conn: &mut Conn, leaf: i64, _: &Stamp) -> Result<(), StoreError> {
                let row = Self { leaf, ..self.clone() };
                diesel::insert_into($table::table).values(&row).execute(conn)?;
                Ok(())
            }
        }
    };
}
pub(crate) use record_row;

record_row!(BookRow, book, "book", b => json!({
    "uuid": b.uuid, "name": b.name, "lot_method": b.lot_method, "framework": b.framework,
}));
record_row!(AssetRow, asset, "asset", a => json!({
    "id": a.id, "code": a.code, "network": a.network, "scale": a.scale, "own_token": a.own_token == 1,
}));
record_row!(AccountRow, account, "account", a => json!({"no": a.no, "name": a.name}));
record_row!(WalletRow, wallet, "wallet", w => json!({
    "id": w.id, "code": w.code, "account": w.account_no, "address": w.address,
}));
record_row!(VenueRow, venue, "venue", v => json!({
    "id": v.id, "code": v.code, "first_due": v.first_due,
}));

/// The book's row.
pub fn book_row(conn: &mut Conn) -> Result<Option<BookRow>, StoreError> {
    Ok(book::table.select(BookRow::as_select()).first(conn).optional()?)
}

/// All assets by number.
pub fn asset_rows(conn: &mut Conn) -> Result<Vec<AssetRow>, StoreError> {
    Ok(asset::table.order(asset::id).select(AssetRow::as_select()).load(conn)?)
}

/// All accounts by number.
pub fn account_rows(conn: &mut Conn) -> Result<Vec<AccountRow>, StoreError> {
    Ok(account::table.order(account::no).select(AccountRow::as_select()).load(conn)?)
}

/// All wallets by number.
pub fn wallet_rows(conn: &mut Conn) -> Result<Vec<WalletRow>, StoreError> {
    Ok(wallet::table.order(wallet::id).select(WalletRow::as_select()).load(conn)?)
}

/// All venues by number.
pub fn venue_rows(conn: &mut Conn) -> Result<Vec<VenueRow>, StoreError> {
    Ok(venue::table.order(venue::id).select(VenueRow::as_select()).load(conn)?)
}

impl AssetRow {
    /// Back to the domain's asset.
    pub fn to_domain(&self) -> Result<Asset, StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("asset {}: {what}", self.id));
        Ok(Asset {
            id: AssetId(self.id),
            code: AssetCode::parse(&self.code).map_err(|_| damaged("code"))?,
            network: Name::parse(&self.network).map_err(|_| damaged("network"))?,
            scale: u8::try_from(self.scale).map_err(|_| damaged("scale"))?,
            own_token: self.own_token == 1,
        })
    }
}

impl AccountRow {
    /// Back to the domain's account.
    pub fn to_domain(&self) -> Result<Account, StoreError> {
        let no = AccountNo(self.no);
        let class = AccountClass::of(no).ok_or_else(|| StoreError::Damaged(format!("account {no} has no class")))?;
        Ok(Account { no, name: self.name.clone(), class })
    }
}

/// The number of the incident with this code.
pub fn incident_id(conn: &mut Conn, code: &str) -> Result<Option<i32>, StoreError> {
    Ok(incident::table.filter(incident::code.eq(code)).select(incident::id).first(conn).optional()?)
}
