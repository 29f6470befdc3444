-- Files that show why something was booked, each once by its content. The names they came under are data.
CREATE TABLE evidence_file (
    sha256 TEXT NOT NULL PRIMARY KEY CHECK (length(sha256) = 64),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    byte_count INTEGER NOT NULL CHECK (byte_count > 0),
    recorded_at INTEGER NOT NULL,
    leaf INTEGER NOT NULL UNIQUE
) STRICT;

-- Their content, apart from what lists read. The log holds its hash, which is also its key.
CREATE TABLE evidence_content (
    sha256 TEXT NOT NULL PRIMARY KEY REFERENCES evidence_file (sha256),
    bytes BLOB NOT NULL
) STRICT;
