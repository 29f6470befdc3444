//! Evidence: every file's content hashes to what its leaf says, no content is without a file, and what is attached is there. One file is
//! in memory at a time.

use super::Verdict;
use super::count;
use crate::proof::merkle::sha256;
use crate::service::entries::{MANUAL, ManualFact};
use crate::service::evidence::attachments;
use crate::service::registry::parsed_facts;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::evidence;
use std::collections::BTreeSet;

/// Files of one look-up.
const PAGE: i64 = 500;

/// Checks every file.
pub(super) fn check(conn: &mut Conn, verdict: &mut Verdict) -> Result<(), StoreError> {
    let mut known = BTreeSet::new();
    let mut before = None;
    loop {
        let files = evidence::page(conn, before, PAGE)?;
        let Some(last) = files.last() else { break };
        before = Some(last.leaf);
        for file in files {
            let subject = format!("evidence {}", file.sha256);
            match evidence::content(conn, &file.sha256)? {
                None => verdict.add(subject, "its content is missing"),
                Some(bytes) if hex::encode(sha256(&bytes)) != file.sha256 => {
                    verdict.add(subject, "its content does not hash to the hash in its leaf");
                }
                Some(bytes) if i64::try_from(bytes.len()) != Ok(file.byte_count) => {
                    verdict.add(subject, format!("has {} bytes, its leaf says {}", bytes.len(), file.byte_count));
                }
                Some(_) => {}
            }
            known.insert(file.sha256);
        }
    }
    verdict.counts.evidence = count(known.len());
    for stray in evidence::contents(conn)?.iter().filter(|hash| !known.contains(*hash)) {
        verdict.add(format!("evidence {stray}"), "is a content without a file");
    }
    let attached = attachments(conn)?.into_iter().map(|(subject, attachment)| (subject, attachment.sha256));
    let given = parsed_facts::<ManualFact>(conn, MANUAL)?.into_iter().flat_map(|(_, _, fact)| {
        let subject = format!("entry/{}", fact.entry);
        fact.command.evidence.into_iter().map(move |hash| (subject.clone(), hash))
    });
    for (subject, hash) in attached.chain(given.collect::<Vec<_>>()) {
        if !known.contains(&hash) {
            verdict.add(subject, format!("has evidence {hash}, which is not in the book"));
        }
    }
    Ok(())
}
