//! Reads files of knowledge from the form in which the build of the program writes those that come with it (`build.rs`):
//! reading TOML would be most of the work for a small log. Other files are brought into the same form.
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

use super::encode::encode;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_spanned::de::{SpannedDeserializer, is_spanned};
use std::fmt;
use std::ops::Range;
use toml::de::DeTable;

/// By name, ascending, as below `analyzer/knowledge`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/parsed.rs"));

/// What is wrong with a file.
#[derive(Debug)]
pub(crate) struct Mistake(Box<(String, Option<Range<usize>>)>);

impl Mistake {
    /// What is wrong.
    pub(crate) fn reason(&self) -> &str {
        &self.0.0
    }

    /// Where, in bytes of the file.
    pub(crate) fn span(&self) -> Range<usize> {
        self.0.1.clone().unwrap_or_default()
    }

    fn new(reason: &str, span: Option<Range<usize>>) -> Self {
        Self(Box::new((reason.to_owned(), span)))
    }

    /// In this value, where no part of it is known to be wrong.
    #[cold]
    fn within(mut self, value: &[u8]) -> Self {
        if self.0.1.is_none() {
            self.0.1 = Rest { bytes: value, text: "" }.head().ok().map(|head| head.span);
        }
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Mistake {}

impl Error for Mistake {
    #[cold]
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new(&reason.to_string(), None)
    }
}

/// A file that comes with the program.
///
/// # Errors
/// Where the file has a mistake, which the tests of the program rule out.
pub(crate) fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Mistake> {
    match FILES.binary_search_by_key(&name, |file| file.0).ok().and_then(|at| FILES.get(at)) {
        Some((_, bytes)) => decode(bytes, text),
        None => parse(text),
    }
}

/// A file that the build of the program does not know.
///
/// # Errors
/// Where the text is no TOML, or not what the file must hold.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Mistake> {
    let parsed = DeTable::parse(text).map_err(|error| Mistake::new(error.message(), error.span()))?;
    let bytes = encode(&parsed, text).map_err(|(span, reason)| Mistake::new(reason, Some(span)))?;
    decode(&bytes, text)
}

fn decode<T: DeserializeOwned>(bytes: &[u8], text: &str) -> Result<T, Mistake> {
    T::deserialize(&mut Rest { bytes, text }).map_err(|mistake| mistake.within(bytes))
}

/// What of a file is not read yet. Values are read in their order.
struct Rest<'de> {
    bytes: &'de [u8],
    text: &'de str,
}

/// A value without its contents.
struct Head {
    kind: u8,
    span: Range<usize>,
}

#[cold]
fn ends_early() -> Mistake {
    Mistake::new("the file ends early", None)
}

impl<'de> Rest<'de> {
    fn take(&mut self, count: usize) -> Result<&'de [u8], Mistake> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(ends_early)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn take_8(&mut self) -> Result<[u8; 8], Mistake> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or_else(ends_early)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Mistake> {
        let (&byte, rest) = self.bytes.split_first().ok_or_else(ends_early)?;
        self.bytes = rest;
        Ok(byte)
    }

    fn number(&mut self) -> Result<usize, Mistake> {
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

    fn head(&mut self) -> Result<Head, Mistake> {
        let (kind, start) = (self.byte()?, self.number()?);
        Ok(Head { kind, span: start..start + self.number()? })
    }

    /// The head of a value, which must be of a kind.
    fn head_of(&mut self, kind: u8, wanted: &dyn Expected) -> Result<Head, Mistake> {
        let head = self.head()?;
        if head.kind == kind { Ok(head) } else { Err(self.other(&head, wanted)) }
    }

    /// The number of entries or values.
    fn count_of(&mut self, kind: u8, wanted: &dyn Expected) -> Result<usize, Mistake> {
        self.head_of(kind, wanted)?;
        self.number()
    }

    fn text_of(&mut self, wanted: &dyn Expected) -> Result<&'de str, Mistake> {
        let head = self.head()?;
        self.text_after(&head).ok_or_else(|| self.other(&head, wanted))
    }

    /// The text of a value. `None` for another kind of value.
    fn text_after(&mut self, head: &Head) -> Option<&'de str> {
        match head.kind {
            b't' => {
                let start = head.span.start + self.number().ok()?;
                self.text.get(start..start + self.number().ok()?)
            }
            b's' => {
                let count = self.number().ok()?;
                std::str::from_utf8(self.take(count).ok()?).ok()
            }
            _ => None,
        }
    }

    /// Says that a value of another kind is wanted.
    #[cold]
    fn other(&mut self, head: &Head, wanted: &dyn Expected) -> Mistake {
        let number = |bytes: Result<[u8; 8], Mistake>| bytes.unwrap_or_default();
        let found = match head.kind {
            b'm' => Unexpected::Map,
            b'a' => Unexpected::Seq,
            b'i' => Unexpected::Signed(i64::from_le_bytes(number(self.take_8()))),
            b'f' => Unexpected::Float(f64::from_le_bytes(number(self.take_8()))),
            b'b' => Unexpected::Bool(self.byte().unwrap_or_default() != 0),
            _ => self.text_after(head).map_or(Unexpected::Other("a text"), Unexpected::Str),
        };
        Mistake::invalid_type(found, wanted)
    }
}

