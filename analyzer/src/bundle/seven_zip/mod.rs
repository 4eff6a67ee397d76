//! 7z files: members are packed one after the other in blocks, so that a block is unpacked once for all members in it
//! that are needed.

mod directory;

use directory::{Block, Directory, Entry, Parsed, parse};
use flate2::Crc;
use lzma_rust2::filter::{bcj::BcjReader, delta::DeltaReader};
use lzma_rust2::{Lzma2Reader, LzmaReader};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

/// The first bytes.
pub(super) const SIGNATURE: &[u8] = b"7z\xBC\xAF\x27\x1C";

/// Bytes of a directory, packed or not, at most: a million names have fewer.
const MOST_DIRECTORY: u64 = 256 << 20;

/// Bytes of the dictionary of a block, at most; 7-Zip's strongest level uses a quarter.
const MOST_DICTIONARY: u64 = 1 << 30;

/// Directories that are packed inside each other, at most; 7-Zip makes one.
const DEEPEST: usize = 4;

/// The method that encrypts.
const AES: &[u8] = &[0x06, 0xF1, 0x07, 0x01];

/// A 7z file.
#[derive(Debug)]
pub(super) struct SevenZip {
    file: File,
    directory: Directory,
    /// Members that are going to be read.
    wanted: BTreeSet<usize>,
    /// What was unpacked of blocks with several of these, and where each member is in it.
    unpacked: Option<File>,
    places: HashMap<usize, Result<u64, String>>,
    has_same_names: bool,
}

impl SevenZip {
    /// Reads the directory.
    pub(super) fn open(mut file: File, size: u64) -> Result<Self, String> {
        let failed = |error: io::Error| error.to_string();
        let mut start = [0; 32];
        file.rewind().and_then(|()| file.read_exact(&mut start)).map_err(failed)?;
        let number = |at: usize| {
            let bytes = start.get(at..at + 8).unwrap_or_default();
            bytes.iter().rev().fold(0, |number: u64, byte| number << 8 | u64::from(*byte))
        };
        let (at, length) = (number(12).saturating_add(32), number(20));
        if length == 0 {
            return Ok(Self::new(file, Directory::default()));
        }
        if length > MOST_DIRECTORY || at.checked_add(length).is_none_or(|end| end > size) {
            return Err("the 7z file is cut: its directory, at its end, is missing".to_owned());
        }
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        (&file).take(length).read_to_end(&mut bytes).map_err(failed)?;
        let stored = start.get(28..).unwrap_or_default();
        if Some(checksum(&bytes)) != stored.try_into().ok().map(u32::from_le_bytes) {
            return Err("the directory of the 7z file is damaged".to_owned());
        }
        for _ in 0..=DEEPEST {
            let block = match parse(&bytes, size)? {
                Parsed::Directory(directory) => return Ok(Self::new(file, directory)),
                Parsed::Packed(block) => block,
            };
            if is_encrypted(&block) {
                return Err("is encrypted, with the names of the files in it".to_owned());
            }
            if block.size > MOST_DIRECTORY {
                return Err("the directory of the 7z file is too large".to_owned());
            }
            let Some(&member) = block.members.first() else { break };
            let mut unpacked = Vec::new();
            let mut stream = Checked::new(stream(&file, &block).map_err(failed)?, member);
            stream.read_to_end(&mut unpacked).map_err(failed)?;
            bytes = unpacked;
        }
        Err("the directory of the 7z file is packed too often".to_owned())
    }

    fn new(file: File, mut directory: Directory) -> Self {
        let mut names = HashSet::new();
        let mut has_same_names = false;
        // Of several members of one name, the last one counts.
        for entry in directory.entries.iter_mut().rev().filter(|entry| entry.is_file) {
            if !names.insert(entry.name.clone()) {
                (entry.is_file, has_same_names) = (false, true);
            }
        }
        let (wanted, places) = (BTreeSet::new(), HashMap::new());
        Self { file, directory, wanted, unpacked: None, places, has_same_names }
    }

    /// Whether members share their names.
    pub(super) fn has_same_names(&self) -> bool {
        self.has_same_names
    }

    /// Number of its entries.
    pub(super) fn len(&self) -> usize {
        self.directory.entries.len()
    }

    fn entry(&self, number: usize) -> Option<&Entry> {
        self.directory.entries.get(number)
    }

    fn block(&self, number: usize) -> Option<&Block> {
        self.directory.blocks.get(self.entry(number)?.place?.0)
    }

    /// The name of an entry.
    pub(super) fn name(&self, number: usize) -> &str {
        self.entry(number).map_or("", |entry| &entry.name)
    }

    /// Whether an entry is a file.
    pub(super) fn is_file(&self, number: usize) -> bool {
        self.entry(number).is_some_and(|entry| entry.is_file)
    }

