//! Compresses pages.

use parquet::basic::Compression;
use std::io;

/// A compressor, whose memory serves page after page.
pub(super) struct Codec {
    method: Method,
    /// Room for the largest page so far.
    scratch: Vec<u8>,
}

enum Method {
    None,
    Zstd(Box<zstd::bulk::Compressor<'static>>),
    Snappy(Box<snap::raw::Encoder>),
    Lz4,
}

impl Codec {
    /// A compressor of this kind.
    ///
    /// # Errors
    /// When there is none, which no option of a conversion leads to.
    pub(super) fn new(compression: Compression) -> io::Result<Self> {
        let method = match compression {
            Compression::UNCOMPRESSED => Method::None,
            Compression::ZSTD(level) => {
                Method::Zstd(Box::new(zstd::bulk::Compressor::new(level.compression_level())?))
            }
            Compression::SNAPPY => Method::Snappy(Box::new(snap::raw::Encoder::new())),
            Compression::LZ4_RAW => Method::Lz4,
            other => return Err(io::Error::other(format!("pages cannot be compressed with {other}"))),
        };
        Ok(Self { method, scratch: Vec::new() })
    }

    /// The compressed page.
    pub(super) fn compress(&mut self, page: &[u8]) -> io::Result<Vec<u8>> {
        let room = match &self.method {
            Method::None => return Ok(page.to_vec()),
            Method::Zstd(_) => zstd::zstd_safe::compress_bound(page.len()),
            Method::Snappy(_) => snap::raw::max_compress_len(page.len()),
            Method::Lz4 => lz4_flex::block::get_maximum_output_size(page.len()),
        };
        if self.scratch.len() < room {
            self.scratch.resize(room, 0);
        }
        let scratch = self.scratch.as_mut_slice();
        let length = match &mut self.method {
            Method::None => 0,
            Method::Zstd(zstd) => zstd.compress_to_buffer(page, scratch)?,
            Method::Snappy(snappy) => snappy.compress(page, scratch).map_err(io::Error::other)?,
            Method::Lz4 => lz4_flex::block::compress_into(page, scratch).map_err(io::Error::other)?,
        };
        Ok(self.scratch.get(..length).unwrap_or_default().to_vec())
    }
}
