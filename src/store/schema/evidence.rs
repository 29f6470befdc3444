//! The tables of evidence.

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `evidence_file`."]
    evidence_file (sha256) {
        #[doc = "Column `sha256`."]
        sha256 -> Text,
        #[doc = "Column `kind`."]
        kind -> Text,
        #[doc = "Column `name`."]
        name -> Text,
        #[doc = "Column `byte_count`."]
        byte_count -> BigInt,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `evidence_content`."]
    evidence_content (sha256) {
        #[doc = "Column `sha256`."]
        sha256 -> Text,
        #[doc = "Column `bytes`."]
        bytes -> Binary,
    }
}
