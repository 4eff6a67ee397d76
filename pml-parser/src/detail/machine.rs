//! What the events of a boot log themselves say about their machine: registry values that programs read or set, and
//! environments of processes. The header of a converted boot log is of the machine that converted it.

use super::process::environment;
use crate::log::event::Event;
use crate::log::index::MachineFacts;
use crate::names::kernel::{CONTROL_SET, HKLM, MACHINE};
use crate::names::operation::{EventClass, Operation};
use crate::names::registry as kinds;
use crate::raw::bytes::Blob;
use crate::raw::event::{EventRecord, RawEvent};
use crate::raw::strings::Info;
use crate::text::WinStr;

/// What a registry value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    Computer,
    Build,
    Major,
    Minor,
    /// Major and minor version as one text, `6.1`.
    Version,
    ServicePack,
    SystemRoot,
    ProductType,
    Processors,
    ControlSet,
}

/// Values below the hive of the machine; those of a control set from `\control` on.
#[rustfmt::skip]
static VALUES: &[(&str, Fact)] = &[
    (r"\control\computername\activecomputername\computername",                Fact::Computer),
    (r"\control\computername\computername\computername",                      Fact::Computer),
    (r"\control\productoptions\producttype",                                  Fact::ProductType),
    (r"\control\session manager\environment\number_of_processors",            Fact::Processors),
    (r"\system\select\current",                                               Fact::ControlSet),
    (r"\software\microsoft\windows nt\currentversion\currentbuild",           Fact::Build),
    (r"\software\microsoft\windows nt\currentversion\currentbuildnumber",     Fact::Build),
    (r"\software\microsoft\windows nt\currentversion\currentmajorversionnumber", Fact::Major),
    (r"\software\microsoft\windows nt\currentversion\currentminorversionnumber", Fact::Minor),
    (r"\software\microsoft\windows nt\currentversion\currentversion",         Fact::Version),
    (r"\software\microsoft\windows nt\currentversion\csdversion",             Fact::ServicePack),
    (r"\software\microsoft\windows nt\currentversion\systemroot",             Fact::SystemRoot),
];

/// For the last unit of a value's name the units that may come before it: most values are told apart by these two.
/// Letters of either case, and some other characters, share a place.
#[expect(clippy::indexing_slicing, reason = "evaluated when the program is compiled")]
static ENDINGS: [u32; 32] = {
    let mut endings = [0u32; 32];
    let mut at = 0;
    while at < VALUES.len() {
        if let [.., first, last] = VALUES[at].0.as_bytes() {
            endings[(*last & 31) as usize] |= 1 << (*first & 31);
        }
        at += 1;
    }
    endings
};

/// Whether a path may end as a value of the table does.
fn may_be_known(path: WinStr<'_>) -> bool {
    let back =
        |count: usize| path.raw().len().checked_sub(count * path.unit()).and_then(|at| path.raw().get(at));
    let (Some(first), Some(last)) = (back(2), back(1)) else { return false };
    ENDINGS.get(usize::from(last & 31)).is_some_and(|firsts| firsts >> (first & 31) & 1 == 1)
}

/// Kinds of Windows, by the text of the registry, and their numbers in a PML.
static PRODUCT_TYPES: [(&str, u8); 3] = [("WinNT", 1), ("LanmanNT", 2), ("ServerNT", 3)];

/// Variables of an environment.
static VARIABLES: [(&str, Fact); 2] =
    [("SystemRoot", Fact::SystemRoot), ("NUMBER_OF_PROCESSORS", Fact::Processors)];

