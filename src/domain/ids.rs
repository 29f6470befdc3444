//! Row numbers inside one book. Integers inside, UUIDs and names at the edge (docs/adr/0003).

use serde::Serialize;
use std::fmt;

macro_rules! id_type {
    ($($(#[$doc:meta])* $name:ident($int:ty);)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(pub $int);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
    )* };
}

id_type! {
    /// A journal entry's gapless number, from 1.
    EntryNo(i64);
    /// A lot's number, from 1 in the order of opening.
    LotId(i64);
    /// A wallet of the fund.
    WalletId(i32);
    /// An incident.
    IncidentId(i32);
    /// A fee report (one version of it).
    ReportId(i64);
    /// A venue that owes contributions.
    VenueId(i32);
    /// A leaf's index in the log, from 0.
    LeafIndex(i64);
}
