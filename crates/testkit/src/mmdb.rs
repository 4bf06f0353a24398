//! A writer of small databases in MaxMind's format, version 2.0 (MaxMind, "MaxMind DB File Format Specification").

use std::net::IpAddr;

use serde_json::Value;

/// Bytes between the search tree and the data.
const SEPARATOR: usize = 16;

/// A child of a node.
#[derive(Clone, Copy)]
enum Child {
    Nothing,
    Node(usize),
    /// An offset in the data.
    Data(usize),
}

/// Returns a database that holds these records. A network is an address with the length of its prefix, such as
/// `203.0.113.0/24`; networks must not overlap. IPv4 networks lie in `::/96`.
///
/// # Panics
/// For a network that cannot be read.
pub fn mmdb(kind: &str, networks: &[(&str, Value)]) -> Vec<u8> {
    let mut nodes = vec![[Child::Nothing; 2]];
    let mut data = Vec::new();
    for (network, record) in networks {
        let (address, length) = network.split_once('/').expect("an address and a length");
        let length: usize = length.parse().unwrap();
        let (bits, length) = match address.parse().unwrap() {
            IpAddr::V4(address) => (u128::from(u32::from(address)), length + 96),
            IpAddr::V6(address) => (u128::from(address), length),
        };
        let offset = data.len();
        write(record, &mut data);
        let mut node = 0;
        for depth in 0..length {
            let side = (bits >> (127 - depth) & 1) as usize;
            if depth + 1 == length {
                nodes[node][side] = Child::Data(offset);
            } else if let Child::Node(next) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([Child::Nothing; 2]);
                nodes[node][side] = Child::Node(nodes.len() - 1);
                node = nodes.len() - 1;
            }
        }
    }
    let mut out = Vec::new();
    for child in nodes.iter().flatten() {
        let record = match child {
            Child::Nothing => nodes.len(),
            Child::Node(node) => *node,
            Child::Data(offset) => nodes.len() + SEPARATOR + offset,
        };
        out.extend(u32::try_from(record).unwrap().to_be_bytes());
    }
    out.extend([0; SEPARATOR]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    metadata(kind, nodes.len() as u64, &mut out);
    out
}

/// Types of values, as their control bytes number them.
const TEXT: u8 = 2;
const UINT16: u8 = 5;
const UINT32: u8 = 6;
const MAP: u8 = 7;
const UINT64: u8 = 9;
const ARRAY: u8 = 11;
const BOOLEAN: u8 = 14;

fn metadata(kind: &str, nodes: u64, out: &mut Vec<u8>) {
    control(MAP, 9, out);
    for (key, of, number) in [
        ("node_count", UINT32, nodes),
        ("record_size", UINT16, 32),
        ("ip_version", UINT16, 6),
        ("binary_format_major_version", UINT16, 2),
        ("binary_format_minor_version", UINT16, 0),
        ("build_epoch", UINT64, 1_772_323_200),
    ] {
        text(key, out);
        unsigned(of, number, out);
    }
    text("database_type", out);
    text(kind, out);
    text("languages", out);
    control(ARRAY, 0, out);
    text("description", out);
    control(MAP, 1, out);
    text("en", out);
    text("A database for tests", out);
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::String(string) => text(string, out),
        Value::Bool(truth) => control(BOOLEAN, usize::from(*truth), out),
        Value::Number(number) => unsigned(UINT32, number.as_u64().expect("a whole number"), out),
        Value::Array(items) => {
            control(ARRAY, items.len(), out);
            items.iter().for_each(|item| write(item, out));
        }
        Value::Object(members) => {
            control(MAP, members.len(), out);
            for (key, member) in members {
                text(key, out);
                write(member, out);
            }
        }
        Value::Null => panic!("the format has no null"),
    }
}

/// Writes a control byte: the type and the size; types from 8 on take a second byte, sizes from 29 on another one.
fn control(of: u8, size: usize, out: &mut Vec<u8>) {
    let (first, extended) = if of < 8 {
        (of << 5, None)
    } else {
        (0, Some(of - 7))
    };
    let (size, more) = match size {
        0..=28 => (size as u8, None),
        _ => (
            29,
            Some(u8::try_from(size - 29).expect("at most 284 bytes or members")),
        ),
    };
    out.push(first | size);
    out.extend(extended);
    out.extend(more);
}

fn text(text: &str, out: &mut Vec<u8>) {
    control(TEXT, text.len(), out);
    out.extend(text.as_bytes());
}

fn unsigned(of: u8, number: u64, out: &mut Vec<u8>) {
    let bytes = number.to_be_bytes();
    let bytes = &bytes[number.leading_zeros() as usize / 8..];
    control(of, bytes.len(), out);
    out.extend(bytes);
}
