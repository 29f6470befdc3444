//! The text inside of a pack that says what it is and how to check it.

use super::Manifest;

/// Its name in the pack.
pub(super) const NAME: &str = "README.txt";

/// The text for this manifest.
pub(super) fn text(manifest: &Manifest) -> String {
    let Manifest { book, from, to, zone, backdated_days, office_hours, log, .. } = manifest;
    let last = log.last_recorded_at.as_deref().unwrap_or("nothing");
    format!(
        "Audit pack of the book {book}\n\
         {from} to {to}, all days and hours in {zone}\n\
         \n\
         What this is\n\
         The populations that an audit asks for, as CSV files (UTF-8, RFC 4180, a heading in the first line).\n\
         manifest.json lists each with its number of rows and the SHA-256 of its bytes, and the log that they\n\
         were taken from: {size} records, root {root}, the last one recorded at {last}.\n\
         \n\
         An entry belongs to the range if it was recorded in it or its business date lies in it; both dates are\n\
         given. Everything else belongs to it by the moment of recording; persons, keys and closed periods are\n\
         complete. Back-dated means recorded more than {backdated_days} days after the business date. After hours means\n\
         recorded outside of {office_hours}, or on a Saturday or Sunday; whether a person, a key or a job recorded\n\
         it is in the column recorded_by.\n\
         \n\
         A text that a spreadsheet would run as a formula has an apostrophe in front of it.\n\
         \n\
         How to check it\n\
         1. The files: compare each with its SHA-256 in manifest.json, for example with sha256sum, and count its\n\
         \x20  lines (less one for the heading; a text may hold line breaks between quotes).\n\
         2. The log: log.csv has the hash of every record. The root of the Merkle tree over them (RFC 6962, SHA-256;\n\
         \x20  the hashes are those of the leaves) is the root in manifest.json. Compare that with a root that was\n\
         \x20  published or noted elsewhere.\n\
         3. A record: in records.csv each record of the range stands as its bytes; SHA-256 over a zero byte and these\n\
         \x20  bytes is its hash in log.csv. (For a record that begins with an apostrophe see above: none does, as\n\
         \x20  each begins with a brace.) The column leaf of every other file says which record its row comes from.\n\
         \x20  Lines of entries are under the postings_root of their record (docs/PROOFS.md).\n\
         4. All of it against the book: `safu audit-pack verify PACK --database URL` makes the pack again at the size\n\
         \x20  of the log that it names and compares every byte; `safu verify --database URL` recomputes the book\n\
         \x20  itself from its log.\n\
         \n\
         The same range at the same size of the log gives the same files, whenever and wherever it is made.\n",
        size = log.size,
        root = log.root,
    )
}
