//! Zip files with members that are stored as they are: names, contents and zip files inside each other come from the
//! bytes of an input.

/// What separates the members of an input: a line with their name follows, then their bytes.
const MEMBER: &[u8] = b"\n=-=-= ";

/// Zip files inside each other that one input can make.
const DEEPEST: usize = 8;

/// A zip file of the members that an input describes. A member whose name ends in `.zip` and whose bytes do not begin as a
/// zip file holds what comes after it.
pub fn of(input: &[u8]) -> Vec<u8> {
    let mut members: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for part in split(input) {
        let end = part.iter().position(|&byte| byte == b'\n').unwrap_or(part.len());
        let (name, content) = (&part[..end], part.get(end + 1..).unwrap_or_default());
        members.push((name.to_vec(), content.to_vec()));
    }
    nested(&members, 0)
}

fn nested(members: &[(Vec<u8>, Vec<u8>)], depth: usize) -> Vec<u8> {
    let mut own: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for (at, (name, content)) in members.iter().enumerate() {
        let is_holder = name.ends_with(b".zip") && !content.starts_with(b"PK") && depth < DEEPEST;
        if is_holder {
            own.push((name, nested(&members[at + 1..], depth + 1)));
            break;
        }
        own.push((name, content.clone()));
    }
    stored(&own)
}

fn split(input: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (Vec::new(), input);
    while let Some(at) = rest.windows(MEMBER.len()).position(|window| window == MEMBER) {
        parts.push(&rest[..at]);
        rest = &rest[at + MEMBER.len()..];
    }
    parts.push(rest);
    parts
}

/// A zip file of members that are stored.
pub fn stored(members: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let short = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
    let long = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    for (name, content) in members {
        let name = &name[..name.len().min(usize::from(u16::MAX))];
        let at = long(out.len());
        // Version, flags, method, time and date; then checksum and sizes.
        let common = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x58][..],
            &crc32(content).to_le_bytes(),
            &long(content.len()),
            &long(content.len()),
            &short(name.len()),
            &[0, 0],
        ]
        .concat();
        out.extend([b"PK\x03\x04", &common[..], name, content].concat());
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &at, name].concat());
    }
    let (size, at, count) = (long(directory.len()), long(out.len()), short(members.len()));
    out.extend(directory);
    out.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &at, &[0, 0]].concat());
    out
}

/// A 7z file with the checksums of its directory made right, without which nothing of it is read.
pub fn repaired_7z(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    let number = |at: usize| {
        let bytes = file.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes) as usize
    };
    let from = number(12).saturating_add(32);
    let to = from.saturating_add(number(20));
    if let Some(crc) = file.get(from..to).map(crc32) {
        file[28..32].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32(&file[12..32]);
        file[8..12].copy_from_slice(&crc.to_le_bytes());
    }
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