/// Each method accepts what its type can be, and no more: the code of what never comes would be most of the code.
impl<'de> Deserializer<'de> for &mut Rest<'de> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.bytes.first() {
            Some(b'm') => self.deserialize_map(visitor),
            Some(b'a') => self.deserialize_seq(visitor),
            Some(b'i') => self.deserialize_i64(visitor),
            Some(b'f') => self.deserialize_f64(visitor),
            Some(b'b') => self.deserialize_bool(visitor),
            _ => self.deserialize_str(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.head_of(b'b', &visitor)?;
        visitor.visit_bool(self.byte()? != 0)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.head_of(b'i', &visitor)?;
        visitor.visit_i64(i64::from_le_bytes(self.take_8()?))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        if self.bytes.first() == Some(&b'i') {
            return self.deserialize_i64(visitor);
        }
        self.head_of(b'f', &visitor)?;
        visitor.visit_f64(f64::from_le_bytes(self.take_8()?))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let text = self.text_of(&visitor)?;
        visitor.visit_borrowed_str(text)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let count = self.count_of(b'a', &visitor)?;
        visitor.visit_seq(Items { rest: self, count })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let count = self.count_of(b'm', &visitor)?;
        visitor.visit_map(Items { rest: self, count })
    }

    // Inlined where the name is known, one of both ways is left.
    #[inline(always)]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        if !is_spanned(name) {
            return self.deserialize_map(visitor);
        }
        // The value is read once more, with its head.
        let span = Rest { bytes: self.bytes, text: self.text }.head()?.span;
        visitor.visit_map(SpannedDeserializer::new(Value(self), span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let variant: StrDeserializer<'_, Mistake> = self.text_of(&visitor)?.into_deserializer();
        visitor.visit_enum(variant)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _count: usize, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_seq(visitor)
    }

    forward_to_deserialize_any! { char bytes byte_buf unit ignored_any unit_struct tuple_struct }
}

/// The next value.
struct Value<'r, 'de>(&'r mut Rest<'de>);

impl<'r, 'de> IntoDeserializer<'de, Mistake> for Value<'r, 'de> {
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

impl<'de> Items<'_, 'de> {
    /// The next key or value. `None` where there is no more of them.
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistake> {
        let Some(left) = self.count.checked_sub(1) else { return Ok(None) };
        self.count = left;
        self.value(seed).map(Some)
    }

    fn value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mistake> {
        let bytes = self.rest.bytes;
        seed.deserialize(&mut *self.rest).map_err(|mistake| mistake.within(bytes))
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistake> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.count)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Mistake;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistake> {
        self.next(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mistake> {
        self.value(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::embedded::{RULES, TABLES};
    use super::super::model::{ActorsFile, MarkersFile, PathsFile, RuleFile, SignalsFile};
    use super::*;
    use std::fmt::Debug;

    /// What is read is what TOML says, with the places of all names.
    fn same<T: DeserializeOwned + Debug>(name: &str, text: &str) {
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

    /// A mistake is described as the crate toml does it, and is on the same line.
    fn same_mistake<T: DeserializeOwned + Debug>(text: &str) {
        let line = |at: usize| text[..at].lines().count();
        let of_toml = toml::from_str::<T>(text).unwrap_err();
        let own = parse::<T>(text).unwrap_err();
        assert_eq!(own.reason(), of_toml.message(), "{text}");
        let expected = of_toml.span().unwrap_or_default().start;
        assert_eq!(line(own.span().start), line(expected), "{text}: {}", own.reason());
    }

    #[test]
    fn mistakes_read_as_those_of_toml() {
        let entry = "[[marker]]\nid = 'a'\nactors = ['servicing']\noperations = []\n";
        for (from, to) in [
            ("id = 'a'\n", ""),
            ("id = 'a'", "id = 7"),
            ("id = 'a'", "id = [\n1.5]"),
            ("id = 'a'", "id = true"),
            ("actors = ['servicing']", "actors = 'servicing'"),
            ("actors = ['servicing']", "actors = ['servicing', 5]"),
            ("actors", "actor"),
            ("operations = []", "operations = []\nresult = 'bad'"),
            ("operations = []", "operations = [\n{ x = 'y' }]"),
            ("operations = []", "operations = []\noperations = []"),
            ("[[marker]]", "[marker]"),
            ("'a'", "'a"),
        ] {
            same_mistake::<MarkersFile>(&entry.replacen(from, to, 1));
        }
        for (text, reason) in [
            ("\nmarker = 2024-11-14", "files of knowledge have no dates"),
            ("\nmarker = 99999999999999999999", "the number does not fit into 64 bits"),
        ] {
            let mistake = parse::<MarkersFile>(text).unwrap_err();
            assert_eq!((mistake.reason(), mistake.span().start), (reason, 10));
        }
    }

    #[test]
    fn a_file_that_ends_early_is_no_panic() {
        let (name, bytes) = FILES.iter().find(|file| file.0 == "actors.toml").unwrap();
        let text = TABLES.iter().find(|file| &file.0 == name).unwrap().1;
        for end in 0..bytes.len() {
            assert!(decode::<ActorsFile>(&bytes[..end], text).is_err(), "{end}");
        }
        assert!(decode::<ActorsFile>(bytes, "").is_err(), "a text of other bytes");
    }
}
