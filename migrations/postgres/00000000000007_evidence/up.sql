-- Files that show why something was booked, each once by its content. The names they came under are data.
CREATE TABLE evidence_file (
    sha256 TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(sha256) = 64),
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    byte_count BIGINT NOT NULL CHECK (byte_count > 0),
    recorded_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL UNIQUE
);

-- Their content, apart from what lists read. The log holds its hash, which is also its key.
CREATE TABLE evidence_content (
    sha256 TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES evidence_file (sha256),
    bytes BYTEA NOT NULL
);
