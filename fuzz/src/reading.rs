//! Reads everything in a log, and checks the invariants of every log.

use pml_parser::{
    Decoded, Event, Fidelity, FileTime, Log, LogSet, LogView, Number, ProcmonColumn, Resolution,
    TICKS_PER_SECOND, TextOptions, WinStr, Zone, mismatch,
};

/// Longest cell of Process Monitor, in UTF-16 code units.
const CELL_LIMIT: usize = 4_095;

/// The work that one input may still cost, measured approximately in bytes of text. Entries of a forged table may all
/// point to one huge record, and each entry then costs as much as the record. A reader of a whole log has to bear that,
/// but a fuzzer learns nothing from the thousandth entry.
pub struct Budget(usize);

impl Budget {
    /// The usual budget: some milliseconds.
    pub const USUAL: usize = 1 << 20;

    /// A new budget.
    pub fn new(bytes: usize) -> Self {
        Self(bytes)
    }

    /// Spends part of the budget; gives whether any is left.
    fn spend(&mut self, bytes: usize) -> bool {
        self.0 = self.0.saturating_sub(bytes);
        self.0 > 0
    }

    fn text(&mut self, text: WinStr<'_>) -> bool {
        let shown = text.to_str();
        assert_eq!(shown.is_empty(), text.is_empty());
        self.spend(shown.len() + 1)
    }
}

/// Reads the whole log, as far as the budget goes.
pub fn log(log: Log<&[u8]>, budget: &mut Budget) {
    let view = log.view();
    assert!(u64::from(view.event_count()) * 5 <= view.size());
    tables(view, budget);
    let count = view.event_count();
    let mut readable = 0;
    for (position, read) in (0..count).zip(view.events(0..count)) {
        match read {
            Ok(one) => {
                assert_eq!((one.position(), one.id()), (position, position.into()));
                readable += 1;
                event(&one, budget);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        if !budget.spend(64) {
            return;
        }
    }
    whole_set(log, readable);
}

/// Checks the invariants of a log as the only part of a capture.
fn whole_set(log: Log<&[u8]>, readable: u64) {
    let view = log.view();
    assert!(mismatch(view, view).is_none_or(|reason| !reason.to_string().is_empty()));
    let count = u64::from(view.event_count());
    let set = LogSet::new(vec![log]);
    assert_eq!(set.event_count(), count);
    assert_eq!(set.time_span().is_some(), set.parts().any(|part| part.time_span().is_some()));
    assert_eq!(set.event(count).err().map(|error| error.part()), Some(0));
    assert!(set.table_damage().first.iter().all(|error| error.part() == 0));
    let mut seen = 0;
    let mut next = 0;
    for range in set.ranges(7, 500) {
        assert_eq!(range.events().start, next);
        next = range.events().end;
        seen += set.events_in(&range).flatten().count() as u64;
    }
    assert_eq!((u64::from(next), seen), (count, readable));
}

fn tables(view: LogView<'_>, budget: &mut Budget) {
    let sizes = view.tables();
    for text in [view.computer(), view.system_root(), view.service_pack()] {
        budget.text(text);
    }
    view.os_version();
    view.damage().first.iter().for_each(|error| assert!(!error.to_string().is_empty()));
    assert!(view.damage().first.len() as u64 <= view.damage().count);
    for index in 0..=sizes.strings {
        if !budget.text(view.string(index)) {
            return;
        }
    }
    for index in 0..sizes.icons {
        assert!(view.icon(index).is_none_or(|icon| icon.data.len() as u64 <= view.size()));
    }
    assert_eq!(view.icon(sizes.icons), None);
    assert_eq!(view.hosts().count(), sizes.hosts as usize);
    assert_eq!(view.ports().count(), sizes.ports as usize);
    for (ip, name) in view.hosts() {
        // Of two entries with one address the first one counts; an empty name counts as no name.
        assert!(view.host(&ip).is_none_or(|name| !name.is_empty()));
        budget.text(name);
    }
    for ((is_tcp, port), name) in view.ports() {
        assert!(view.port(is_tcp, port).is_none_or(|name| !name.is_empty()));
        budget.text(name);
    }
    assert_eq!(view.processes().count(), sizes.processes as usize);
    for process in view.processes() {
        assert_eq!(view.process_position(process.index()), Some(process.position()));
        for text in [
            process.name(),
            process.image_path(),
            process.command_line(),
            process.user(),
            process.integrity(),
            process.company(),
            process.version(),
            process.description(),
        ] {
            budget.text(text);
        }
        let modules = process.modules();
        assert!(modules.len() as u64 * 0x38 <= view.size());
        for module in modules {
            let texts = [module.path(), module.version(), module.company(), module.description()];
            if !texts.into_iter().all(|text| budget.text(text)) {
                return;
            }
        }
    }
    assert!(view.system_process().is_none_or(|process| process.pid() == 4));
}

/// Every way to write texts.
fn ways() -> [TextOptions; 4] {
    let zone = Zone::new(-3_600, vec![(FileTime(132_000_000_000_000_000), 7_200)]);
    let plain = |fidelity| TextOptions { fidelity, ..TextOptions::default() };
    let other = |fidelity| TextOptions {
        zone: zone.clone(),
        numeric_addresses: true,
        advanced: true,
        ..plain(fidelity)
    };
    [
        plain(Fidelity::Procmon),
        plain(Fidelity::Corrected),
        other(Fidelity::Procmon),
        other(Fidelity::Corrected),
    ]
}

/// Reads all of one event.
pub fn event(event: &Event<'_>, budget: &mut Budget) {
    let mut text = String::new();
    for options in ways() {
        for cell in ProcmonColumn::all() {
            text.clear();
            let decoded = event.push_cell(cell, FileTime(TICKS_PER_SECOND), &options, &mut text);
            assert!(decoded == Decoded::Yes || cell == ProcmonColumn::Detail);
            let is_short = text.len() <= CELL_LIMIT || text.encode_utf16().count() <= CELL_LIMIT;
            assert!(is_short || options.fidelity == Fidelity::Corrected, "{cell:?} is longer than a cell");
            if !budget.spend(text.len() + 1) {
                return;
            }
            // Text that is already in the string makes no difference.
            if matches!(cell, ProcmonColumn::Path | ProcmonColumn::Detail) {
                let mut appended = String::from("before");
                event.push_cell(cell, FileTime(TICKS_PER_SECOND), &options, &mut appended);
                assert_eq!(appended.strip_prefix("before"), Some(text.as_str()));
            }
        }
    }
    text.clear();
    event.push_path(&TextOptions::default(), &mut text);
    let path = event.path();
    assert!(path.is_empty() || !text.is_empty());
    if let Some(target) = event.target_path() {
        budget.text(target);
    }
    assert!(event.category().name().len() < 20);
    event.numbers().get(Number::RegistryNumber);
    text.clear();
    assert!(event.push_registry_data(&mut text) || text.is_empty());
    budget.spend(text.len());
    event.endpoints();
    assert!(event.details().len() <= event.raw().len());
    let stack = event.stack();
    let addresses = stack.addresses();
    assert_eq!(addresses.len(), stack.len());
    assert_eq!(stack.first(3).len(), stack.len().min(3));
    for address in addresses.take(200) {
        for resolution in [Resolution::Procmon, Resolution::Corrected] {
            if let Some(place) = event.locate(address, resolution) {
                assert!(place.offset < place.module.size.into());
            }
        }
    }
    budget.spend(stack.len() * 16);
}
