-- One book a database. Money is a whole number of minor units (see docs/adr/0002); dates are ISO text;
-- instants are microseconds since 1970-01-01 UTC. Ids are given by the application.

CREATE TABLE book (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    uuid TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    lot_method TEXT COLLATE "C" NOT NULL,
    framework TEXT COLLATE "C" NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);

-- The fence: every write moves this row by a conditional update, which orders all writers of all processes.
CREATE TABLE head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL,
    log_size BIGINT NOT NULL,
    log_root BYTEA NOT NULL,
    log_frontier BYTEA NOT NULL,
    last_entry BIGINT NOT NULL,
    last_lot BIGINT NOT NULL,
    last_contribution BIGINT NOT NULL,
    last_batch BIGINT NOT NULL,
    last_report BIGINT NOT NULL,
    last_fact BIGINT NOT NULL
);

CREATE TABLE log_leaf (
    idx BIGINT NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    bytes TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL
);

-- One row a command that had an answer worth keeping; keys never expire.
CREATE TABLE request (
    actor TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    content_hash BYTEA NOT NULL,
    content TEXT COLLATE "C",
    status INTEGER NOT NULL,
    response TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (actor, key)
);

CREATE TABLE asset (
    id INTEGER NOT NULL PRIMARY KEY,
    code TEXT COLLATE "C" NOT NULL UNIQUE,
    network TEXT COLLATE "C" NOT NULL,
    scale INTEGER NOT NULL CHECK (scale BETWEEN 0 AND 18),
    own_token INTEGER NOT NULL CHECK (own_token IN (0, 1)),
    leaf BIGINT NOT NULL UNIQUE
);

CREATE TABLE account (
    no INTEGER NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);

CREATE TABLE wallet (
    id INTEGER NOT NULL PRIMARY KEY,
    code TEXT COLLATE "C" NOT NULL UNIQUE,
    account_no INTEGER NOT NULL REFERENCES account (no),
    address TEXT COLLATE "C" NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);

CREATE TABLE venue (
    id INTEGER NOT NULL PRIMARY KEY,
    code TEXT COLLATE "C" NOT NULL UNIQUE,
    first_due TEXT COLLATE "C" NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);

-- Natural persons. Secrets they log in with are kept apart, because those change and are no part of the books.
CREATE TABLE person (
    id INTEGER NOT NULL PRIMARY KEY,
    login TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);

CREATE TABLE service_key (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    prefix TEXT COLLATE "C" NOT NULL UNIQUE,
    secret_hash BYTEA NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT,
    owner INTEGER REFERENCES person (id),
    leaf BIGINT NOT NULL UNIQUE
);

CREATE TABLE service_key_revocation (
    key_id INTEGER NOT NULL PRIMARY KEY REFERENCES service_key (id),
    leaf BIGINT NOT NULL UNIQUE
);

-- Policies, memo figures, incident steps, estimates, statements: whatever is effective-dated and read as a history.
CREATE TABLE fact (
    id BIGINT NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    effective_on TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);
CREATE INDEX fact_by_kind ON fact (kind, subject, id);

CREATE TABLE closed_period (
    period TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    closed_entry BIGINT,
    leaf BIGINT NOT NULL UNIQUE
);

CREATE TABLE price_set (
    cutoff_on TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    source TEXT COLLATE "C" NOT NULL,
    source_hash TEXT COLLATE "C" NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);

CREATE TABLE asset_price (
    cutoff_on TEXT COLLATE "C" NOT NULL REFERENCES price_set (cutoff_on),
    asset_id INTEGER NOT NULL REFERENCES asset (id),
    price TEXT COLLATE "C" NOT NULL,
    basis TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (cutoff_on, asset_id)
);

CREATE TABLE entry (
    no BIGINT NOT NULL PRIMARY KEY,
    event TEXT COLLATE "C" NOT NULL,
    effective_on TEXT COLLATE "C" NOT NULL,
    period TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    request_key TEXT COLLATE "C" NOT NULL,
    memo TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    reverses BIGINT UNIQUE REFERENCES entry (no),
    marks TEXT COLLATE "C" NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);
CREATE INDEX entry_by_effective ON entry (effective_on, no);

CREATE TABLE posting (
    entry_no BIGINT NOT NULL REFERENCES entry (no),
    line INTEGER NOT NULL,
    account_no INTEGER NOT NULL REFERENCES account (no),
    asset_id INTEGER NOT NULL REFERENCES asset (id),
    quantity NUMERIC(39, 0) NOT NULL,
    value NUMERIC(39, 0) NOT NULL,
    wallet_id INTEGER REFERENCES wallet (id),
    lot_id BIGINT,
    incident_id INTEGER,
    report_id BIGINT,
    opens_acquired_on TEXT COLLATE "C",
    opens_mark TEXT COLLATE "C",
    PRIMARY KEY (entry_no, line)
);
CREATE INDEX posting_by_account ON posting (account_no, entry_no, line);