/// Reads type and data of a value from a record whose path ends at an offset of its details.
type ReadValue<'a> = fn(&EventRecord<'a>, usize) -> Option<(u32, &'a [u8])>;

impl MachineFacts {
    /// Adds what an event says. The first event counts.
    pub fn add_event(&mut self, event: &Event<'_>) {
        self.add_record(event.record());
    }

    /// Whether a record in the registry may say something, by its header.
    pub(crate) fn reads(header: &RawEvent) -> bool {
        let operation = Operation::of(EventClass::from_code(header.class.get()), header.operation.get(), 0);
        matches!(operation, Operation::REG_QUERY_VALUE | Operation::REG_SET_VALUE)
    }

    /// The same, of a record.
    #[inline]
    pub(crate) fn add_record(&mut self, record: &EventRecord<'_>) {
        let class = EventClass::from_code(record.header.class.get());
        match Operation::of(class, record.header.operation.get(), 0) {
            Operation::REG_QUERY_VALUE => self.add_value(record, 12, queried),
            Operation::REG_SET_VALUE => self.add_value(record, 16, set),
            Operation::PROCESS_START => self.add_environment(record.details),
            _ => {}
        }
    }

    fn add_value<'a>(&mut self, record: &EventRecord<'a>, path_at: usize, value: ReadValue<'a>) {
        if record.status != 0 {
            return;
        }
        let Some(info) = record.details.u16_at(0).map(Info) else { return };
        let path = info.string(record.details, path_at);
        if !may_be_known(path) {
            return;
        }
        let Some(below) = path.after(MACHINE).or_else(|| path.after(HKLM)) else { return };
        let name = below_control_set(path.with_rest(below));
        let known = VALUES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        let Some(&(_, fact)) = known else { return };
        let Some((kind, data)) = value(record, path_at + info.size()) else { return };
        match kind {
            kinds::DWORD => data.u32_at(0).into_iter().for_each(|number| self.add_number(fact, number)),
            kinds::SZ | kinds::EXPAND_SZ => self.add_text(fact, &WinStr::utf16(data).to_str()),
            _ => {}
        }
    }

    /// Adds what a later part of the log says.
    pub fn merge(&mut self, later: Self) {
        self.computer = self.computer.take().or(later.computer);
        self.version = (self.version.0.or(later.version.0), self.version.1.or(later.version.1));
        self.old_version = self.old_version.or(later.old_version);
        self.build = self.build.or(later.build);
        self.service_pack = self.service_pack.take().or(later.service_pack);
        self.system_root = self.system_root.take().or(later.system_root);
        self.product_type = self.product_type.or(later.product_type);
        self.processors = self.processors.or(later.processors);
        self.control_set = self.control_set.or(later.control_set);
        if self.drives.is_empty() {
            self.drives = later.drives;
        }
    }

    fn add_number(&mut self, fact: Fact, number: u32) {
        match fact {
            Fact::Major => _ = self.version.0.get_or_insert(number),
            Fact::Minor => _ = self.version.1.get_or_insert(number),
            Fact::ControlSet if (1..1000).contains(&number) => _ = self.control_set.get_or_insert(number),
            _ => {}
        }
    }

    fn add_text(&mut self, fact: Fact, text: &str) {
        let number = text.parse::<u32>().ok();
        let own = || Some(text.to_owned()).filter(|text| !text.is_empty());
        match fact {
            Fact::Computer => self.computer = self.computer.take().or_else(own),
            Fact::ServicePack => self.service_pack = self.service_pack.take().or_else(own),
            Fact::SystemRoot if text.get(1..3) == Some(r":\") => {
                self.system_root = self.system_root.take().or_else(own);
            }
            Fact::Build => self.build = self.build.or(number),
            Fact::Processors => self.processors = self.processors.or(number),
            Fact::ProductType => {
                let known = PRODUCT_TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
                self.product_type = self.product_type.or(known.map(|entry| entry.1));
            }
            Fact::Version => {
                // Windows 10 and later still say 6.3 here, and have numbers beside it.
                let old = text.split_once('.').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
                self.old_version = self.old_version.or(old);
            }
            _ => {}
        }
    }

    fn add_environment(&mut self, details: &[u8]) {
        if self.system_root.is_some() && self.processors.is_some() {
            return;
        }
        for entry in environment(details) {
            let entry = entry.to_str();
            let Some((name, value)) = entry.split_once('=') else { continue };
            let known = VARIABLES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            known.into_iter().for_each(|&(_, fact)| self.add_text(fact, value));
        }
    }
}

/// A key below the hive of the machine, from `\Control` on where the key is in a control set.
fn below_control_set(key: WinStr<'_>) -> WinStr<'_> {
    if let Some(numbered) = key.after(CONTROL_SET.0) {
        let number = 3 * key.unit();
        return numbered.get(number..).map_or(key, |rest| key.with_rest(rest));
    }
    let current = CONTROL_SET.1.get(HKLM.len()..).and_then(|current| key.after(current));
    current.map_or(key, |rest| key.with_rest(rest))
}

/// Type and data that a query with class 2 (partial information) or 1 (full information) returned.
fn queried<'a>(record: &EventRecord<'a>, _: usize) -> Option<(u32, &'a [u8])> {
    let extra = record.extra?;
    let (length, at) = match record.details.u32_at(8)? {
        1 => (extra.u32_at(12)?, extra.u32_at(8)? as usize),
        2 => (extra.u32_at(8)?, 12),
        _ => return None,
    };
    Some((extra.u32_at(4)?, extra.clip(at, length as usize)))
}

/// Type and data that are set. The data follows the path.
fn set<'a>(record: &EventRecord<'a>, at: usize) -> Option<(u32, &'a [u8])> {
    let captured = record.details.u16_at(12)?;
    Some((record.details.u32_at(4)?, record.details.clip(at, captured.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_known_value_is_ruled_out_by_its_ending() {
        for (name, _) in VALUES {
            for name in [name.to_string(), name.to_uppercase()] {
                let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
                assert!(may_be_known(WinStr::Latin1(name.as_bytes())), "{name}");
                assert!(may_be_known(WinStr::Utf16(&wide)), "{name} in UTF-16");
            }
        }
        assert!(!may_be_known(WinStr::Latin1(br"HKLM\Software\Classes\CLSID\xyz")));
        assert!(!may_be_known(WinStr::Latin1(b"x")) && !may_be_known(WinStr::EMPTY));
    }
}
