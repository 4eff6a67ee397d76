//! One file of a case, read: its kind, its records counted, and what they say.

use super::cabinet;
use super::cbs::{self, Cbs};
use super::clock::Offsets;
use super::detect::{Kind, detect};
use super::encoding::Encoding;
use super::event::{Item, LogEvent, Machine, Sink, What};
use super::event_facts;
use super::machine::{self, CheckSur, Registry};
use super::needles::Needles;
use super::record::{Reading, Record};
use super::signatures::Signatures;
use super::tools;
use super::windows_update as update;
use super::{codes, pending};
use std::io::Read;

/// A file of a case.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// Its name, as it is shown: a path, and for a member of a cabinet the member's name after a colon.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How its text is encoded.
    pub encoding: Encoding,
    /// Lines, records, span, damage.
    pub reading: Reading,
    /// What it says about the machine.
    pub machine: Machine,
    /// Names of computers that its records give.
    pub computers: Vec<String>,
    /// Things it says that were left out because there were too many.
    pub dropped: u64,
    /// How far its local clock is from UTC, where it proves that itself.
    pub(crate) offsets: Offsets,
    pub(crate) events: Vec<LogEvent>,
}

/// Bytes of all members that one file may hold in memory where they cannot be read as a stream.
const MOST_HELD: u64 = 512 << 20;

/// Cabinets inside each other that are read, at most.
const DEEPEST: usize = 3;

/// What one file may still cost: how deep its cabinets lie, and how much of them is held and unpacked.
struct Depth {
    cabinets: usize,
    held: u64,
    unpacked: u64,
}

impl Default for Depth {
    fn default() -> Self {
        Self { cabinets: 0, held: MOST_HELD, unpacked: cabinet::MOST_BYTES }
    }
}

impl Depth {
    /// Reads the rest of a stream into memory, and says whether that was all of it.
    fn hold(&mut self, stream: &mut dyn Read, head: &mut Vec<u8>) -> bool {
        let mut bounded = stream.take(self.held);
        let whole = bounded.read_to_end(head).is_ok() && bounded.limit() > 0;
        self.held = bounded.limit();
        whole
    }

    /// Hands over the members of a cabinet, and says whether all of it was read.
    fn enter(&mut self, bytes: &[u8], mut take: impl FnMut(&mut Self, &str, &mut dyn Read)) -> bool {
        if self.cabinets == DEEPEST {
            return false;
        }
        self.cabinets += 1;
        let mut left = self.unpacked;
        let whole = cabinet::members(bytes, &mut left, |name, stream| take(self, name, stream));
        self.unpacked = self.unpacked.min(left);
        self.cabinets -= 1;
        whole
    }
}

/// Bytes of a member that decide on its kind.
const HEAD: u64 = 256 << 10;

impl LogFile {
    /// How far its local clock is from UTC, as far as the file itself proves it.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// Reads a file: nothing for one of no known kind, several for a cabinet. It never fails: what
    /// cannot be read is counted in [`Reading::damage`].
    pub fn read(name: &str, bytes: &[u8], signatures: &Signatures) -> Vec<Self> {
        Self::read_whole(name, bytes, signatures, &mut Depth::default())
    }

    fn read_whole(name: &str, bytes: &[u8], signatures: &Signatures, depth: &mut Depth) -> Vec<Self> {
        match detect(bytes) {
            None => Vec::new(),
            Some((Kind::Cabinet, encoding)) => {
                let mut files = Vec::new();
                let whole = depth.enter(bytes, |depth, member, stream| {
                    files.extend(Self::read_in(&format!("{name}:{member}"), stream, signatures, depth));
                });
                if !whole || files.is_empty() {
                    let mut file = Self::new(name, Kind::Cabinet, encoding);
                    if !whole {
                        file.reading.damage.unreadable.push(0);
                    }
                    files.push(file);
                }
                files
            }
            Some((kind, encoding)) => {
                let mut file = Self::new(name, kind, encoding);
                file.collect(signatures, |needles, visit| super::read(bytes, kind, encoding, needles, visit));
                vec![file]
            }
        }
    }

    /// Reads a file that is a stream, such as a member of a zip file or of a cabinet. Text flows through; an event log
    /// and a cabinet, which are not read in order, are held in memory, up to half a gibibyte.
    pub fn read_stream(name: &str, stream: &mut dyn Read, signatures: &Signatures) -> Vec<Self> {
        Self::read_in(name, stream, signatures, &mut Depth::default())
    }

    fn read_in(name: &str, stream: &mut dyn Read, signatures: &Signatures, depth: &mut Depth) -> Vec<Self> {
        let mut head = Vec::new();
        // An error shows again when the rest is read.
        let _ = (&mut *stream).take(HEAD).read_to_end(&mut head);
        match detect(&head) {
            None => Vec::new(),
            Some((Kind::Evtx | Kind::Cabinet, _)) => {
                let whole = depth.hold(stream, &mut head);
                let mut files = Self::read_whole(name, &head, signatures, depth);
                if let Some(file) = files.first_mut().filter(|_| !whole) {
                    file.reading.damage.unreadable.push(0);
                }
                files
            }
            Some((kind, encoding)) => vec![Self::read_text(name, head, stream, kind, encoding, signatures)],
        }
    }

