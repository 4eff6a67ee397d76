//! What the events of a boot log themselves say about their machine: registry values that programs read or set, and
//! environments of processes. The header of a converted boot log is of the machine that converted it.

use super::process::environment;
use crate::log::event::Event;
use crate::log::index::MachineFacts;
use crate::names::kernel::{CONTROL_SET, HKLM, MACHINE};
use crate::names::operation::{EventClass, Operation};
use crate::names::registry as kinds;
use crate::raw::bytes::Blob;
use crate::raw::event::EventRecord;
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

/// Values below the hive of the machine, in lower case, the control set as `\control`.
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

/// Kinds of Windows, by the text of the registry, and their numbers in a PML.
static PRODUCT_TYPES: [(&str, u8); 3] = [("WinNT", 1), ("LanmanNT", 2), ("ServerNT", 3)];

/// Variables of an environment.
static VARIABLES: [(&str, Fact); 2] =
    [("SystemRoot", Fact::SystemRoot), ("NUMBER_OF_PROCESSORS", Fact::Processors)];

/// The most characters of a path that is compared with [`VALUES`].
const LONGEST: usize = 100;

impl MachineFacts {
    /// Adds what an event says. The first event counts.
    pub fn add_event(&mut self, event: &Event<'_>) {
        self.add_record(event.record());
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

    fn add_value<'a>(
        &mut self,
        record: &EventRecord<'a>,
        path_at: usize,
        value: fn(&EventRecord<'a>, usize) -> Option<(u32, &'a [u8])>,
    ) {
        let Some(info) = record.details.u16_at(0).map(Info) else { return };
        let path = info.string(record.details, path_at);
        if path.raw().len() / path.unit() > LONGEST || record.status != 0 {
            return;
        }
        let Some(below) = path.after(MACHINE).or_else(|| path.after(HKLM)) else { return };
        // Most keys of a boot end otherwise.
        let below = path.with_rest(below);
        if !b"eErRsStTdDnN".iter().any(|&end| below.ends_with(end)) {
            return;
        }
        let name = below.to_str().to_ascii_lowercase();
        let name = below_control_set(&name).unwrap_or(&name);
        let Some(fact) = VALUES.iter().find(|(known, _)| *known == name).map(|entry| entry.1) else { return };
        let Some((kind, data)) = value(record, path_at + info.size()) else { return };
        match kind {
            kinds::DWORD => data.u32_at(0).into_iter().for_each(|number| self.add_number(fact, number)),
            kinds::SZ | kinds::EXPAND_SZ => self.add_text(fact, &WinStr::utf16(data).to_str()),
            _ => {}
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

/// A key in lower case below its control set, from `\control` on.
fn below_control_set(key: &str) -> Option<&str> {
    // "\system\controlset", and `CurrentControlSet` as Process Monitor spells it.
    let current = CONTROL_SET.1.get(HKLM.len()..)?;
    let numbered = key.get(..CONTROL_SET.0.len()).filter(|front| front.eq_ignore_ascii_case(CONTROL_SET.0));
    if let Some(front) = numbered {
        return key.get(front.len() + 3..);
    }
    let front = key.get(..current.len()).filter(|front| front.eq_ignore_ascii_case(current))?;
    key.get(front.len()..)
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
