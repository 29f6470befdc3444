-- One book a database. Money is the decimal text of a whole number of minor units (see docs/adr/0002); dates are ISO text;
-- instants are microseconds since 1970-01-01 UTC. Ids are given by the application.

CREATE TABLE book (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    lot_method TEXT NOT NULL,
    framework TEXT NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

-- The fence: every write moves this row by a conditional update, which orders all writers of all processes.
CREATE TABLE head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    log_size INTEGER NOT NULL,
    log_root BLOB NOT NULL,
    log_frontier BLOB NOT NULL,
    last_entry INTEGER NOT NULL,
    last_lot INTEGER NOT NULL,
    last_contribution INTEGER NOT NULL,
    last_batch INTEGER NOT NULL,
    last_report INTEGER NOT NULL,
    last_fact INTEGER NOT NULL
) STRICT;

CREATE TABLE log_leaf (
    idx INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    bytes TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- One row a command that had an answer worth keeping; keys never expire.
CREATE TABLE request (
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    content TEXT,
    status INTEGER NOT NULL,
    response TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE asset (
    id INTEGER NOT NULL PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    network TEXT NOT NULL,
    scale INTEGER NOT NULL CHECK (scale BETWEEN 0 AND 18),
    own_token INTEGER NOT NULL CHECK (own_token IN (0, 1)),
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE account (
    no INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE wallet (
    id INTEGER NOT NULL PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    account_no INTEGER NOT NULL REFERENCES account (no),
    address TEXT NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE venue (
    id INTEGER NOT NULL PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    first_due TEXT NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

-- Natural persons. Secrets they log in with are kept apart, because those change and are no part of the books.
CREATE TABLE person (
    id INTEGER NOT NULL PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE service_key (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    prefix TEXT NOT NULL UNIQUE,
    secret_hash BLOB NOT NULL,
    scope TEXT NOT NULL,
    expires_at INTEGER,
    owner INTEGER REFERENCES person (id),
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE service_key_revocation (
    key_id INTEGER NOT NULL PRIMARY KEY REFERENCES service_key (id),
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

-- Policies, memo figures, incident steps, estimates, statements: whatever is effective-dated and read as a history.
CREATE TABLE fact (
    id INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    effective_on TEXT NOT NULL,
    body TEXT NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;
CREATE INDEX fact_by_kind ON fact (kind, subject, id);

CREATE TABLE closed_period (
    period TEXT NOT NULL PRIMARY KEY,
    closed_entry INTEGER,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE price_set (
    cutoff_on TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    source_hash TEXT NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE asset_price (
    cutoff_on TEXT NOT NULL REFERENCES price_set (cutoff_on),
    asset_id INTEGER NOT NULL REFERENCES asset (id),
    price TEXT NOT NULL,
    basis TEXT NOT NULL,
    PRIMARY KEY (cutoff_on, asset_id)
) STRICT;

CREATE TABLE entry (
    no INTEGER NOT NULL PRIMARY KEY,
    event TEXT NOT NULL,
    effective_on TEXT NOT NULL,
    period TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    request_key TEXT NOT NULL,
    memo TEXT NOT NULL,
    source TEXT NOT NULL,
    reverses INTEGER UNIQUE REFERENCES entry (no),
    marks TEXT NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;
CREATE INDEX entry_by_effective ON entry (effective_on, no);

CREATE TABLE posting (
    entry_no INTEGER NOT NULL REFERENCES entry (no),
    line INTEGER NOT NULL,
    account_no INTEGER NOT NULL REFERENCES account (no),
    asset_id INTEGER NOT NULL REFERENCES asset (id),
    quantity TEXT NOT NULL,
    value TEXT NOT NULL,
    wallet_id INTEGER REFERENCES wallet (id),
    lot_id INTEGER,
    incident_id INTEGER,
    report_id INTEGER,
    opens_acquired_on TEXT,
    opens_mark TEXT,
    PRIMARY KEY (entry_no, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX posting_by_account ON posting (account_no, entry_no, line);

-- Running balances in recording order; 0 stands for "no wallet" and "no incident".
CREATE TABLE balance (
    account_no INTEGER NOT NULL,
    asset_id INTEGER NOT NULL,
    wallet_id INTEGER NOT NULL,
    incident_id INTEGER NOT NULL,
    quantity TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account_no, asset_id, wallet_id, incident_id)
) STRICT, WITHOUT ROWID;

-- What each business day moved, by the period it was booked in: the source of as-of reports and of the closing entry.
CREATE TABLE balance_day (
    effective_on TEXT NOT NULL,
    period TEXT NOT NULL,
    account_no INTEGER NOT NULL,
    asset_id INTEGER NOT NULL,
    quantity TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (effective_on, period, account_no, asset_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lot (
    id INTEGER NOT NULL PRIMARY KEY,
    account_no INTEGER NOT NULL,
    wallet_id INTEGER NOT NULL,
    asset_id INTEGER NOT NULL,
    acquired_on TEXT NOT NULL,
    opened_by INTEGER NOT NULL,
    quantity TEXT NOT NULL,
    cost TEXT NOT NULL,
    mark TEXT,
    is_open INTEGER NOT NULL
) STRICT;
CREATE INDEX lot_open ON lot (is_open, asset_id, wallet_id, id);

CREATE TABLE contribution_batch (
    id INTEGER NOT NULL PRIMARY KEY,
    first_contribution INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    rows_root BLOB NOT NULL,
    requests TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

-- One row a single event. Integer ids in recording order; the one other index is the natural key.
CREATE TABLE contribution (
    id INTEGER NOT NULL PRIMARY KEY,
    venue_id INTEGER NOT NULL,
    external_id TEXT NOT NULL,
    business_date TEXT NOT NULL,
    pair TEXT NOT NULL,
    asset_id INTEGER NOT NULL,
    net_fee TEXT NOT NULL,
    amount TEXT NOT NULL,
    batch_id INTEGER NOT NULL,
    UNIQUE (venue_id, external_id)
) STRICT;

-- Content that was refused has no rows and does not stand in the way of the same bytes later: `refusal` numbers the refusals of
-- one content from 1 and is 0 for a report that is kept with its rows.
CREATE TABLE fee_report (
    id INTEGER NOT NULL PRIMARY KEY,
    venue_id INTEGER NOT NULL REFERENCES venue (id),
    report_id TEXT NOT NULL,
    business_date TEXT NOT NULL,
    version INTEGER NOT NULL,
    supersedes INTEGER,
    generated_at INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    control_totals TEXT NOT NULL,
    totals TEXT NOT NULL,
    refusal INTEGER NOT NULL,
    rows_root BLOB NOT NULL,
    submitted_by TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE,
    UNIQUE (venue_id, report_id, version, sha256, refusal)
) STRICT;
CREATE INDEX fee_report_by_day ON fee_report (venue_id, business_date, version);

-- What became of a report, step by step: quarantined, accepted, superseded, rejected.
CREATE TABLE fee_report_step (
    report_id INTEGER NOT NULL REFERENCES fee_report (id),
    step INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    problems TEXT NOT NULL,
    entry_no INTEGER REFERENCES entry (no),
    recorded_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (report_id, step)
) STRICT;

-- A version of a venue's day posts once.
CREATE TABLE fee_report_posted (
    venue_id INTEGER NOT NULL,
    business_date TEXT NOT NULL,
    version INTEGER NOT NULL,
    report_id INTEGER NOT NULL UNIQUE REFERENCES fee_report (id),
    share TEXT NOT NULL,
    contributions TEXT NOT NULL,
    price_set TEXT,
    PRIMARY KEY (venue_id, business_date, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE fee_row (
    report_id INTEGER NOT NULL REFERENCES fee_report (id),
    line INTEGER NOT NULL,
    pair TEXT NOT NULL,
    asset_id INTEGER NOT NULL,
    trades INTEGER NOT NULL,
    volume_base TEXT NOT NULL,
    volume_quote TEXT NOT NULL,
    gross_fee TEXT NOT NULL,
    rebate TEXT NOT NULL,
    net_fee TEXT NOT NULL,
    PRIMARY KEY (report_id, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
    id INTEGER NOT NULL PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE claims_file (
    id INTEGER NOT NULL PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    file_name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    first_claim INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    totals TEXT NOT NULL,
    rows_root BLOB NOT NULL,
    salt_key BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE,
    UNIQUE (incident_id, sha256)
) STRICT;

-- Claims are numbered from 1 within an incident, so that approvals and payouts are ranges.
CREATE TABLE claim (
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    no INTEGER NOT NULL,
    claim_ref TEXT NOT NULL,
    claimant_ref TEXT NOT NULL,
    asset_id INTEGER NOT NULL REFERENCES asset (id),
    quantity TEXT NOT NULL,
    payout_address TEXT NOT NULL,
    PRIMARY KEY (incident_id, no),
    UNIQUE (incident_id, claimant_ref, asset_id),
    UNIQUE (incident_id, claim_ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE claim_approval (
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    first_claim INTEGER NOT NULL,
    last_claim INTEGER NOT NULL,
    entry_no INTEGER NOT NULL REFERENCES entry (no),
    recorded_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (incident_id, first_claim)
) STRICT;

CREATE TABLE payout_batch (
    id INTEGER NOT NULL PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    wallet_id INTEGER NOT NULL REFERENCES wallet (id),
    asset_id INTEGER NOT NULL REFERENCES asset (id),
    claim_count INTEGER NOT NULL,
    quantity TEXT NOT NULL,
    network_fee TEXT NOT NULL,
    rows_root BLOB NOT NULL,
    paid_on TEXT NOT NULL,
    entry_no INTEGER NOT NULL REFERENCES entry (no),
    recorded_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE payout_transaction (
    batch_id INTEGER NOT NULL REFERENCES payout_batch (id),
    no INTEGER NOT NULL,
    txid TEXT NOT NULL,
    PRIMARY KEY (batch_id, no)
) STRICT;

-- Pay once: the key refuses a second payout of a claim whatever the code believes.
CREATE TABLE payout (
    incident_id INTEGER NOT NULL,
    claim_no INTEGER NOT NULL,
    batch_id INTEGER NOT NULL REFERENCES payout_batch (id),
    transaction_no INTEGER NOT NULL,
    PRIMARY KEY (incident_id, claim_no),
    FOREIGN KEY (incident_id, claim_no) REFERENCES claim (incident_id, no)
) STRICT, WITHOUT ROWID;

-- A command that waits for approval. Its content stands in its steps, because it may be written anew.
CREATE TABLE proposal (
    id INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    maker INTEGER NOT NULL REFERENCES person (id),
    recorded_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE,
    UNIQUE (id, maker)
) STRICT;

-- The life of a proposal. The maker stands in every step, so that the database itself can refuse who approves the own one.
CREATE TABLE proposal_step (
    proposal_id INTEGER NOT NULL,
    no INTEGER NOT NULL,
    maker INTEGER NOT NULL,
    step TEXT NOT NULL,
    person INTEGER NOT NULL REFERENCES person (id),
    revision INTEGER NOT NULL,
    state TEXT NOT NULL,
    content TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (proposal_id, no),
    FOREIGN KEY (proposal_id, maker) REFERENCES proposal (id, maker),
    CHECK (step NOT IN ('approve', 'ratify') OR person <> maker),
    CHECK (step NOT IN ('draft', 'submit', 'withdraw') OR person = maker)
) STRICT, WITHOUT ROWID;
-- Nobody approves a revision twice, and nothing takes effect twice.
CREATE UNIQUE INDEX proposal_step_one_voice ON proposal_step (proposal_id, revision, person) WHERE step IN ('approve', 'ratify');
CREATE UNIQUE INDEX proposal_step_once ON proposal_step (proposal_id) WHERE step = 'execute';

-- What persons log in with. These tables hold secrets that change, so they stand outside the log and may be edited; what is done
-- with them leaves an `access_event`, which stands in it.
CREATE TABLE credential (
    person INTEGER NOT NULL PRIMARY KEY REFERENCES person (id),
    password TEXT NOT NULL,
    totp BLOB NOT NULL,
    totp_step INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    resets INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_code (
    person INTEGER NOT NULL REFERENCES person (id),
    hash BLOB NOT NULL,
    PRIMARY KEY (person, hash)
) STRICT;

CREATE TABLE session (
    token_hash BLOB NOT NULL PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES person (id),
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    stepped_up_at INTEGER,
    generation INTEGER NOT NULL,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT;
CREATE INDEX session_by_person ON session (person);

-- Attempts to log in that have not succeeded, by what they are counted for.
CREATE TABLE login_attempt (
    subject BLOB NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    free_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT;
CREATE INDEX login_attempt_by_age ON login_attempt (last_at);

-- One-time invitations; without a person it is the one that makes the first administrator.
CREATE TABLE invitation (
    token_hash BLOB NOT NULL PRIMARY KEY,
    person INTEGER REFERENCES person (id),
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

-- Keys addresses in the log, so that nobody finds them there by trying all addresses.
CREATE TABLE address_key (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    key BLOB NOT NULL
) STRICT;

-- Who came in, who was refused, and whose login was changed.
CREATE TABLE access_event (
    id INTEGER NOT NULL PRIMARY KEY,
    what TEXT NOT NULL,
    person INTEGER REFERENCES person (id),
    session TEXT NOT NULL,
    address TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;
