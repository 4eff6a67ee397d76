//! The directory of a 7z file: its blocks, how each is packed, and which members lie in it.
//!
//! Every count is checked by what is read: the directory of `n` bytes never makes more than a multiple of `n` in memory.

use std::ops::Range;

/// A block: members that are packed one after the other as one stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// What unpacks it, the first one reads the file.
    pub coders: Vec<Coder>,
    /// Where its packed bytes are in the file; nothing for a block that is put together from several streams.
    pub packed: Option<Range<u64>>,
    /// Bytes of all of its packed streams.
    pub packed_size: u64,
    /// Bytes that its members have together.
    pub size: u64,
    crc: Option<u32>,
    /// Sizes and checksums of its members.
    pub members: Vec<(u64, Option<u32>)>,
}

/// A step of unpacking.
#[derive(Clone, Debug)]
pub(super) struct Coder {
    pub method: Vec<u8>,
    pub properties: Vec<u8>,
    /// Bytes that it gives.
    pub size: u64,
}

/// A file in the directory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    /// Its block, and which of the block's members it is; nothing for a folder or an empty file.
    pub place: Option<(usize, usize)>,
    pub is_file: bool,
    pub size: u64,
}

/// What a directory says.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    pub blocks: Vec<Block>,
    pub entries: Vec<Entry>,
}

/// What is wrong with a directory.
pub(super) type Wrong = &'static str;

const CUT: Wrong = "the directory of the 7z file is cut";
const BROKEN: Wrong = "the directory of the 7z file is damaged";
const UNKNOWN: Wrong = "the directory of the 7z file has a form that is not known";

/// Kinds of sections of a directory.
mod id {
    pub(super) const END: u64 = 0x00;
    pub(super) const HEADER: u64 = 0x01;
    pub(super) const ARCHIVE_PROPERTIES: u64 = 0x02;
    pub(super) const MAIN_STREAMS: u64 = 0x04;
    pub(super) const FILES: u64 = 0x05;
    pub(super) const PACK: u64 = 0x06;
    pub(super) const UNPACK: u64 = 0x07;
    pub(super) const SUBSTREAMS: u64 = 0x08;
    pub(super) const SIZE: u64 = 0x09;
    pub(super) const CRC: u64 = 0x0A;
    pub(super) const FOLDER: u64 = 0x0B;
    pub(super) const CODERS_UNPACK_SIZE: u64 = 0x0C;
    pub(super) const NUMBER_OF_STREAMS: u64 = 0x0D;
    pub(super) const EMPTY_STREAM: u64 = 0x0E;
    pub(super) const EMPTY_FILE: u64 = 0x0F;
    pub(super) const NAMES: u64 = 0x11;
    pub(super) const ENCODED_HEADER: u64 = 0x17;
}

/// Coders of one block, at most; 7-Zip uses four.
const MOST_CODERS: usize = 8;

/// What the bytes of a directory are.
pub(super) enum Parsed {
    /// The directory.
    Directory(Directory),
    /// The directory is packed as the members are: this block holds it.
    Packed(Block),
}

/// Reads a directory; `most` is the size of the file.
pub(super) fn parse(bytes: &[u8], most: u64) -> Result<Parsed, Wrong> {
    let mut input = Input { rest: bytes };
    match input.number()? {
        id::HEADER => {}
        id::ENCODED_HEADER => {
            let mut blocks = input.streams(most)?;
            let block = if blocks.is_empty() { None } else { Some(blocks.swap_remove(0)) };
            return block.map(Parsed::Packed).ok_or(BROKEN);
        }
        _ => return Err(UNKNOWN),
    }
    let mut directory = Directory::default();
    loop {
        match input.number()? {
            id::END => return Ok(Parsed::Directory(directory)),
            id::ARCHIVE_PROPERTIES => {
                while input.number()? != id::END {
                    let size = input.length()?;
                    input.take(size)?;
                }
            }
            id::MAIN_STREAMS => directory.blocks = input.streams(most)?,
            id::FILES => directory.entries = input.files(&directory.blocks)?,
            _ => return Err(UNKNOWN),
        }
    }
}

/// The rest of a directory.
struct Input<'b> {
    rest: &'b [u8],
}

