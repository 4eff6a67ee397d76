//! Archives of members that are stored as they are, and packed files.
#![allow(dead_code, reason = "each test program uses some of these")]

use std::io::{Cursor, Write};

/// A zip file.
pub(crate) fn zip_of(members: &[(&str, Vec<u8>)], large: bool) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        let options = zip::write::SimpleFileOptions::default().large_file(large);
        zip.start_file(*name, options).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A 7z file, with a directory that is not packed.
pub(crate) fn seven_zip_of(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let number = |number: usize| [&[0xFF][..], &(number as u64).to_le_bytes()].concat();
    let sizes: Vec<u8> = members.iter().flat_map(|member| number(member.1.len())).collect();
    let count = number(members.len());
    let names: Vec<u8> = members
        .iter()
        .flat_map(|member| member.0.encode_utf16().chain([0]))
        .flat_map(u16::to_le_bytes)
        .collect();
    let streams = [
        &[0x04, 0x06][..],
        &number(0),
        &count,
        &[0x09],
        &sizes,
        &[0x00, 0x07, 0x0B],
        &count,
        &[0x00],
        // One coder each, whose method has one byte: to copy.
        &[0x01, 0x01, 0x00].repeat(members.len()),
        &[0x0C],
        &sizes,
        &[0x00, 0x00],
    ]
    .concat();
    let files = [&[0x05][..], &count, &[0x11], &number(names.len() + 1), &[0x00], &names, &[0x00]].concat();
    let directory = [&[0x01][..], &streams, &files, &[0x00]].concat();
    let data: Vec<u8> = members.iter().flat_map(|member| member.1.iter().copied()).collect();
    with_directory(&data, &directory)
}

/// A 7z file of packed data and a directory, with the checksums that it needs.
pub(crate) fn with_directory(data: &[u8], directory: &[u8]) -> Vec<u8> {
    let place = [
        &(data.len() as u64).to_le_bytes()[..],
        &(directory.len() as u64).to_le_bytes(),
        &crc32(directory).to_le_bytes(),
    ]
    .concat();
    [b"7z\xBC\xAF\x27\x1C\0\x04", &crc32(&place).to_le_bytes()[..], &place, data, directory].concat()
}

/// The checksum of zip and 7z files.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// Bytes that are packed with gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Bytes that are packed with Zstandard.
pub(crate) fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}
