//! The log's bytes: golden vectors made by an encoder in another language, and every leaf of a real book encoded again by a
//! second encoder that shares no code with the product's.

use crate::small_book;
use safu_ledger::proof::leaf::{Envelope, encode};
use safu_ledger::proof::merkle::{leaf_hash, root_of};
use safu_ledger::proof::row::RowEncoder;
use safu_ledger::store::{journal, log};
use serde_json::Value;
use sha2::{Digest, Sha256};

const VECTORS: &str = include_str!("../fixtures/log_vectors.json");

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

#[test]
fn leaves_match_the_golden_vectors() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let leaves = vectors["leaves"].as_array().unwrap();
    assert!(!leaves.is_empty());
    for leaf in leaves {
        let envelope = Envelope {
            at: text(leaf, "at"),
            actor: text(leaf, "actor"),
            request: text(leaf, "request"),
            kind: text(leaf, "kind"),
        };
        let bytes = encode(envelope, &leaf["body"]);
        assert_eq!(bytes, text(leaf, "bytes"));
        assert_eq!(hex::encode(leaf_hash(bytes.as_bytes())), text(leaf, "hash"));
    }
}

#[test]
fn rows_match_the_golden_vectors() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let mut encoder = RowEncoder::new();
    for row in vectors["rows"].as_array().unwrap() {
        let mut fields = row["fields"].as_array().unwrap().iter().map(|field| field.as_str().unwrap());
        encoder.begin(fields.next().unwrap());
        for field in fields {
            encoder.text(field);
        }
        assert_eq!(hex::encode(encoder.bytes()), text(row, "bytes"));
        assert_eq!(hex::encode(encoder.leaf_hash()), text(row, "hash"));
    }
}

#[test]
fn roots_match_the_golden_vectors() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    for (size, root) in vectors["roots_of_decimal_numbers"].as_object().unwrap() {
        let size: u64 = size.parse().unwrap();
        let leaves = (0..size).map(|number| leaf_hash(number.to_string().as_bytes()));
        assert_eq!(hex::encode(root_of(leaves)), root.as_str().unwrap(), "size {size}");
    }
}

/// The tree of RFC 6962 as its section 2.1 defines it, by recursion.
fn defined_root(leaves: &[Vec<u8>]) -> Vec<u8> {
    match leaves {
        [] => Sha256::digest(b"").to_vec(),
        [one] => one.clone(),
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            Sha256::digest([&[1], defined_root(left).as_slice(), defined_root(right).as_slice()].concat()).to_vec()
        }
    }
}

fn field(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u32).to_be_bytes());
    out.extend(text.as_bytes());
}

on_both_engines!(every_leaf_of_a_book_is_what_a_second_encoder_makes, |db| {
    let book = small_book::full(&db);
    let (leaves, head) = book.read(|conn| Ok((log::leaves(conn, 0, 10_000)?, log::Head::load(conn)?))).unwrap();
    let mut hashes = Vec::new();
    for leaf in &leaves {
        // serde_json keeps members sorted and writes the shortest escapes, which for whole numbers and text is RFC 8785.
        let value: Value = serde_json::from_str(&leaf.bytes).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), leaf.bytes);
        assert_eq!(value["v"], 1);
        let hash = Sha256::digest([&[0], leaf.bytes.as_bytes()].concat()).to_vec();
        assert_eq!(hash, leaf.hash);
        hashes.push(hash);
    }
    assert_eq!(defined_root(&hashes), head.log.root());
    for leaf in leaves.iter().filter(|leaf| leaf.kind == "entry") {
        let value: Value = serde_json::from_str(&leaf.bytes).unwrap();
        let no = value["body"]["no"].as_i64().unwrap();
        let postings = book.read(|conn| journal::postings_between(conn, no, no)).unwrap();
        let rows: Vec<Vec<u8>> = postings.iter().map(second_encoding).collect();
        assert_eq!(hex::encode(defined_root(&rows)), value["body"]["postings_root"].as_str().unwrap());
    }
});

fn second_encoding(row: &journal::PostingRow) -> Vec<u8> {
    let mut bytes = vec![0, 1];
    let optional = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
    let fields = [
        "posting".to_owned(),
        row.line.to_string(),
        row.account_no.to_string(),
        row.asset_id.to_string(),
        row.quantity.0.to_string(),
        row.value.0.to_string(),
        optional(row.wallet_id.map(i64::from)),
        optional(row.lot_id),
        optional(row.incident_id.map(i64::from)),
        optional(row.report_id),
        row.opens_acquired_on.clone().unwrap_or_default(),
        row.opens_mark.clone().unwrap_or_default(),
    ];
    for text in &fields {
        field(&mut bytes, text);
    }
    Sha256::digest(bytes).to_vec()
}
