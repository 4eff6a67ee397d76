//! Details of the network class (docs/format.md, "Network").

use super::number::NumberSink;
use super::{Decoded, Properties, TextOptions, value};
use crate::columns::Number;
use crate::log::event::Event;
use crate::raw::bytes::Blob;
use crate::text::WinStr;
use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// The fixed part of the details. Keys and values follow it.
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawNetwork {
    flags: U16,
    unused: U16,
    length: U32,
    source: [u8; 16],
    destination: [u8; 16],
    source_port: U16,
    destination_port: U16,
}

const _: () = assert!(size_of::<RawNetwork>() == 44);

const SOURCE_IS_V4: u16 = 1;
const DESTINATION_IS_V4: u16 = 2;
const IS_TCP: u16 = 4;

fn fixed<'a>(event: &Event<'a>) -> Option<(&'a RawNetwork, &'a [u8])> {
    RawNetwork::ref_from_prefix(event.details()).ok()
}

/// Appends `host:port -> host:port`.
pub(super) fn push_path(event: &Event<'_>, options: &TextOptions, out: &mut String) {
    let log = event.log();
    let named = |name| if options.numeric_addresses { None } else { name };
    for (i, end) in endpoints(event).into_iter().flatten().enumerate() {
        if i > 0 {
            out.push_str(" -> ");
        }
        match named(log.host(&end.address)) {
            Some(name) => name.push_to(out),
            None => push_address(out, &end.address, end.is_ipv4),
        }
        out.push(':');
        match named(log.port(end.is_tcp, end.port)) {
            Some(name) => name.push_to(out),
            None => value::decimal(out, u64::from(end.port)),
        }
    }
}

/// Appends IPv4 with dots, or IPv6 as eight groups that are never shortened.
fn push_address(out: &mut String, ip: &[u8; 16], is_v4: bool) {
    if is_v4 {
        for (i, &byte) in ip.iter().take(4).enumerate() {
            if i > 0 {
                out.push('.');
            }
            value::decimal(out, u64::from(byte));
        }
    } else {
        for (i, group) in ip.chunks_exact(2).enumerate() {
            if i > 0 {
                out.push(':');
            }
            value::hex_digits(out, group.iter().fold(0, |v, &b| v << 8 | u64::from(b)));
        }
    }
}

/// Writes `Length`, then the keys and values as stored.
pub(super) fn detail(event: &Event<'_>, to: &mut Properties<'_>) -> Decoded {
    let Some((fixed, mut pairs)) = fixed(event) else { return Decoded::No };
    value::decimal(to.key("Length"), fixed.length.get().into());
    let mut next = || {
        let text = WinStr::utf16(pairs);
        pairs = pairs.get(text.raw().len() + 2..).unwrap_or_default();
        text
    };
    loop {
        let key = next();
        if key.is_empty() {
            return Decoded::Yes;
        }
        to.separate();
        key.push_to(to.out);
        to.out.push_str(": ");
        next().push_to(to.out);
    }
}

/// The source or the destination of a network event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The address: 16 bytes, IPv4 in the first four.
    pub address: [u8; 16],
    /// Whether the address is IPv4, not IPv6.
    pub is_ipv4: bool,
    /// Whether the port is a TCP port, not a UDP port.
    pub is_tcp: bool,
    /// The number of the port.
    pub port: u16,
}

/// The source and the destination.
pub(super) fn endpoints(event: &Event<'_>) -> Option<[Endpoint; 2]> {
    let (fixed, _) = fixed(event)?;
    let flags = fixed.flags.get();
    let end = |address, v4, port: U16| Endpoint {
        address,
        is_ipv4: flags & v4 != 0,
        is_tcp: flags & IS_TCP != 0,
        port: port.get(),
    };
    Some([
        end(fixed.source, SOURCE_IS_V4, fixed.source_port),
        end(fixed.destination, DESTINATION_IS_V4, fixed.destination_port),
    ])
}

/// Passes all numbers to `numbers`.
pub(super) fn numbers(event: &Event<'_>, numbers: &mut impl NumberSink) {
    numbers.set_if(Number::Length, event.details().u32_at(4));
}
