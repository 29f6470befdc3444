//! What a new book still lacks before its first entry, with the command for each.

use super::Asked;
use crate::report::doc::{Cell, Column, Row, Table, Tone};
use crate::service::policies;
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use crate::store::log::Head;
use crate::store::price;

/// The steps to the first entry; nothing once there is one.
pub(super) fn first_steps(asked: &Asked<'_>) -> Result<Option<Table>, StoreError> {
    let today = asked.book.clock.today();
    let steps = asked.book.read(|conn| {
        if Head::load(conn)?.last_entry > 0 {
            return Ok(None);
        }
        let refs = Refs::load(conn)?;
        let policies = policies::contribution_policies(conn)?;
        let has_policy = refs.venues.values().any(|venue| policies.in_force(&venue.code, today).is_some());
        // The functional currency is there from the beginning.
        let done = [refs.assets.len() > 1, !refs.wallets.is_empty(), !refs.venues.is_empty(), has_policy];
        Ok(Some((done, !price::headers(conn)?.is_empty())))
    })?;
    let Some(([assets, wallets, venues, policy], prices)) = steps else { return Ok(None) };
    let steps = [
        (assets, "Name the assets that fees come in", "safu assets add"),
        (wallets, "Name the wallets of the fund", "safu wallets add"),
        (venues, "Name the venues that owe contributions", "safu venues add"),
        (policy, "Say what share of the fees they owe", "safu policy contribution"),
        (prices, "Import and lock the first prices", "safu prices import"),
        (false, "Send the first fee report", "safu contributions submit"),
    ];
    let row = |(done, what, command): (bool, &str, &str)| {
        let stands = if done { Cell::state("done", Tone::Good) } else { Cell::state("to do", Tone::Neutral) };
        Row::body(vec![Cell::text(what), stands, Cell::code(command)])
    };
    let columns = vec![Column::text("step", "Step"), Column::text("state", "State"), Column::text("command", "Command")];
    Ok(Some(Table::new("first-steps", "The way to the first entry", columns, steps.map(row).into(), "")))
}
