//! Daily prices of the story: public market closes where they are known, straight lines between them, and the stable asset at its
//! peg. Every price says which of these it is.

use super::DemoError;
use crate::domain::amount::{Rounding, format_minor, mul_div, parse_minor};
use crate::report::fund::days_between;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// The closes, as published: `date,btc_usd,bnb_usd,note`.
pub const CLOSES: &str = include_str!("data/market_closes.csv");
/// What price sets name as their source.
pub const SOURCE: &str = "public market closes, straight lines between them; USDC at its peg";

/// Decimals of a Bitcoin price.
const BTC_DECIMALS: u8 = 2;
/// Decimals of the own token's price.
const BNB_DECIMALS: u8 = 4;

/// Prices of one day in their own decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// USD per BTC in cents.
    pub btc: i128,
    /// USD per BNB in hundredths of a cent.
    pub bnb: i128,
    /// False between two known closes.
    pub observed: bool,
}

impl Close {
    /// The price file of this day: `date,asset,price,basis`.
    pub fn file(&self, day: Date) -> String {
        let basis = if self.observed { "observed" } else { "interpolated" };
        let (btc, bnb) = (format_minor(self.btc, BTC_DECIMALS), format_minor(self.bnb, BNB_DECIMALS));
        format!("date,asset,price,basis\n{day},BTC,{btc},{basis}\n{day},BNB,{bnb},{basis}\n{day},USDC,1.00,manual\n")
    }
}

/// The closes of every day between the first and the last known one.
pub fn daily() -> Result<BTreeMap<Date, Close>, DemoError> {
    let known = known()?;
    let mut daily = BTreeMap::new();
    for (from, to) in known.iter().zip(known.iter().skip(1)) {
        let days = i128::from(days_between(from.0, to.0));
        for (at, day) in from.0.series(jiff::Span::new().days(1)).take_while(|day| *day < to.0).enumerate() {
            let at = i128::try_from(at).unwrap_or_default();
            let between = |a: i128, b: i128| {
                let step = mul_div(b.saturating_sub(a), at, days, Rounding::HalfEven).unwrap_or_default();
                a.saturating_add(step)
            };
            let close = Close { btc: between(from.1.btc, to.1.btc), bnb: between(from.1.bnb, to.1.bnb), observed: at == 0 };
            daily.insert(day, close);
        }
    }
    daily.extend(known.last().copied());
    Ok(daily)
}

fn known() -> Result<Vec<(Date, Close)>, DemoError> {
    CLOSES
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.split(',');
            let day = cells.next().and_then(|text| text.parse::<Date>().ok());
            let mut price = |decimals| cells.next().and_then(|text| parse_minor(text, decimals).ok());
            let (btc, bnb) = (price(BTC_DECIMALS), price(BNB_DECIMALS));
            let close = day.zip(btc).zip(bnb).map(|((day, btc), bnb)| (day, Close { btc, bnb, observed: true }));
            close.ok_or_else(|| DemoError::Unexpected(format!("the line of closes {line:?} cannot be read")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn known_closes_stay_and_others_lie_on_the_line() {
        let daily = daily().unwrap();
        assert_eq!(daily.len(), 363, "one close a day from 2018-07-03 to 2019-06-30");
        assert_eq!(daily[&date(2019, 5, 7)], Close { btc: 584_634, bnb: 206_602, observed: true });
        // Ten of fourteen days from 2018-12-01... the line from 4,041.32 on 11-30 to 3,211.72 on 12-15.
        assert_eq!(daily[&date(2018, 12, 3)], Close { btc: 387_540, bnb: 50_026, observed: false });
        let file = daily[&date(2018, 12, 3)].file(date(2018, 12, 3));
        assert!(file.contains("2018-12-03,BTC,3875.40,interpolated\n"), "{file}");
        assert!(file.contains(",USDC,1.00,manual"), "a peg is not a market price: {file}");
    }
}