-- Running balances in recording order; 0 stands for "no wallet" and "no incident".
CREATE TABLE balance (
    account_no INTEGER NOT NULL,
    asset_id INTEGER NOT NULL,
    wallet_id INTEGER NOT NULL,
    incident_id INTEGER NOT NULL,
    quantity NUMERIC(39, 0) NOT NULL,
    value NUMERIC(39, 0) NOT NULL,
    PRIMARY KEY (account_no, asset_id, wallet_id, incident_id)
);

-- What each business day moved, by the period it was booked in: the source of as-of reports and of the closing entry.
CREATE TABLE balance_day (
    effective_on TEXT COLLATE "C" NOT NULL,
    period TEXT COLLATE "C" NOT NULL,
    account_no INTEGER NOT NULL,
    asset_id INTEGER NOT NULL,
    quantity NUMERIC(39, 0) NOT NULL,
    value NUMERIC(39, 0) NOT NULL,
    PRIMARY KEY (effective_on, period, account_no, asset_id)
);

CREATE TABLE lot (
    id BIGINT NOT NULL PRIMARY KEY,
    account_no INTEGER NOT NULL,
    wallet_id INTEGER NOT NULL,
    asset_id INTEGER NOT NULL,
    acquired_on TEXT COLLATE "C" NOT NULL,
    opened_by BIGINT NOT NULL,
    quantity NUMERIC(39, 0) NOT NULL,
    cost NUMERIC(39, 0) NOT NULL,
    mark TEXT COLLATE "C",
    is_open INTEGER NOT NULL
);
CREATE INDEX lot_open ON lot (is_open, asset_id, wallet_id, id);

CREATE TABLE contribution_batch (
    id BIGINT NOT NULL PRIMARY KEY,
    first_contribution BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    rows_root BYTEA NOT NULL,
    requests TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);

-- One row a single event. Integer ids in recording order; the one other index is the natural key.
CREATE TABLE contribution (
    id BIGINT NOT NULL PRIMARY KEY,
    venue_id INTEGER NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    business_date TEXT COLLATE "C" NOT NULL,
    pair TEXT COLLATE "C" NOT NULL,
    asset_id INTEGER NOT NULL,
    net_fee NUMERIC(39, 0) NOT NULL,
    amount NUMERIC(39, 0) NOT NULL,
    batch_id BIGINT NOT NULL,
    UNIQUE (venue_id, external_id)
);

-- Content that was refused has no rows and does not stand in the way of the same bytes later: `refusal` numbers the refusals of
-- one content from 1 and is 0 for a report that is kept with its rows.
CREATE TABLE fee_report (
    id BIGINT NOT NULL PRIMARY KEY,
    venue_id INTEGER NOT NULL REFERENCES venue (id),
    report_id TEXT COLLATE "C" NOT NULL,
    business_date TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    supersedes BIGINT,
    generated_at BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    control_totals TEXT COLLATE "C" NOT NULL,
    totals TEXT COLLATE "C" NOT NULL,
    refusal INTEGER NOT NULL,
    rows_root BYTEA NOT NULL,
    submitted_by TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE,
    UNIQUE (venue_id, report_id, version, sha256, refusal)
);
CREATE INDEX fee_report_by_day ON fee_report (venue_id, business_date, version);

-- What became of a report, step by step: quarantined, accepted, superseded, rejected.
CREATE TABLE fee_report_step (
    report_id BIGINT NOT NULL REFERENCES fee_report (id),
    step BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    problems TEXT COLLATE "C" NOT NULL,
    entry_no BIGINT REFERENCES entry (no),
    recorded_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE,
    PRIMARY KEY (report_id, step)
);

-- A version of a venue's day posts once.
CREATE TABLE fee_report_posted (
    venue_id INTEGER NOT NULL,
    business_date TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    report_id BIGINT NOT NULL UNIQUE REFERENCES fee_report (id),
    share TEXT COLLATE "C" NOT NULL,
    contributions TEXT COLLATE "C" NOT NULL,
    price_set TEXT COLLATE "C",
    PRIMARY KEY (venue_id, business_date, version)
);

CREATE TABLE fee_row (
    report_id BIGINT NOT NULL REFERENCES fee_report (id),
    line BIGINT NOT NULL,
    pair TEXT COLLATE "C" NOT NULL,
    asset_id INTEGER NOT NULL,
    trades BIGINT NOT NULL,
    volume_base NUMERIC(39, 0) NOT NULL,
    volume_quote NUMERIC(39, 0) NOT NULL,
    gross_fee NUMERIC(39, 0) NOT NULL,
    rebate NUMERIC(39, 0) NOT NULL,
    net_fee NUMERIC(39, 0) NOT NULL,
    PRIMARY KEY (report_id, line)
);

CREATE TABLE incident (
    id INTEGER NOT NULL PRIMARY KEY,
    code TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    occurred_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);

CREATE TABLE claims_file (
    id INTEGER NOT NULL PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    file_name TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    first_claim BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    totals TEXT COLLATE "C" NOT NULL,
    rows_root BYTEA NOT NULL,
    salt_key BYTEA NOT NULL,
    recorded_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE,
    UNIQUE (incident_id, sha256)
);

