//! Event logs around the bytes of a chunk.

/// Bytes of the header of a file, and of a chunk.
const HEADER: usize = 4096;
const CHUNK: usize = 65_536;

/// An event log of one chunk. The header of the file is sound, and that of the chunk as far as the bytes
/// leave it: they begin where the records do.
pub fn file(records: &[u8]) -> Vec<u8> {
    let mut file = vec![0; HEADER + CHUNK];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = file.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(0, b"ElfFile\0");
    // Next record, size of the header, versions, size of the block, count of chunks.
    put(24, &2u64.to_le_bytes());
    put(32, &128u32.to_le_bytes());
    put(36, &1u16.to_le_bytes());
    put(38, &3u16.to_le_bytes());
    put(40, &4096u16.to_le_bytes());
    put(42, &1u16.to_le_bytes());
    let records = records.get(..CHUNK - 512).unwrap_or(records);
    put(HEADER, b"ElfChnk\0");
    // Numbers of the first and last record, twice; size of the header; where the last record and the
    // free space are.
    for (at, number) in [(8, 1u64), (16, 1), (24, 1), (32, 1)] {
        put(HEADER + at, &number.to_le_bytes());
    }
    put(HEADER + 40, &128u32.to_le_bytes());
    put(HEADER + 44, &512u32.to_le_bytes());
    put(HEADER + 48, &(512 + records.len() as u32).to_le_bytes());
    put(HEADER + 512, records);
    file
}

/// A record with a fragment of binary XML: `<Event/>` and nothing in it.
pub fn record() -> Vec<u8> {
    // Fragment header; an element with its name right here; closed; end of the fragment.
    let name: Vec<u8> = "Event".encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let mut xml = vec![0x0F, 1, 1, 0, 0x01, 0xFF, 0xFF];
    let element = 512 + 24 + xml.len() as u32;
    xml.extend(0u32.to_le_bytes());
    xml.extend((element + 8).to_le_bytes());
    xml.extend(0u32.to_le_bytes());
    xml.extend(0u16.to_le_bytes());
    xml.extend(5u16.to_le_bytes());
    xml.extend(name);
    xml.extend([0x03, 0x00]);
    let size = 24 + xml.len() as u32 + 4;
    let mut record = vec![0x2A, 0x2A, 0, 0];
    record.extend(size.to_le_bytes());
    record.extend(1u64.to_le_bytes());
    record.extend(133_669_440_000_000_000u64.to_le_bytes());
    record.extend(xml);
    record.extend(size.to_le_bytes());
    record
}