    /// Whether an entry is encrypted.
    pub(super) fn is_encrypted(&self, number: usize) -> bool {
        self.block(number).is_some_and(is_encrypted)
    }

    /// Bytes that an entry has when it is unpacked, as the directory claims.
    pub(super) fn size(&self, number: usize) -> u64 {
        self.entry(number).map_or(0, |entry| entry.size)
    }

    /// The block that an entry lies in.
    pub(super) fn block_of(&self, number: usize) -> Option<usize> {
        Some(self.entry(number)?.place?.0)
    }

    /// Packed bytes of the block that an entry lies in.
    pub(super) fn packed_size(&self, number: usize) -> u64 {
        self.block(number).map_or(0, |block| block.packed_size)
    }

    /// Says which entries are going to be read, so that a block is unpacked once for all of them.
    pub(super) fn want(&mut self, numbers: impl IntoIterator<Item = usize>) {
        self.wanted.extend(numbers);
    }

    /// Hands over an entry as a stream. Of the entries before it in its block, those that are wanted too are kept, up to
    /// `most` bytes.
    pub(super) fn read<T>(
        &mut self,
        number: usize,
        most: u64,
        read: impl FnOnce(&mut dyn Read) -> T,
    ) -> io::Result<T> {
        let Some(entry) = self.entry(number).cloned() else { return Err(wrong("is not in the 7z file")) };
        let Some((block_number, _)) = entry.place else { return Ok(read(&mut io::empty())) };
        if !self.places.contains_key(&number) {
            let in_block: Vec<usize> = self.wanted_in(block_number);
            if in_block.iter().all(|wanted| *wanted == number) {
                let mut stream = self.member(number)?;
                return Ok(read(&mut stream));
            }
            self.keep(block_number, &in_block, most)?;
        }
        match (self.places.get(&number), &self.unpacked) {
            (Some(Ok(at)), Some(file)) => {
                let mut unpacked = file;
                unpacked.seek(SeekFrom::Start(*at))?;
                Ok(read(&mut BufReader::new(unpacked).take(entry.size)))
            }
            (Some(Err(said)), _) => Err(wrong(said.clone())),
            _ => {
                let mut stream = self.member(number)?;
                Ok(read(&mut stream))
            }
        }
    }

    /// The wanted entries of a block, in its order.
    fn wanted_in(&self, block: usize) -> Vec<usize> {
        let place = |number: usize| self.entry(number).and_then(|entry| entry.place);
        let mut wanted: Vec<usize> = self
            .wanted
            .iter()
            .copied()
            .filter(|&number| place(number).is_some_and(|place| place.0 == block))
            .collect();
        wanted.sort_by_key(|&number| place(number));
        wanted
    }

    /// An entry as a stream, through all that is before it in its block.
    fn member(&self, number: usize) -> io::Result<Checked<'_>> {
        let (block, at) =
            self.entry(number).and_then(|entry| entry.place).ok_or_else(|| wrong("is a folder"))?;
        let block = self.directory.blocks.get(block).ok_or_else(|| wrong("is in no block"))?;
        let before = block.members.get(..at).unwrap_or_default();
        let member = block.members.get(at).copied().unwrap_or_default();
        let mut stream = stream(&self.file, block)?;
        skip(&mut stream, before.iter().fold(0, |sum: u64, member| sum.saturating_add(member.0)))?;
        Ok(Checked::new(stream, member))
    }

    /// Unpacks the wanted entries of a block into a file without a name. What cannot be unpacked is remembered as such.
    fn keep(&mut self, block: usize, wanted: &[usize], most: u64) -> io::Result<()> {
        let Some(block) = self.directory.blocks.get(block) else { return Err(wrong("is in no block")) };
        let mut file = match self.unpacked.take() {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        let mut stream = stream(&self.file, block)?;
        let mut end = file.seek(SeekFrom::End(0))?;
        let (mut passed, mut failed) = (0, None);
        for &number in wanted {
            let at =
                self.directory.entries.get(number).and_then(|entry| entry.place).map_or(0, |place| place.1);
            let between = block.members.get(passed..at).unwrap_or_default();
            let member = block.members.get(at).copied().unwrap_or_default();
            passed = at + 1;
            let mut copy = || {
                skip(&mut stream, between.iter().fold(0, |sum: u64, member| sum.saturating_add(member.0)))?;
                if end.saturating_add(member.0) > most {
                    return Err(wrong("is packed too tightly for a log"));
                }
                let mut checked = Checked::new(Box::new(&mut stream), member);
                io::copy(&mut checked, &mut file)
            };
            let copied = match &failed {
                None => copy().map_err(|error| error.to_string()),
                Some(said) => Err(String::clone(said)),
            };
            self.places.insert(number, copied.clone().map(|_| end));
            match copied {
                Ok(size) => end += size,
                // What comes after a break in the block cannot be unpacked.
                Err(said) => failed = Some(said),
            }
        }
        file.flush()?;
        self.unpacked = Some(file);
        Ok(())
    }
}

