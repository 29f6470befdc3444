//! Many rows in one cached statement, their columns borrowed. Diesel prepares a statement for a list of rows anew each time, and
//! one for a fixed number only takes rows that own their texts; this is the same INSERT written out once.

use super::conn::Conn;
use super::error::StoreError;
use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sqlite::Sqlite;
use std::marker::PhantomData;

/// Rows a statement on SQLite: more gain nothing there.
const SQLITE_ROWS: usize = 50;
/// Rows a statement on PostgreSQL: each statement is a round trip; at 12 columns they stay below its 65,535 binds.
#[cfg(feature = "postgres")]
const POSTGRES_ROWS: usize = 1_000;

/// A row of one table that binds its columns itself; [`bulk_row!`] implements this and [`BindRow`].
pub(super) trait Row {
    /// The table, as what tells one cached statement from another.
    type Table: 'static;
    /// `INSERT INTO table (columns) VALUES `.
    const INTO: &'static str;
    /// What follows the rows: nothing, or what is done where a row of the same key is stored.
    const TAIL: &'static str;
}

/// Binds the columns of a row in their order.
pub(super) trait BindRow<DB: Backend>: Row {
    /// One bind a column.
    fn bind<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

#[cfg(not(feature = "postgres"))]
pub(super) trait RowOfEachEngine: BindRow<Sqlite> {}
#[cfg(not(feature = "postgres"))]
impl<R: BindRow<Sqlite>> RowOfEachEngine for R {}
#[cfg(feature = "postgres")]
pub(super) trait RowOfEachEngine: BindRow<Sqlite> + BindRow<diesel::pg::Pg> {}
#[cfg(feature = "postgres")]
impl<R: BindRow<Sqlite> + BindRow<diesel::pg::Pg>> RowOfEachEngine for R {}

/// `N` rows, or any number of them if `N` is 0; then the statement is not kept.
struct Rows<'r, R, const N: usize>(&'r [R]);

struct RowsId<T, const N: usize>(PhantomData<T>);

impl<R: Row, const N: usize> QueryId for Rows<'_, R, N> {
    type QueryId = RowsId<R::Table, N>;
    const HAS_STATIC_QUERY_ID: bool = N > 0;
}

impl<DB: Backend, R: BindRow<DB>, const N: usize> QueryFragment<DB> for Rows<'_, R, N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if N == 0 {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql(R::INTO);
        for (at, row) in self.0.iter().enumerate() {
            out.push_sql(if at == 0 { "(" } else { ",(" });
            row.bind(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(R::TAIL);
        Ok(())
    }
}

impl<Conn, R, const N: usize> RunQueryDsl<Conn> for Rows<'_, R, N> {}

/// Inserts rows of any number; of a table with `replacing`, those whose key is stored already overwrite columns instead.
pub(super) fn insert<R: RowOfEachEngine>(conn: &mut Conn, rows: &[R]) -> Result<(), StoreError> {
    match conn {
        Conn::Sqlite(c) => {
            let (chunks, rest) = rows.as_chunks::<SQLITE_ROWS>();
            for chunk in chunks {
                Rows::<_, SQLITE_ROWS>(chunk).execute(c)?;
            }
            for row in rest {
                Rows::<_, 1>(std::slice::from_ref(row)).execute(c)?;
            }
        }
        #[cfg(feature = "postgres")]
        Conn::Postgres(c) => {
            let (chunks, rest) = rows.as_chunks::<POSTGRES_ROWS>();
            for chunk in chunks {
                Rows::<_, POSTGRES_ROWS>(chunk).execute(c)?;
            }
            match rest {
                [] => {}
                [_] => drop(Rows::<_, 1>(rest).execute(c)?),
                // Preparing it anew costs less than a round trip for each row.
                _ => drop(Rows::<_, 0>(rest).execute(c)?),
            }
        }
    }
    Ok(())
}

/// Makes a struct a row of a table: `bulk_row!(NewClaim<'_>, claim, { incident_id: Integer, claim_ref: Text });`. With
/// `replacing (key) set (columns)` at its end, columns of a stored row with the same key are overwritten.
macro_rules! bulk_row {
    (
        $row:ty, $table:ident, { $first:ident: $first_type:ty $(, $column:ident: $type:ty)* $(,)? }
        $(, replacing ($key:ident $(, $keys:ident)*) set ($set:ident $(, $sets:ident)*))?
    ) => {
        impl $crate::store::bulk::Row for $row {
            type Table = $table::table;
            const INTO: &'static str =
                concat!("INSERT INTO ", stringify!($table), " (", stringify!($first), $(",", stringify!($column),)* ") VALUES ");
            const TAIL: &'static str = concat!("" $(, " ON CONFLICT (", stringify!($key) $(, ",", stringify!($keys))*,
                ") DO UPDATE SET ", stringify!($set), " = excluded.", stringify!($set)
                $(, ",", stringify!($sets), " = excluded.", stringify!($sets))*)?);
        }
        bulk_row!(@bind diesel::sqlite::Sqlite, $row, $first: $first_type $(, $column: $type)*);
        #[cfg(feature = "postgres")]
        bulk_row!(@bind diesel::pg::Pg, $row, $first: $first_type $(, $column: $type)*);
    };
    (@bind $engine:ty, $row:ty, $first:ident: $first_type:ty $(, $column:ident: $type:ty)*) => {
        impl $crate::store::bulk::BindRow<$engine> for $row {
            fn bind<'b>(&'b self, mut out: diesel::query_builder::AstPass<'_, 'b, $engine>) -> diesel::result::QueryResult<()> {
                out.push_bind_param::<$first_type, _>(&self.$first)?;
                $(
                    out.push_sql(",");
                    out.push_bind_param::<$type, _>(&self.$column)?;
                )*
                Ok(())
            }
        }
    };
}
pub(super) use bulk_row;
