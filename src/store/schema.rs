//! The tables as diesel sees them; the source of truth is `migrations/`.

mod access;
mod evidence;

pub use access::key_use;
pub use evidence::{evidence_content, evidence_file};

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `book`."]
    book (id) {
        #[doc = "Column `id`."]
        id -> Integer,
        #[doc = "Column `uuid`."]
        uuid -> Text,
        #[doc = "Column `name`."]
        name -> Text,
        #[doc = "Column `lot_method`."]
        lot_method -> Text,
        #[doc = "Column `framework`."]
        framework -> Text,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `head`."]
    head (id) {
        #[doc = "Column `id`."]
        id -> Integer,
        #[doc = "Column `version`."]
        version -> BigInt,
        #[doc = "Column `log_size`."]
        log_size -> BigInt,
        #[doc = "Column `log_root`."]
        log_root -> Binary,
        #[doc = "Column `log_frontier`."]
        log_frontier -> Binary,
        #[doc = "Column `last_entry`."]
        last_entry -> BigInt,
        #[doc = "Column `last_lot`."]
        last_lot -> BigInt,
        #[doc = "Column `last_contribution`."]
        last_contribution -> BigInt,
        #[doc = "Column `last_batch`."]
        last_batch -> BigInt,
        #[doc = "Column `last_report`."]
        last_report -> BigInt,
        #[doc = "Column `last_fact`."]
        last_fact -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `log_leaf`."]
    log_leaf (idx) {
        #[doc = "Column `idx`."]
        idx -> BigInt,
        #[doc = "Column `kind`."]
        kind -> Text,
        #[doc = "Column `bytes`."]
        bytes -> Text,
        #[doc = "Column `hash`."]
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `request`."]
    request (actor, key) {
        #[doc = "Column `actor`."]
        actor -> Text,
        #[doc = "Column `key`."]
        key -> Text,
        #[doc = "Column `content_hash`."]
        content_hash -> Binary,
        #[doc = "Column `content`."]
        content -> Nullable<Text>,
        #[doc = "Column `status`."]
        status -> Integer,
        #[doc = "Column `response`."]
        response -> Text,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `asset`."]
    asset (id) {
        #[doc = "Column `id`."]
        id -> Integer,
        #[doc = "Column `code`."]
        code -> Text,
        #[doc = "Column `network`."]
        network -> Text,
        #[doc = "Column `scale`."]
        scale -> Integer,
        #[doc = "Column `own_token`."]
        own_token -> Integer,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `account`."]
    account (no) {
        #[doc = "Column `no`."]
        no -> Integer,
        #[doc = "Column `name`."]
        name -> Text,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `wallet`."]
    wallet (id) {
        #[doc = "Column `id`."]
        id -> Integer,
        #[doc = "Column `code`."]
        code -> Text,
        #[doc = "Column `account_no`."]
        account_no -> Integer,
        #[doc = "Column `address`."]
        address -> Text,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `venue`."]
    venue (id) {
        #[doc = "Column `id`."]
        id -> Integer,
        #[doc = "Column `code`."]
        code -> Text,
        #[doc = "Column `first_due`."]
        first_due -> Text,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `service_key`."]
    service_key (id) {
        #[doc = "Column `id`."]
        id -> Integer,
        #[doc = "Column `name`."]
        name -> Text,
        #[doc = "Column `prefix`."]
        prefix -> Text,
        #[doc = "Column `secret_hash`."]
        secret_hash -> Binary,
        #[doc = "Column `scope`."]
        scope -> Text,
        #[doc = "Column `expires_at`."]
        expires_at -> Nullable<BigInt>,
        #[doc = "Column `owner`."]
        owner -> Nullable<Integer>,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `service_key_revocation`."]
    service_key_revocation (key_id) {
        #[doc = "Column `key_id`."]
        key_id -> Integer,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `fact`."]
    fact (id) {
        #[doc = "Column `id`."]
        id -> BigInt,
        #[doc = "Column `kind`."]
        kind -> Text,
        #[doc = "Column `subject`."]
        subject -> Text,
        #[doc = "Column `effective_on`."]
        effective_on -> Text,
        #[doc = "Column `body`."]
        body -> Text,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `closed_period`."]
    closed_period (period) {
        #[doc = "Column `period`."]
        period -> Text,
        #[doc = "Column `closed_entry`."]
        closed_entry -> Nullable<BigInt>,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `price_set`."]
    price_set (cutoff_on) {
        #[doc = "Column `cutoff_on`."]
        cutoff_on -> Text,
        #[doc = "Column `source`."]
        source -> Text,
        #[doc = "Column `source_hash`."]
        source_hash -> Text,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `asset_price`."]
    asset_price (cutoff_on, asset_id) {
        #[doc = "Column `cutoff_on`."]
        cutoff_on -> Text,
        #[doc = "Column `asset_id`."]
        asset_id -> Integer,
        #[doc = "Column `price`."]
        price -> Text,
        #[doc = "Column `basis`."]
        basis -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `entry`."]
    entry (no) {
        #[doc = "Column `no`."]
        no -> BigInt,
        #[doc = "Column `event`."]
        event -> Text,
        #[doc = "Column `effective_on`."]
        effective_on -> Text,
        #[doc = "Column `period`."]
        period -> Text,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `actor`."]
        actor -> Text,
        #[doc = "Column `request_key`."]
        request_key -> Text,
        #[doc = "Column `memo`."]
        memo -> Text,
        #[doc = "Column `source`."]
        source -> Text,
        #[doc = "Column `reverses`."]
        reverses -> Nullable<BigInt>,
        #[doc = "Column `marks`."]
        marks -> Text,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `posting`."]
    posting (entry_no, line) {
        #[doc = "Column `entry_no`."]
        entry_no -> BigInt,
        #[doc = "Column `line`."]
        line -> Integer,
        #[doc = "Column `account_no`."]
        account_no -> Integer,
        #[doc = "Column `asset_id`."]
        asset_id -> Integer,
        #[doc = "Column `quantity`."]
        quantity -> crate::store::types::Money,
        #[doc = "Column `value`."]
        value -> crate::store::types::Money,
        #[doc = "Column `wallet_id`."]
        wallet_id -> Nullable<Integer>,
        #[doc = "Column `lot_id`."]
        lot_id -> Nullable<BigInt>,
        #[doc = "Column `incident_id`."]
        incident_id -> Nullable<Integer>,
        #[doc = "Column `report_id`."]
        report_id -> Nullable<BigInt>,
        #[doc = "Column `opens_acquired_on`."]
        opens_acquired_on -> Nullable<Text>,
        #[doc = "Column `opens_mark`."]
        opens_mark -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `balance`."]
    balance (account_no, asset_id, wallet_id, incident_id) {
        #[doc = "Column `account_no`."]
        account_no -> Integer,
        #[doc = "Column `asset_id`."]
        asset_id -> Integer,
        #[doc = "Column `wallet_id`."]
        wallet_id -> Integer,
        #[doc = "Column `incident_id`."]
        incident_id -> Integer,
        #[doc = "Column `quantity`."]
        quantity -> crate::store::types::Money,
        #[doc = "Column `value`."]
        value -> crate::store::types::Money,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `balance_day`."]
    balance_day (effective_on, period, account_no, asset_id) {
        #[doc = "Column `effective_on`."]
        effective_on -> Text,
        #[doc = "Column `period`."]
        period -> Text,
        #[doc = "Column `account_no`."]
        account_no -> Integer,
        #[doc = "Column `asset_id`."]
        asset_id -> Integer,
        #[doc = "Column `quantity`."]
        quantity -> crate::store::types::Money,
        #[doc = "Column `value`."]
        value -> crate::store::types::Money,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `lot`."]
    lot (id) {
        #[doc = "Column `id`."]
        id -> BigInt,
        #[doc = "Column `account_no`."]
        account_no -> Integer,
        #[doc = "Column `wallet_id`."]
        wallet_id -> Integer,
        #[doc = "Column `asset_id`."]
        asset_id -> Integer,
        #[doc = "Column `acquired_on`."]
        acquired_on -> Text,
        #[doc = "Column `opened_by`."]
        opened_by -> BigInt,
        #[doc = "Column `quantity`."]
        quantity -> crate::store::types::Money,
        #[doc = "Column `cost`."]
        cost -> crate::store::types::Money,
        #[doc = "Column `mark`."]
        mark -> Nullable<Text>,
        #[doc = "Column `is_open`."]
        is_open -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `contribution_batch`."]
    contribution_batch (id) {
        #[doc = "Column `id`."]
        id -> BigInt,
        #[doc = "Column `first_contribution`."]
        first_contribution -> BigInt,
        #[doc = "Column `row_count`."]
        row_count -> BigInt,
        #[doc = "Column `rows_root`."]
        rows_root -> Binary,
        #[doc = "Column `requests`."]
        requests -> Text,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `contribution`."]
    contribution (id) {
        #[doc = "Column `id`."]
        id -> BigInt,
        #[doc = "Column `venue_id`."]
        venue_id -> Integer,
        #[doc = "Column `external_id`."]
        external_id -> Text,
        #[doc = "Column `business_date`."]
        business_date -> Text,
        #[doc = "Column `pair`."]
        pair -> Text,
        #[doc = "Column `asset_id`."]
        asset_id -> Integer,
        #[doc = "Column `net_fee`."]
        net_fee -> crate::store::types::Money,
        #[doc = "Column `amount`."]
        amount -> crate::store::types::Money,
        #[doc = "Column `batch_id`."]
        batch_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `fee_report`."]
    fee_report (id) {
        #[doc = "Column `id`."]
        id -> BigInt,
        #[doc = "Column `venue_id`."]
        venue_id -> Integer,
        #[doc = "Column `report_id`."]
        report_id -> Text,
        #[doc = "Column `business_date`."]
        business_date -> Text,
        #[doc = "Column `version`."]
        version -> BigInt,
        #[doc = "Column `supersedes`."]
        supersedes -> Nullable<BigInt>,
        #[doc = "Column `generated_at`."]
        generated_at -> BigInt,
        #[doc = "Column `row_count`."]
        row_count -> BigInt,
        #[doc = "Column `sha256`."]
        sha256 -> Text,
        #[doc = "Column `control_totals`."]
        control_totals -> Text,
        #[doc = "Column `totals`."]
        totals -> Text,
        #[doc = "Column `refusal`."]
        refusal -> Integer,
        #[doc = "Column `rows_root`."]
        rows_root -> Binary,
        #[doc = "Column `submitted_by`."]
        submitted_by -> Text,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `fee_report_step`."]
    fee_report_step (report_id, step) {
        #[doc = "Column `report_id`."]
        report_id -> BigInt,
        #[doc = "Column `step`."]
        step -> BigInt,
        #[doc = "Column `state`."]
        state -> Text,
        #[doc = "Column `reason`."]
        reason -> Text,
        #[doc = "Column `problems`."]
        problems -> Text,
        #[doc = "Column `entry_no`."]
        entry_no -> Nullable<BigInt>,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `fee_report_posted`."]
    fee_report_posted (venue_id, business_date, version) {
        #[doc = "Column `venue_id`."]
        venue_id -> Integer,
        #[doc = "Column `business_date`."]
        business_date -> Text,
        #[doc = "Column `version`."]
        version -> BigInt,
        #[doc = "Column `report_id`."]
        report_id -> BigInt,
        #[doc = "Column `share`."]
        share -> Text,
        #[doc = "Column `contributions`."]
        contributions -> Text,
        #[doc = "Column `price_set`."]
        price_set -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `fee_row`."]
    fee_row (report_id, line) {
        #[doc = "Column `report_id`."]
        report_id -> BigInt,
        #[doc = "Column `line`."]
        line -> BigInt,
        #[doc = "Column `pair`."]
        pair -> Text,
        #[doc = "Column `asset_id`."]
        asset_id -> Integer,
        #[doc = "Column `trades`."]
        trades -> BigInt,
        #[doc = "Column `volume_base`."]
        volume_base -> crate::store::types::Money,
        #[doc = "Column `volume_quote`."]
        volume_quote -> crate::store::types::Money,
        #[doc = "Column `gross_fee`."]
        gross_fee -> crate::store::types::Money,
        #[doc = "Column `rebate`."]
        rebate -> crate::store::types::Money,
        #[doc = "Column `net_fee`."]
        net_fee -> crate::store::types::Money,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `incident`."]
    incident (id) {
        #[doc = "Column `id`."]
        id -> Integer,
        #[doc = "Column `code`."]
        code -> Text,
        #[doc = "Column `kind`."]
        kind -> Text,
        #[doc = "Column `title`."]
        title -> Text,
        #[doc = "Column `occurred_at`."]
        occurred_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `claims_file`."]
    claims_file (id) {
        #[doc = "Column `id`."]
        id -> Integer,
        #[doc = "Column `incident_id`."]
        incident_id -> Integer,
        #[doc = "Column `file_name`."]
        file_name -> Text,
        #[doc = "Column `sha256`."]
        sha256 -> Text,
        #[doc = "Column `first_claim`."]
        first_claim -> BigInt,
        #[doc = "Column `row_count`."]
        row_count -> BigInt,
        #[doc = "Column `totals`."]
        totals -> Text,
        #[doc = "Column `rows_root`."]
        rows_root -> Binary,
        #[doc = "Column `salt_key`."]
        salt_key -> Binary,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `claim`."]
    claim (incident_id, no) {
        #[doc = "Column `incident_id`."]
        incident_id -> Integer,
        #[doc = "Column `no`."]
        no -> BigInt,
        #[doc = "Column `claim_ref`."]
        claim_ref -> Text,
        #[doc = "Column `claimant_ref`."]
        claimant_ref -> Text,
        #[doc = "Column `asset_id`."]
        asset_id -> Integer,
        #[doc = "Column `quantity`."]
        quantity -> crate::store::types::Money,
        #[doc = "Column `payout_address`."]
        payout_address -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `claim_approval`."]
    claim_approval (incident_id, first_claim) {
        #[doc = "Column `incident_id`."]
        incident_id -> Integer,
        #[doc = "Column `first_claim`."]
        first_claim -> BigInt,
        #[doc = "Column `last_claim`."]
        last_claim -> BigInt,
        #[doc = "Column `entry_no`."]
        entry_no -> BigInt,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `payout_batch`."]
    payout_batch (id) {
        #[doc = "Column `id`."]
        id -> BigInt,
        #[doc = "Column `incident_id`."]
        incident_id -> Integer,
        #[doc = "Column `wallet_id`."]
        wallet_id -> Integer,
        #[doc = "Column `asset_id`."]
        asset_id -> Integer,
        #[doc = "Column `claim_count`."]
        claim_count -> BigInt,
        #[doc = "Column `quantity`."]
        quantity -> crate::store::types::Money,
        #[doc = "Column `network_fee`."]
        network_fee -> crate::store::types::Money,
        #[doc = "Column `rows_root`."]
        rows_root -> Binary,
        #[doc = "Column `paid_on`."]
        paid_on -> Text,
        #[doc = "Column `entry_no`."]
        entry_no -> BigInt,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `payout_transaction`."]
    payout_transaction (batch_id, no) {
        #[doc = "Column `batch_id`."]
        batch_id -> BigInt,
        #[doc = "Column `no`."]
        no -> BigInt,
        #[doc = "Column `txid`."]
        txid -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `payout`."]
    payout (incident_id, claim_no) {
        #[doc = "Column `incident_id`."]
        incident_id -> Integer,
        #[doc = "Column `claim_no`."]
        claim_no -> BigInt,
        #[doc = "Column `batch_id`."]
        batch_id -> BigInt,
        #[doc = "Column `transaction_no`."]
        transaction_no -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `person`."]
    person (id) {
        #[doc = "Column `id`."]
        id -> Integer,
        #[doc = "Column `login`."]
        login -> Text,
        #[doc = "Column `name`."]
        name -> Text,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `proposal`."]
    proposal (id) {
        #[doc = "Column `id`."]
        id -> BigInt,
        #[doc = "Column `kind`."]
        kind -> Text,
        #[doc = "Column `maker`."]
        maker -> Integer,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `proposal_step`."]
    proposal_step (proposal_id, no) {
        #[doc = "Column `proposal_id`."]
        proposal_id -> BigInt,
        #[doc = "Column `no`."]
        no -> Integer,
        #[doc = "Column `maker`."]
        maker -> Integer,
        #[doc = "Column `step`."]
        step -> Text,
        #[doc = "Column `person`."]
        person -> Integer,
        #[doc = "Column `revision`."]
        revision -> Integer,
        #[doc = "Column `state`."]
        state -> Text,
        #[doc = "Column `content`."]
        content -> Text,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `credential`."]
    credential (person) {
        #[doc = "Column `person`."]
        person -> Integer,
        #[doc = "Column `password`."]
        password -> Text,
        #[doc = "Column `totp`."]
        totp -> Binary,
        #[doc = "Column `totp_step`."]
        totp_step -> BigInt,
        #[doc = "Column `generation`."]
        generation -> BigInt,
        #[doc = "Column `resets`."]
        resets -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `recovery_code`."]
    recovery_code (person, hash) {
        #[doc = "Column `person`."]
        person -> Integer,
        #[doc = "Column `hash`."]
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `session`."]
    session (token_hash) {
        #[doc = "Column `token_hash`."]
        token_hash -> Binary,
        #[doc = "Column `person`."]
        person -> Integer,
        #[doc = "Column `created_at`."]
        created_at -> BigInt,
        #[doc = "Column `seen_at`."]
        seen_at -> BigInt,
        #[doc = "Column `stepped_up_at`."]
        stepped_up_at -> Nullable<BigInt>,
        #[doc = "Column `generation`."]
        generation -> BigInt,
        #[doc = "Column `user_agent`."]
        user_agent -> Text,
        #[doc = "Column `address`."]
        address -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `login_attempt`."]
    login_attempt (subject) {
        #[doc = "Column `subject`."]
        subject -> Binary,
        #[doc = "Column `failures`."]
        failures -> BigInt,
        #[doc = "Column `free_at`."]
        free_at -> BigInt,
        #[doc = "Column `last_at`."]
        last_at -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `invitation`."]
    invitation (token_hash) {
        #[doc = "Column `token_hash`."]
        token_hash -> Binary,
        #[doc = "Column `person`."]
        person -> Nullable<Integer>,
        #[doc = "Column `expires_at`."]
        expires_at -> BigInt,
        #[doc = "Column `used_at`."]
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `address_key`."]
    address_key (id) {
        #[doc = "Column `id`."]
        id -> Integer,
        #[doc = "Column `key`."]
        key -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    #[doc = "Table `access_event`."]
    access_event (id) {
        #[doc = "Column `id`."]
        id -> BigInt,
        #[doc = "Column `what`."]
        what -> Text,
        #[doc = "Column `person`."]
        person -> Nullable<Integer>,
        #[doc = "Column `session`."]
        session -> Text,
        #[doc = "Column `address`."]
        address -> Text,
        #[doc = "Column `recorded_at`."]
        recorded_at -> BigInt,
        #[doc = "Column `leaf`."]
        leaf -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    book,
    head,
    log_leaf,
    request,
    asset,
    account,
    wallet,
    venue,
    service_key,
    service_key_revocation,
    person,
    proposal,
    proposal_step,
    credential,
    recovery_code,
    session,
    login_attempt,
    invitation,
    address_key,
    access_event,
    fact,
    closed_period,
    price_set,
    asset_price,
    entry,
    posting,
    balance,
    balance_day,
    lot,
    contribution_batch,
    contribution,
    fee_report,
    fee_report_step,
    fee_report_posted,
    fee_row,
    incident,
    claims_file,
    claim,
    claim_approval,
    payout_batch,
    payout_transaction,
    payout,
    evidence_file,
    evidence_content
);
