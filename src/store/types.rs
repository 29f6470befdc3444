//! Own SQL types. Money is a whole number of minor units: TEXT on SQLite (its NUMERIC affinity would turn large numbers into
//! floats), NUMERIC(39, 0) on PostgreSQL.

use super::conn::MultiBackend;
use crate::domain::amount::{Quantity, Value};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{HasSqlType, SqlType};
use diesel::sqlite::{Sqlite, SqliteValue};

/// The SQL type of money columns.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Text"))]
#[cfg_attr(feature = "postgres", diesel(postgres_type(oid = 1700, array_oid = 1231)))]
pub struct Money;

/// A whole number of minor units as a column value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Money)]
pub struct Minor(pub i128);

impl From<Quantity> for Minor {
    fn from(quantity: Quantity) -> Self {
        Self(quantity.minor())
    }
}

impl From<Value> for Minor {
    fn from(value: Value) -> Self {
        Self(value.minor())
    }
}

impl Minor {
    /// As a quantity.
    pub const fn quantity(self) -> Quantity {
        Quantity(self.0)
    }
    /// As a functional value.
    pub const fn value(self) -> Value {
        Value(self.0)
    }
}

impl ToSql<Money, Sqlite> for Minor {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.to_string());
        Ok(IsNull::No)
    }
}

impl FromSql<Money, Sqlite> for Minor {
    fn from_sql(mut bytes: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = bytes.read_text();
        // Only the canonical spelling is money: a hand-edited "+5" or "05" must not pass for 5.
        let minor: i128 = text.parse().map_err(|_| format!("{text:?} is not a whole number of minor units"))?;
        if minor.to_string() != text {
            return Err(format!("{text:?} is not the canonical spelling of {minor}").into());
        }
        Ok(Self(minor))
    }
}

impl ToSql<Money, MultiBackend> for Minor {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Money, self));
        Ok(IsNull::No)
    }
}

impl FromSql<Money, MultiBackend> for Minor {
    fn from_sql(bytes: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        bytes.from_sql::<Self, Money>()
    }
}

impl HasSqlType<Money> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Money>(lookup)
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::{Minor, Money};
    use diesel::data_types::PgNumeric;
    use diesel::deserialize::{self, FromSql};
    use diesel::pg::{Pg, PgValue};
    use diesel::serialize::{self, Output, ToSql};
    use diesel::sql_types::Numeric;

    const BASE: u128 = 10_000;

    impl ToSql<Money, Pg> for Minor {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            let mut rest = self.0.unsigned_abs();
            let mut digits = Vec::with_capacity(10);
            while rest > 0 {
                digits.push(i16::try_from(rest % BASE)?);
                rest /= BASE;
            }
            digits.reverse();
            let weight = i16::try_from(digits.len())?.saturating_sub(1).max(0);
            let numeric = if self.0 < 0 {
                PgNumeric::Negative { weight, scale: 0, digits }
            } else {
                PgNumeric::Positive { weight, scale: 0, digits }
            };
            ToSql::<Numeric, Pg>::to_sql(&numeric, &mut out.reborrow())
        }
    }

    impl FromSql<Money, Pg> for Minor {
        fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
            let (negative, weight, digits) = match PgNumeric::from_sql(bytes)? {
                PgNumeric::Positive { weight, digits, .. } => (false, weight, digits),
                PgNumeric::Negative { weight, digits, .. } => (true, weight, digits),
                PgNumeric::NaN => return Err("NaN is not money".into()),
            };
            let groups = usize::try_from(i32::from(weight).saturating_add(1)).unwrap_or(0);
            if digits.iter().skip(groups).any(|d| *d != 0) {
                return Err("money has a fraction of a minor unit".into());
            }
            let padded = digits.iter().copied().chain(std::iter::repeat(0)).take(groups);
            let magnitude = padded
                .map(i128::from)
                .try_fold(0_i128, |sum, digit| sum.checked_mul(10_000)?.checked_add(digit))
                .ok_or("money does not fit 128 bits")?;
            Ok(Self(if negative { magnitude.saturating_neg() } else { magnitude }))
        }
    }
}
