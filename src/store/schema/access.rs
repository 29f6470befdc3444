//! The table of what keys were used last.

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `key_use`."]
    key_use (key_id) {
        #[doc = "Column `key_id`."]
        key_id -> Integer,
        #[doc = "Column `used_at`."]
        used_at -> BigInt,
    }
}