-- Claims are numbered from 1 within an incident, so that approvals and payouts are ranges.
CREATE TABLE claim (
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    no BIGINT NOT NULL,
    claim_ref TEXT COLLATE "C" NOT NULL,
    claimant_ref TEXT COLLATE "C" NOT NULL,
    asset_id INTEGER NOT NULL REFERENCES asset (id),
    quantity NUMERIC(39, 0) NOT NULL,
    payout_address TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (incident_id, no),
    UNIQUE (incident_id, claimant_ref, asset_id),
    UNIQUE (incident_id, claim_ref)
);

CREATE TABLE claim_approval (
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    first_claim BIGINT NOT NULL,
    last_claim BIGINT NOT NULL,
    entry_no BIGINT NOT NULL REFERENCES entry (no),
    recorded_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE,
    PRIMARY KEY (incident_id, first_claim)
);

CREATE TABLE payout_batch (
    id BIGINT NOT NULL PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    wallet_id INTEGER NOT NULL REFERENCES wallet (id),
    asset_id INTEGER NOT NULL REFERENCES asset (id),
    claim_count BIGINT NOT NULL,
    quantity NUMERIC(39, 0) NOT NULL,
    network_fee NUMERIC(39, 0) NOT NULL,
    rows_root BYTEA NOT NULL,
    paid_on TEXT COLLATE "C" NOT NULL,
    entry_no BIGINT NOT NULL REFERENCES entry (no),
    recorded_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);

CREATE TABLE payout_transaction (
    batch_id BIGINT NOT NULL REFERENCES payout_batch (id),
    no BIGINT NOT NULL,
    txid TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (batch_id, no)
);

-- Pay once: the key refuses a second payout of a claim whatever the code believes.
CREATE TABLE payout (
    incident_id INTEGER NOT NULL,
    claim_no BIGINT NOT NULL,
    batch_id BIGINT NOT NULL REFERENCES payout_batch (id),
    transaction_no BIGINT NOT NULL,
    PRIMARY KEY (incident_id, claim_no),
    FOREIGN KEY (incident_id, claim_no) REFERENCES claim (incident_id, no)
);

-- A command that waits for approval. Its content stands in its steps, because it may be written anew.
CREATE TABLE proposal (
    id BIGINT NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    maker INTEGER NOT NULL REFERENCES person (id),
    recorded_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE,
    UNIQUE (id, maker)
);

-- The life of a proposal. The maker stands in every step, so that the database itself can refuse who approves the own one.
CREATE TABLE proposal_step (
    proposal_id BIGINT NOT NULL,
    no INTEGER NOT NULL,
    maker INTEGER NOT NULL,
    step TEXT COLLATE "C" NOT NULL,
    person INTEGER NOT NULL REFERENCES person (id),
    revision INTEGER NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE,
    PRIMARY KEY (proposal_id, no),
    FOREIGN KEY (proposal_id, maker) REFERENCES proposal (id, maker),
    CHECK (step NOT IN ('approve', 'ratify') OR person <> maker),
    CHECK (step NOT IN ('draft', 'submit', 'withdraw') OR person = maker)
);
-- Nobody approves a revision twice, and nothing takes effect twice.
CREATE UNIQUE INDEX proposal_step_one_voice ON proposal_step (proposal_id, revision, person) WHERE step IN ('approve', 'ratify');
CREATE UNIQUE INDEX proposal_step_once ON proposal_step (proposal_id) WHERE step = 'execute';

-- What persons log in with. These tables hold secrets that change, so they stand outside the log and may be edited; what is done
-- with them leaves an `access_event`, which stands in it.
CREATE TABLE credential (
    person INTEGER NOT NULL PRIMARY KEY REFERENCES person (id),
    password TEXT COLLATE "C" NOT NULL,
    totp BYTEA NOT NULL,
    totp_step BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    resets BIGINT NOT NULL
);

CREATE TABLE recovery_code (
    person INTEGER NOT NULL REFERENCES person (id),
    hash BYTEA NOT NULL,
    PRIMARY KEY (person, hash)
);

CREATE TABLE session (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES person (id),
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    stepped_up_at BIGINT,
    generation BIGINT NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL
);
CREATE INDEX session_by_person ON session (person);

-- Attempts to log in that have not succeeded, by what they are counted for.
CREATE TABLE login_attempt (
    subject BYTEA NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    free_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
CREATE INDEX login_attempt_by_age ON login_attempt (last_at);

-- One-time invitations; without a person it is the one that makes the first administrator.
CREATE TABLE invitation (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    person INTEGER REFERENCES person (id),
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

-- Keys addresses in the log, so that nobody finds them there by trying all addresses.
CREATE TABLE address_key (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    key BYTEA NOT NULL
);

-- Who came in, who was refused, and whose login was changed.
CREATE TABLE access_event (
    id BIGINT NOT NULL PRIMARY KEY,
    what TEXT COLLATE "C" NOT NULL,
    person INTEGER REFERENCES person (id),
    session TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);
