//! Enumerations whose variants have a stable word: in the log, in files, in addresses, on the command line.

/// Makes an enumeration with `ALL`, `slug` and `from_slug`. With a name after the slash each variant has a second text too, for people,
/// given by a function of that name.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident / $text:ident { $($(#[$of:meta])* $variant:ident = $slug:literal, $said:literal;)* }) => {
        $crate::domain::words::words! { $(#[$meta])* $name { $(#[doc = $said] $(#[$of])* $variant = $slug;)* } }

        impl $name {
            /// For people.
            pub const fn $text(self) -> &'static str { match self { $(Self::$variant => $said),* } }
        }
    };
    ($(#[$meta:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $slug:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$of])* $variant,)* }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Stable word.
            pub const fn slug(self) -> &'static str { match self { $(Self::$variant => $slug),* } }
            /// The one of this word.
            pub fn from_slug(slug: &str) -> Option<Self> { match slug { $($slug => Some(Self::$variant),)* _ => None } }
        }
    };
}
pub(crate) use words;
