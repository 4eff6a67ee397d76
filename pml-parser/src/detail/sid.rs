//! Security identifiers.

use super::value::decimal;
use crate::names::sid::{account, integrity};
use crate::raw::bytes::Blob;

/// Appends the account of an identifier, or the identifier where it has no well-known account. Appends
/// nothing where the bytes are not an identifier.
pub(crate) fn push(out: &mut String, sid: &[u8]) {
    let start = out.len();
    if push_identifier(out, sid).is_none() {
        out.truncate(start);
    } else if let Some(account) = account(out.get(start..).unwrap_or_default()) {
        out.truncate(start);
        out.push_str(account);
    }
}

/// Appends the integrity level of a mandatory label, or the identifier where it is no known label. Appends
/// nothing where the bytes are not an identifier.
pub(crate) fn push_integrity(out: &mut String, sid: &[u8]) {
    let start = out.len();
    if push_identifier(out, sid).is_none() {
        out.truncate(start);
    } else if let Some(level) = integrity(out.get(start..).unwrap_or_default()) {
        out.truncate(start);
        out.push_str(level);
    }
}

/// Appends `S-1-…`. The bytes are a revision, a count of sub-authorities, an authority of six bytes
/// (big-endian) and the sub-authorities.
fn push_identifier(out: &mut String, sid: &[u8]) -> Option<()> {
    let (&revision, &count) = (sid.first()?, sid.get(1)?);
    let [high @ .., a, b, c, d] = *sid.get(2..8)?.first_chunk::<6>()?;
    if revision != 1 || count > 15 || high != [0, 0] {
        return None;
    }
    out.push_str("S-1-");
    decimal(out, u64::from(u32::from_be_bytes([a, b, c, d])));
    for i in 0..usize::from(count) {
        out.push('-');
        decimal(out, u64::from(sid.u32_at(8 + 4 * i)?));
    }
    Some(())
}