fn wrong(said: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, said.into())
}

fn is_encrypted(block: &Block) -> bool {
    block.coders.iter().any(|coder| coder.method == AES)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The unpacked bytes of a block.
fn stream<'f>(mut file: &'f File, block: &Block) -> io::Result<Box<dyn Read + 'f>> {
    let Some(range) = &block.packed else {
        return Err(wrong("is packed with BCJ2, which pml does not read"));
    };
    file.seek(SeekFrom::Start(range.start))?;
    let mut stream: Box<dyn Read + 'f> = Box::new(BufReader::new(file.take(range.end - range.start)));
    for coder in &block.coders {
        let byte = |at: usize| coder.properties.get(at).copied();
        // No distance goes beyond what the coder gives.
        let dictionary = |claimed: u64| -> io::Result<u32> {
            let size = claimed.min(coder.size.max(4 << 10));
            let size = Some(size).filter(|size| *size <= MOST_DICTIONARY);
            size.and_then(|size| u32::try_from(size).ok())
                .ok_or_else(|| wrong("needs a dictionary of more than 1 GiB to be unpacked"))
        };
        stream = match coder.method.as_slice() {
            [0x00] => stream,
            [0x21] => {
                let bits =
                    byte(0).filter(|bits| *bits <= 40).ok_or_else(|| wrong("LZMA2 without properties"))?;
                let claimed = (2 | u64::from(bits & 1)) << (bits / 2 + 11);
                Box::new(Lzma2Reader::new(stream, dictionary(claimed)?, None))
            }
            [0x03, 0x01, 0x01] => {
                let size = coder.properties.get(1..5).and_then(|bytes| bytes.try_into().ok());
                let (Some(first), Some(size)) = (byte(0), size) else {
                    return Err(wrong("LZMA without properties"));
                };
                let size = dictionary(u32::from_le_bytes(size).into())?;
                Box::new(LzmaReader::new_with_props(stream, coder.size, first, size, None)?)
            }
            [0x03] => Box::new(DeltaReader::new(stream, usize::from(byte(0).unwrap_or(0)) + 1)),
            [0x04] | [0x03, 0x03, 0x01, 0x03] => Box::new(BcjReader::new_x86(stream, 0)),
            [0x0A] => Box::new(BcjReader::new_arm64(stream, 0)),
            [0x04, 0x01, 0x08] => Box::new(flate2::read::DeflateDecoder::new(stream)),
            [0x04, 0xF7, 0x11, 0x01] => Box::new(zstd::stream::read::Decoder::new(stream)?),
            method => {
                let names: [(&[u8], &str); 5] = [
                    (AES, "is encrypted"),
                    (&[0x03, 0x03, 0x01, 0x1B], "is packed with BCJ2, which pml does not read"),
                    (&[0x03, 0x04, 0x01], "is packed with PPMd, which pml does not read"),
                    (&[0x04, 0x02, 0x02], "is packed with bzip2, which pml does not read"),
                    (&[0x04, 0x01, 0x09], "is packed with Deflate64, which pml does not read"),
                ];
                let name = names.iter().find(|name| name.0 == method);
                return Err(wrong(
                    name.map_or("is packed by a method that pml does not know", |name| name.1),
                ));
            }
        };
    }
    Ok(stream)
}

fn skip(stream: &mut dyn Read, size: u64) -> io::Result<()> {
    let passed = io::copy(&mut stream.take(size), &mut io::sink())?;
    if passed < size { Err(wrong("the 7z file is cut")) } else { Ok(()) }
}

/// A member: its size and checksum must be those that the directory has.
struct Checked<'f> {
    stream: Box<dyn Read + 'f>,
    left: u64,
    crc: Crc,
    expected: Option<u32>,
}

impl<'f> Checked<'f> {
    fn new(stream: Box<dyn Read + 'f>, (size, expected): (u64, Option<u32>)) -> Self {
        Self { stream, left: size, crc: Crc::new(), expected }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most).filter(|buffer| !buffer.is_empty()) else { return Ok(0) };
        let read = self.stream.read(buffer)?;
        if read == 0 {
            return Err(wrong("the 7z file is cut"));
        }
        self.crc.update(buffer.get(..read).unwrap_or_default());
        self.left = self.left.saturating_sub(read as u64);
        if self.left == 0 && self.expected.is_some_and(|expected| expected != self.crc.sum()) {
            return Err(wrong("the checksum is wrong"));
        }
        Ok(read)
    }
}