impl<'b> Input<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], Wrong> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Wrong> {
        self.take(1)?.first().copied().ok_or(CUT)
    }

    /// A number: the first byte says by its leading ones how many bytes follow, and its other bits are the highest.
    fn number(&mut self) -> Result<u64, Wrong> {
        let first = self.byte()?;
        let count = first.leading_ones();
        let low =
            self.take(count as usize)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let high = if count < 7 { u64::from(first) & ((1 << (7 - count)) - 1) } else { 0 };
        Ok(low | high.checked_shl(8 * count).unwrap_or(0))
    }

    /// A number of things of which each has at least a byte in the rest.
    fn length(&mut self) -> Result<usize, Wrong> {
        let number = usize::try_from(self.number()?).map_err(|_| BROKEN)?;
        if number > self.rest.len() { Err(BROKEN) } else { Ok(number) }
    }

    fn u32(&mut self) -> Result<u32, Wrong> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// `count` bits, the highest of each byte first.
    fn bits(&mut self, count: usize) -> Result<Vec<bool>, Wrong> {
        let bytes = self.take(count.div_ceil(8))?;
        let bits = bytes.iter().flat_map(|byte| (0..8).map(move |at| byte & (0x80 >> at) != 0));
        Ok(bits.take(count).collect())
    }

    /// Checksums, of which some may be left out.
    fn checksums(&mut self, count: usize) -> Result<Vec<Option<u32>>, Wrong> {
        let defined = if self.byte()? == 0 {
            self.bits(count)?
        } else {
            // Each of them has four bytes.
            if count > self.rest.len() / 4 {
                return Err(CUT);
            }
            vec![true; count]
        };
        defined.into_iter().map(|defined| if defined { self.u32().map(Some) } else { Ok(None) }).collect()
    }

    /// The blocks, with where their bytes are and the sizes of their members.
    fn streams(&mut self, most: u64) -> Result<Vec<Block>, Wrong> {
        let (mut at, mut sizes) = (0u64, Vec::new());
        let mut blocks = Vec::new();
        let mut is_split = false;
        loop {
            match self.number()? {
                id::END => break,
                id::PACK => {
                    // The signature header has 32 bytes.
                    at = self.number()?.checked_add(32).ok_or(BROKEN)?;
                    sizes = self.packed()?;
                }
                id::UNPACK => blocks = self.blocks(at, &sizes, most)?,
                id::SUBSTREAMS => {
                    self.members(&mut blocks)?;
                    is_split = true;
                }
                _ => return Err(UNKNOWN),
            }
        }
        if !is_split {
            for block in &mut blocks {
                block.members = vec![(block.size, block.crc)];
            }
        }
        Ok(blocks)
    }

    /// Sizes of the packed streams.
    fn packed(&mut self) -> Result<Vec<u64>, Wrong> {
        let count = self.length()?;
        let mut sizes = Vec::new();
        loop {
            match self.number()? {
                id::END => return if sizes.len() == count { Ok(sizes) } else { Err(BROKEN) },
                id::SIZE => {
                    for _ in 0..count {
                        sizes.push(self.number()?);
                    }
                }
                id::CRC => drop(self.checksums(count)?),
                _ => return Err(UNKNOWN),
            }
        }
    }

    fn blocks(&mut self, mut at: u64, sizes: &[u64], most: u64) -> Result<Vec<Block>, Wrong> {
        if self.number()? != id::FOLDER {
            return Err(BROKEN);
        }
        let count = self.length()?;
        if self.byte()? != 0 {
            return Err(UNKNOWN);
        }
        let mut sizes = sizes.iter();
        let mut chains = Vec::new();
        for _ in 0..count {
            chains.push(self.chain()?);
        }
        if self.number()? != id::CODERS_UNPACK_SIZE {
            return Err(BROKEN);
        }
        let mut blocks = Vec::new();
        for chain in chains {
            let mut unpacked = Vec::new();
            for _ in 0..chain.outputs {
                unpacked.push(self.number()?);
            }
            let mut block = Block::default();
            for _ in 0..chain.streams {
                let size = *sizes.next().ok_or(BROKEN)?;
                let end = at.checked_add(size).filter(|end| *end <= most).ok_or(CUT)?;
                block.packed = (chain.streams == 1).then_some(at..end);
                block.packed_size += size;
                at = end;
            }
            block.size = unpacked.get(chain.last).copied().ok_or(BROKEN)?;
            for (mut coder, number) in chain.order {
                coder.size = unpacked.get(number).copied().ok_or(BROKEN)?;
                block.coders.push(coder);
            }
            blocks.push(block);
        }
        loop {
            match self.number()? {
                id::END => return Ok(blocks),
                id::CRC => {
                    for (block, crc) in blocks.iter_mut().zip(self.checksums(count)?) {
                        block.crc = crc;
                    }
                }
                _ => return Err(UNKNOWN),
            }
        }
    }

    /// How a block is packed.
    fn chain(&mut self) -> Result<Chain, Wrong> {
        let count = self.length()?;
        if count == 0 || count > MOST_CODERS {
            return Err(UNKNOWN);
        }
        let (mut coders, mut inputs, mut outputs) = (Vec::new(), 0, 0);
        let mut is_simple = true;
        for _ in 0..count {
            let flags = self.byte()?;
            if flags & 0xC0 != 0 {
                return Err(UNKNOWN);
            }
            let method = self.take(usize::from(flags & 0x0F))?.to_vec();
            let (own_inputs, own_outputs) =
                if flags & 0x10 != 0 { (self.length()?, self.length()?) } else { (1, 1) };
            if own_inputs > MOST_CODERS || own_outputs != 1 {
                return Err(UNKNOWN);
            }
            is_simple &= own_inputs == 1;
            inputs += own_inputs;
            outputs += own_outputs;
            let length = if flags & 0x20 != 0 { self.length()? } else { 0 };
            let properties = self.take(length)?.to_vec();
            coders.push(Coder { method, properties, size: 0 });
        }
        // Which input takes which output.
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for _ in 1..outputs {
            let pair = (self.number()?, self.number()?);
            let index = |number: u64, most: usize| {
                usize::try_from(number).ok().filter(|number| *number < most).ok_or(BROKEN)
            };
            pairs.push((index(pair.0, inputs)?, index(pair.1, outputs)?));
        }
        let streams = inputs.checked_sub(pairs.len()).filter(|streams| *streams > 0).ok_or(BROKEN)?;
        let is_free = |input: &usize| pairs.iter().all(|pair| pair.0 != *input);
        let first = (0..inputs).find(is_free).ok_or(BROKEN)?;
        if streams > 1 {
            for _ in 0..streams {
                self.number()?;
            }
        }
        let last = (0..outputs).find(|output| pairs.iter().all(|pair| pair.1 != *output)).ok_or(BROKEN)?;
        let mut order = Vec::new();
        if is_simple {
            let mut next = Some(first);
            // Pairs that go in a circle end here too.
            while let Some(number) = next.filter(|_| order.len() < count) {
                order.push((coders.get(number).cloned().ok_or(BROKEN)?, number));
                next = pairs.iter().find(|pair| pair.1 == number).map(|pair| pair.0);
            }
            if order.last().map(|coder| coder.1) != Some(last) || order.len() != count {
                return Err(BROKEN);
            }
        } else {
            order = coders.into_iter().enumerate().map(|(number, coder)| (coder, number)).collect();
        }
        Ok(Chain { order, outputs, streams, last })
    }

    /// How many members each block has, with sizes and checksums.
    fn members(&mut self, blocks: &mut [Block]) -> Result<(), Wrong> {
        let mut counts = vec![1; blocks.len()];
        let mut section = self.number()?;
        if section == id::NUMBER_OF_STREAMS {
            for count in &mut counts {
                *count = usize::try_from(self.number()?).map_err(|_| BROKEN)?;
            }
            section = self.number()?;
        }
        let has_sizes = section == id::SIZE;
        for (block, &count) in blocks.iter_mut().zip(&counts) {
            let mut left = block.size;
            for _ in 1..count {
                if !has_sizes {
                    return Err(BROKEN);
                }
                let size = self.number()?;
                left = left.checked_sub(size).ok_or(BROKEN)?;
                block.members.push((size, None));
            }
            if count > 0 {
                block.members.push((left, block.crc.filter(|_| count == 1)));
            }
        }
        if has_sizes {
            section = self.number()?;
        }
        while section != id::END {
            if section != id::CRC {
                return Err(UNKNOWN);
            }
            let mut unknown: Vec<_> = blocks
                .iter_mut()
                .flat_map(|block| block.members.iter_mut())
                .filter(|member| member.1.is_none())
                .collect();
            let checksums = self.checksums(unknown.len())?;
            for (member, crc) in unknown.iter_mut().zip(checksums) {
                member.1 = crc;
            }
            section = self.number()?;
        }
        Ok(())
    }

    /// The files, with where they are.
    fn files(&mut self, blocks: &[Block]) -> Result<Vec<Entry>, Wrong> {
        let count = self.length()?;
        let mut names: Vec<String> = Vec::new();
        let (mut is_empty, mut is_file) = (vec![false; count], Vec::new());
        loop {
            let section = self.number()?;
            if section == id::END {
                break;
            }
            let size = self.length()?;
            let mut input = Self { rest: self.take(size)? };
            match section {
                id::EMPTY_STREAM => is_empty = input.bits(count)?,
                id::EMPTY_FILE => {
                    is_file = input.bits(is_empty.iter().filter(|empty| **empty).count())?;
                }
                id::NAMES => {
                    if input.byte()? != 0 {
                        return Err(UNKNOWN);
                    }
                    let units: Vec<u16> = input
                        .rest
                        .chunks_exact(2)
                        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
                        .collect();
                    let all = units.split(|unit| *unit == 0).map(String::from_utf16_lossy);
                    names = all.take(count).collect();
                }
                _ => {}
            }
        }
        let mut places = blocks.iter().enumerate().flat_map(|(number, block)| {
            block.members.iter().enumerate().map(move |(at, member)| ((number, at), member.0))
        });
        let mut is_file = is_file.into_iter();
        let mut entries = Vec::new();
        let mut names = names.into_iter();
        for is_empty in is_empty {
            let name = names.next().ok_or(BROKEN)?;
            entries.push(if is_empty {
                Entry { name, place: None, is_file: is_file.next().unwrap_or(false), size: 0 }
            } else {
                let (place, size) = places.next().ok_or(BROKEN)?;
                Entry { name, place: Some(place), is_file: true, size }
            });
        }
        Ok(entries)
    }
}

/// How a block is packed.
struct Chain {
    /// The coders in the order in which they unpack, with their numbers.
    order: Vec<(Coder, usize)>,
    outputs: usize,
    /// Packed streams.
    streams: usize,
    /// The coder that gives the members.
    last: usize,
}
