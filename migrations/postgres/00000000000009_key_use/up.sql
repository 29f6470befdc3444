-- When a service key was used last, give or take a minute. It moves with every use, so it stands outside the log.
CREATE TABLE key_use (
    key_id INTEGER NOT NULL PRIMARY KEY REFERENCES service_key (id),
    used_at BIGINT NOT NULL
);