    /// Hands over all records of a file that is a stream, those of a cabinet's members too: with the name and the
    /// kind of the log. What [`Self::read_stream`] bounds is bounded here too.
    pub fn visit_stream(name: &str, stream: &mut dyn Read, visit: &mut dyn FnMut(&str, Kind, &Record<'_>)) {
        Self::visit_in(name, stream, visit, &mut Depth::default());
    }

    fn visit_in(
        name: &str,
        stream: &mut dyn Read,
        visit: &mut dyn FnMut(&str, Kind, &Record<'_>),
        depth: &mut Depth,
    ) {
        let mut head = Vec::new();
        // An error shows again when the rest is read.
        let _ = (&mut *stream).take(HEAD).read_to_end(&mut head);
        match detect(&head) {
            None => {}
            Some((Kind::Cabinet, _)) => {
                depth.hold(stream, &mut head);
                depth.enter(&head, |depth, member, stream| {
                    Self::visit_in(&format!("{name}:{member}"), stream, visit, depth);
                });
            }
            Some((Kind::Evtx, encoding)) => {
                depth.hold(stream, &mut head);
                super::read(&head, Kind::Evtx, encoding, None, |record| visit(name, Kind::Evtx, record));
            }
            Some((kind, encoding)) => {
                let rest = head.as_slice().chain(stream);
                super::read_stream(rest, kind, encoding, None, |record| visit(name, kind, record));
            }
        }
    }

    /// Reads a text of which the head was read to find out what it is.
    fn read_text(
        name: &str,
        head: Vec<u8>,
        stream: &mut dyn Read,
        kind: Kind,
        encoding: Encoding,
        signatures: &Signatures,
    ) -> Self {
        let mut file = Self::new(name, kind, encoding);
        file.collect(signatures, |needles, visit| {
            super::read_stream(head.as_slice().chain(&mut *stream), kind, encoding, needles, visit)
        });
        file
    }

    fn new(name: &str, kind: Kind, encoding: Encoding) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            encoding,
            reading: Reading::default(),
            machine: Machine::default(),
            computers: Vec::new(),
            dropped: 0,
            offsets: Offsets::default(),
            events: Vec::new(),
        }
    }

    fn collect(
        &mut self,
        signatures: &Signatures,
        read: impl FnOnce(Option<&Needles>, &mut dyn FnMut(&Record<'_>)) -> Reading,
    ) {
        let kind = self.kind;
        let needles = needles(kind, signatures);
        let mut sink = Sink::default();
        let mut reader = Reader::default();
        self.reading =
            read(needles.as_ref(), &mut |record| reader.record(kind, record, signatures, &mut sink));
        reader.finish(&self.reading, &mut sink);
        self.offsets = Offsets::new(&sink.anchors, &sink.events);
        self.events = sink.events;
        self.dropped = sink.dropped;
        self.machine = sink.machine;
        self.computers = sink.computers;
    }
}

/// The literals that choose records of a kind; none where every record is looked at.
pub fn literals(kind: Kind, signatures: &Signatures) -> Vec<&str> {
    let own = match kind {
        Kind::Cbs => cbs::NEEDLES,
        Kind::WindowsUpdate | Kind::WindowsUpdateOld => update::NEEDLES,
        Kind::Dism => tools::NEEDLES,
        Kind::Setup => machine::SETUP_NEEDLES,
        _ => return Vec::new(),
    };
    own.iter().copied().chain(signatures.needles(kind)).collect()
}

/// The search that chooses records of a kind; nothing where every record is looked at.
pub fn needles(kind: Kind, signatures: &Signatures) -> Option<Needles> {
    let literals = literals(kind, signatures);
    (!literals.is_empty()).then(|| Needles::new(literals))
}

/// What is kept from record to record.
#[derive(Default)]
struct Reader {
    cbs: Cbs,
    registry: Registry,
    check: CheckSur,
    queue: pending::Queue,
}

impl Reader {
    fn record(&mut self, kind: Kind, record: &Record<'_>, signatures: &Signatures, sink: &mut Sink) {
        let judged = match kind {
            Kind::Cbs | Kind::WindowsUpdate | Kind::WindowsUpdateOld | Kind::Dism | Kind::Setup => {
                let text = record.text();
                let judged = signatures.judge(kind, record.component, &text);
                for &at in &judged.markers {
                    let Some((id, item)) = signatures.marker(at, &text) else { continue };
                    let what = What::Marker { id: id.to_owned(), code: codes::deepest(&text), item };
                    sink.push(record.line, record.time, &text, what);
                }
                judged
            }
            _ => Default::default(),
        };
        match kind {
            Kind::Cbs => self.cbs.record(record, judged.is_noise, sink),
            Kind::WindowsUpdate | Kind::WindowsUpdateOld => update::record(record, judged.is_noise, sink),
            Kind::ReportingEvents => update::report(record, sink),
            Kind::Dism => tools::record(record, judged.is_noise, sink),
            Kind::Setup => machine::setup(record, judged.is_noise, sink),
            Kind::Poqexec => machine::poqexec(record, sink),
            Kind::Pending => self.queue.record(record),
            Kind::CheckSur => self.check.record(record),
            Kind::DismConsole | Kind::SfcConsole => tools::console(record, &signatures.phrases, sink),
            Kind::SetupApi => machine::device(record, sink),
            Kind::SetupDiag => machine::diagnosis(record, sink),
            Kind::Evtx | Kind::EventXml => event_facts::record(record, &signatures.events, sink),
            Kind::Registry => self.registry.record(record, sink),
            Kind::SystemInfo => machine::system_info(record, sink),
            Kind::Cabinet => {}
        }
    }

    fn finish(&mut self, reading: &Reading, sink: &mut Sink) {
        self.cbs.finish(sink);
        self.check.finish(reading.span.map(|span| span.1), sink);
        self.queue.finish(sink);
    }
}

/// Names of items in order, each once.
pub(crate) fn distinct(items: impl IntoIterator<Item = Item>) -> Vec<Item> {
    let mut found: Vec<Item> = Vec::new();
    for item in items {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}
