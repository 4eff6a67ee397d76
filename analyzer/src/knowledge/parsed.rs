//! The TOML files that come with the program, as its build has parsed them (`build.rs`): reading TOML would be most of
//! the work for a small log.
//!
//! Every value is its kind, the place of its first byte in the file, the number of bytes there, and then:
//!
//! | kind | what follows |
//! |---|---|
//! | `m` | a table: the number of entries, and for each its key, which is a text, and its value |
//! | `a` | an array: the number of values, and the values |
//! | `t` | a text that is in the file as it is: where, from the place of the value, and how many bytes |
//! | `s` | any other text: the number of bytes, and the bytes |
//! | `i`, `f` | a number of 64 bits, little-endian |
//! | `b` | 0 or 1 |
//!
//! Numbers without another size have seven bits a byte, the lowest first; the highest bit says that more follow.

use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_spanned::de::{SpannedDeserializer, is_spanned};
use std::ops::Range;

/// By name, ascending, as below `analyzer/knowledge`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/parsed.rs"));

/// A file that comes with the program; `None` where it has a mistake, which parsing its text then shows.
pub(crate) fn read<'de, T: Deserialize<'de>>(name: &str, text: &'de str) -> Option<T> {
    let at = FILES.binary_search_by_key(&name, |file| file.0).ok()?;
    let mut rest = Rest { bytes: FILES.get(at)?.1, text };
    T::deserialize(&mut rest).ok()
}

/// What of a file is not read yet. Values are read in their order.
struct Rest<'de> {
    bytes: &'static [u8],
    text: &'de str,
}

/// A value without its contents.
struct Head {
    kind: u8,
    span: Range<usize>,
}

fn ends_early() -> Error {
    Error::custom("the file ends early")
}

impl<'de> Rest<'de> {
    fn take(&mut self, count: usize) -> Result<&'static [u8], Error> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(ends_early)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn take_8(&mut self) -> Result<[u8; 8], Error> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or_else(ends_early)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        let (&byte, rest) = self.bytes.split_first().ok_or_else(ends_early)?;
        self.bytes = rest;
        Ok(byte)
    }

    fn number(&mut self) -> Result<usize, Error> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
            shift = (shift + 7) % usize::BITS;
        }
    }

    fn head(&mut self) -> Result<Head, Error> {
        let (kind, start) = (self.byte()?, self.number()?);
        Ok(Head { kind, span: start..start + self.number()? })
    }

    /// The text of a value.
    fn text_of(&mut self, head: &Head) -> Result<&'de str, Error> {
        let text = match head.kind {
            b't' => {
                let start = head.span.start + self.number()?;
                self.text.get(start..start + self.number()?)
            }
            b's' => {
                let count = self.number()?;
                std::str::from_utf8(self.take(count)?).ok()
            }
            _ => None,
        };
        text.ok_or_else(|| Error::custom("want a text"))
    }
}

impl<'de> Deserializer<'de> for &mut Rest<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let head = self.head()?;
        match head.kind {
            b'm' => {
                let count = self.number()?;
                visitor.visit_map(Items { rest: self, count })
            }
            b'a' => {
                let count = self.number()?;
                visitor.visit_seq(Items { rest: self, count })
            }
            b'i' => visitor.visit_i64(i64::from_le_bytes(self.take_8()?)),
            b'f' => visitor.visit_f64(f64::from_le_bytes(self.take_8()?)),
            b'b' => visitor.visit_bool(self.byte()? != 0),
            _ => visitor.visit_borrowed_str(self.text_of(&head)?),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if !is_spanned(name) {
            return self.deserialize_any(visitor);
        }
        // The value is read once more, with its head.
        let span = Rest { bytes: self.bytes, text: self.text }.head()?.span;
        visitor.visit_map(SpannedDeserializer::new(Value(self), span))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let head = self.head()?;
        let variant: StrDeserializer<'_, Error> = self.text_of(&head)?.into_deserializer();
        visitor.visit_enum(variant)
    }

    forward_to_deserialize_any! {
        bool u8 u16 u32 u64 i8 i16 i32 i64 i128 u128 f32 f64 char str string seq bytes byte_buf map unit ignored_any
        unit_struct tuple_struct tuple identifier
    }
}

/// The next value.
struct Value<'r, 'de>(&'r mut Rest<'de>);

impl<'r, 'de> IntoDeserializer<'de> for Value<'r, 'de> {
    type Deserializer = &'r mut Rest<'de>;

    fn into_deserializer(self) -> Self::Deserializer {
        self.0
    }
}

/// Entries of a table, or values of an array.
struct Items<'r, 'de> {
    rest: &'r mut Rest<'de>,
    count: usize,
}

impl Items<'_, '_> {
    /// Whether one more is to be read.
    fn next(&mut self) -> bool {
        let is_there = self.count > 0;
        self.count = self.count.saturating_sub(1);
        is_there
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.next() { seed.deserialize(&mut *self.rest).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.count)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.next() { seed.deserialize(&mut *self.rest).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(&mut *self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::embedded::{RULES, TABLES};
    use super::super::model::{ActorsFile, MarkersFile, PathsFile, RuleFile, SignalsFile};
    use super::*;
    use std::fmt::Debug;

    /// What is read is what TOML says, with the places of all names.
    fn same<T: for<'de> Deserialize<'de> + Debug>(name: &str, text: &str) {
        let from_toml: T = toml::from_str(text).unwrap();
        let parsed: T = read(name, text).unwrap();
        assert_eq!(format!("{parsed:?}"), format!("{from_toml:?}"), "{name}");
    }

    #[test]
    fn every_file_reads_as_its_text_does() {
        let mut count = 0;
        for (name, text) in TABLES.iter().chain(RULES).filter(|file| file.0.ends_with(".toml")) {
            same::<toml::Value>(name, text);
            count += 1;
        }
        assert_eq!(FILES.iter().filter(|file| !file.0.starts_with("signatures/")).count(), count);
    }

    #[test]
    fn names_keep_their_places() {
        let text = |wanted| TABLES.iter().find(|file| file.0 == wanted).unwrap().1;
        same::<ActorsFile>("actors.toml", text("actors.toml"));
        same::<MarkersFile>("markers.toml", text("markers.toml"));
        same::<PathsFile>("paths.toml", text("paths.toml"));
        same::<SignalsFile>("signals.toml", text("signals.toml"));
        RULES.iter().for_each(|(name, text)| same::<RuleFile>(name, text));
    }

    #[test]
    fn a_file_that_ends_early_is_no_panic() {
        let (name, bytes) = FILES.iter().find(|file| file.0 == "actors.toml").unwrap();
        let text = TABLES.iter().find(|file| &file.0 == name).unwrap().1;
        for end in 0..bytes.len() {
            let mut rest = Rest { bytes: &bytes[..end], text };
            assert!(ActorsFile::deserialize(&mut rest).is_err(), "{end}");
        }
        let mut rest = Rest { bytes: &bytes[..], text: "" };
        assert!(ActorsFile::deserialize(&mut rest).is_err(), "a text of other bytes");
    }
}
