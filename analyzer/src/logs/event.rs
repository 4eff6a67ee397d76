//! What records of logs of all kinds say, as typed events.

use super::time::LogTime;
use serde::Serialize;

/// Something that a record says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogEvent {
    /// First line of the record, from 1; of an event log, the number of the record.
    pub line: u32,
    /// Its time.
    pub time: Option<LogTime>,
    /// What it says.
    pub what: What,
    /// The text it is taken from, shortened.
    pub quote: String,
}

/// A call of the update client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Call {
    /// It looks for updates.
    Scan,
    /// It downloads them.
    Download,
    /// It installs them.
    Install,
}

/// How far servicing of a package got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// What has to change is worked out.
    Planning,
    /// Components are looked up.
    Resolving,
    /// Files are unpacked and rebuilt.
    Staging,
    /// Components are installed.
    Installing,
}

/// What a scenario concerns: a file, a component, a package, an installer, a driver.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "name")]
pub enum Item {
    /// A file, by its path.
    File(String),
    /// A component, by the name of its directory, or by its name.
    Component(String),
    /// A package, by its identity.
    Package(String),
    /// An advanced installer, by its name.
    Installer(String),
    /// A driver, by its INF file.
    Driver(String),
    /// A device, a volume or a disk.
    Device(String),
    /// A service, by its name.
    Service(String),
    /// A scheduled task, by its path.
    Task(String),
    /// A program, by its path.
    Program(String),
}

impl Item {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::File(name)
            | Self::Component(name)
            | Self::Package(name)
            | Self::Installer(name)
            | Self::Driver(name)
            | Self::Device(name)
            | Self::Service(name)
            | Self::Task(name)
            | Self::Program(name) => name,
        }
    }
}

/// One item of a check of the component store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct StoreItem {
    /// Kind of damage, as Windows calls it: `CSI Payload Corrupt`.
    pub kind: String,
    /// Component directory and file, or package.
    pub name: String,
    /// Whether it was repaired.
    pub repaired: bool,
}

/// A check of the component store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreScan {
    /// Session, where it is known.
    pub session: Option<String>,
    /// `Detect only`, `Detect and Repair`, or the System File Checker.
    pub operation: String,
    /// The code it ended with.
    pub result: Option<u32>,
    /// Damage that was counted; with a failing result, this means nothing.
    pub detected: Option<u32>,
    /// Repairs that were counted.
    pub repaired: Option<u32>,
    /// Damage that the component layer itself counted.
    pub counted: Option<u32>,
    /// What was found, each item once.
    pub items: Vec<StoreItem>,
}

impl StoreScan {
    /// Items that were found damaged and not repaired.
    pub fn left(&self) -> impl Iterator<Item = &StoreItem> {
        self.items.iter().filter(|item| !item.repaired)
    }
}

/// What a sentence of DISM or of the System File Checker means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No damage, as far as the command looked.
    Healthy,
    /// Damaged; it can be repaired.
    Repairable,
    /// Damaged beyond repair.
    Unrepairable,
    /// Damage was repaired.
    Repaired,
    /// Damage was found and not all of it repaired.
    PartlyRepaired,
    /// No source for the repair was found.
    NoSource,
    /// Nothing was checked.
    NotChecked,
}

/// What an event of a Windows event log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Topic {
    /// An update: a download began.
    UpdateDownloading,
    /// An update: the installation began.
    UpdateInstalling,
    /// An update was installed.
    UpdateInstalled,
    /// An update failed.
    UpdateFailed,
    /// The download of an update failed.
    UpdateDownloadFailed,
    /// A package is about to change.
    PackageBegins,
    /// A package has changed.
    PackageDone,
    /// A package failed to change.
    PackageFailed,
    /// A package waits for a restart.
    PackageWaits,
    /// A disk or its controller failed.
    Disk,
    /// A file system is damaged.
    FileSystem,
    /// The power went, or the machine hung and was switched off.
    PowerLost,
    /// The machine started.
    Started,
    /// A bug check.
    BugCheck,
    /// The hardware reported an error.
    Hardware,
    /// The memory test found errors.
    Memory,
    /// A service crashed, or a program of servicing did.
    Crash,
    /// The clock was set.
    ClockSet,
    /// A scheduled task could not be loaded.
    Task,
    /// A program restarted or shut down the machine.
    RestartedBy,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// A run of the servicing stack begins.
    Run,
    /// When the machine started.
    Booted { at: LogTime },
    /// Version of the servicing stack.
    Stack { build: u32, revision: u32 },
    /// A session of a client begins.
    SessionBegin { id: String, client: String },
    /// A package is worked on.
    PackageBegin { session: String, client: String, package: String, kb: Option<String> },
    /// A stage begins.
    Stage(Stage),
    /// A package is to be unpacked and not installed.
    StagedOnly { package: String },
    /// A failure report is made for a package.
    FailureReport { package: String, code: u32, source: String, start: String, target: String },
    /// The work on a package has ended.
    PackageEnd { session: String, package: String, kb: Option<String>, code: u32 },
    /// A session has ended.
    SessionEnd { id: String, restart: bool, code: u32 },
    /// State of the work that a restart goes on with.
    State { name: String, rollback: bool },
    /// The code of a failure that is undone: set where it happens, retrieved in the boot after.
    OriginalFailure { code: u32, set: bool, state: String },
    /// Work after a restart begins.
    StartupBegin,
    /// Nothing is to be done after the start of the machine.
    StartupIdle,
    /// Work after a restart has ended.
    StartupEnd { code: u32 },
    /// The servicing stack stops because the machine goes down.
    Shutdown,
    /// An advanced installer failed.
    Installer { name: String, code: u32, ignored: bool, component: Option<String> },
    /// A driver failed to be installed.
    Driver { inf: String, code: u32 },
    /// An operation on a file or key failed.
    Operation { status: u32, path: String },
    /// A file could not be rebuilt from differences.
    Hydration { component: String, version: String, arch: String, file: String, status: u32 },
    /// A package or a component is missing or bad.
    Missing { item: Item, code: u32 },
    /// Any other record with a code of a failure, or of the level of an error.
    Failure { code: Option<u32>, is_error: bool },
    /// A check of the component store.
    Scan(Box<StoreScan>),
    /// Damage of the component store was noted.
    StoreMarked { item: Option<String> },
    /// Version of the update client.
    Client { version: String },
    /// The server that updates come from; nothing where it is Microsoft's.
    Server { url: Option<String> },
    /// A call of the update client begins.
    CallBegin { call: Call, caller: String },
    /// A call of the update client has ended.
    CallEnd { call: Call, code: Option<u32> },
    /// The code of a call, in a line of its own before the end.
    ExitCode { code: u32 },
    /// How many updates of a call came out how.
    CallCounts { call: Call, succeeded: u32, failed: u32, cancelled: u32 },
    /// The code that a call gives back.
    CallCode { codes: Vec<u32> },
    /// The title of an update that a call concerns.
    Title { title: String, kb: Option<String> },
    /// The identifier of an update that a call concerns.
    UpdateId { guid: String },
    /// The servicing stack answered the update client; with a code, it failed.
    Serviced { code: Option<u32> },
    /// How an update came out.
    Result { guid: String, mapped: u32, unmapped: u32, operation: Option<Call> },
    /// Something failed in the update client.
    ClientFailure { code: u32, component: String },
    /// Whether a restart is needed.
    Restart { needed: bool },
    /// The update client is shut down.
    ClientStops,
    /// Lines that could not be decoded because the message formats were not at hand.
    Undecoded,
    /// A command of DISM.
    Command { line: String },
    /// A command of DISM failed.
    CommandFailed { code: u32 },
    /// Build and revision of the image that is serviced.
    Image { build: u32, revision: u32 },
    /// A sentence of a console.
    Console(Verdict),
    /// An event of an event log.
    Event(Box<EventFact>),
    /// How an upgrade of Windows ended.
    SetupResult { code: u32, extended: Option<u32> },
    /// The queue of pending operations is there.
    Pending { operations: u32 },
    /// A literal of the signatures was met.
    Marker { id: String, code: Option<u32>, item: Option<Item> },
}

/// What an event of an event log says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventFact {
    /// What it is about.
    pub topic: Topic,
    /// Its provider.
    pub provider: String,
    /// Its identifier.
    pub id: u32,
    /// Title of an update.
    pub title: Option<String>,
    /// Identifier of an update.
    pub guid: Option<String>,
    /// KB number, in the title or as the package.
    pub kb: Option<String>,
    /// Identity of a package.
    pub package: Option<String>,
    /// Code.
    pub code: Option<u32>,
    /// The state that a package is to reach.
    pub state: Option<String>,
    /// How many events of this kind have to be there before they mean something.
    pub at_least: u32,
    /// Device, volume, program.
    pub item: Option<String>,
    /// A number whose meaning depends on the topic: the state of a volume.
    pub number: Option<u32>,
}

/// Longest quote that is kept.
const LONGEST_QUOTE: usize = 600;

/// A text as it is quoted: on one line, shortened.
pub(crate) fn quote(text: &str) -> String {
    let text = text.trim();
    let kept = super::fields::prefix(text, LONGEST_QUOTE);
    let mut quote: String =
        kept.chars().map(|c| if matches!(c, '\r' | '\n' | '\t') { ' ' } else { c }).collect();
    if kept.len() < text.len() {
        quote.push('…');
    }
    quote
}

/// What was taken from one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sink {
    pub events: Vec<LogEvent>,
    /// Events that were left out because there were too many.
    pub dropped: u64,
    pub anchors: Vec<Anchor>,
    pub machine: Machine,
    /// Names of computers that records give.
    pub computers: Vec<String>,
}

/// Most events that are kept of one file.
const MOST_EVENTS: usize = 100_000;

/// Most anchors that are kept of one file.
const MOST_ANCHORS: usize = 20_000;

impl Sink {
    pub(crate) fn push(&mut self, line: u32, time: Option<LogTime>, text: &str, what: What) {
        if self.events.len() >= MOST_EVENTS {
            self.make_room();
        }
        self.events.push(LogEvent { line, time, what, quote: quote(text) });
    }

    /// Drops single failures of the older half, which only explain what is near them; where that is not enough, the
    /// older half: the end of a log says more than its beginning.
    fn make_room(&mut self) {
        let before = self.events.len();
        let half = before / 2;
        let mut at = 0;
        self.events.retain(|event| {
            at += 1;
            at > half || !matches!(event.what, What::Failure { .. } | What::ClientFailure { .. })
        });
        if self.events.len() > MOST_EVENTS / 4 * 3 {
            self.events.drain(..self.events.len() / 2);
        }
        self.dropped += (before - self.events.len()) as u64;
    }

    pub(crate) fn anchor(&mut self, anchor: Anchor) {
        if self.anchors.len() < MOST_ANCHORS {
            self.anchors.push(anchor);
        }
    }
}

/// What a line proves about the distance of the local clock from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnchorKind {
    /// The identifier of a session of the servicing stack is the UTC time of its beginning.
    Session,
    /// A message of the component layer carries its UTC time.
    Stamp,
    /// `Universal Time is:`
    Universal,
}

/// A line with its time on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub kind: AnchorKind,
    pub line: u32,
    pub local: i64,
    pub utc: i64,
}

/// What files say about the machine. Where several say something, the latest that was read counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Name of the computer.
    pub computer: Option<String>,
    /// Build of Windows.
    pub build: Option<u32>,
    /// Revision of the build: which cumulative update is installed.
    pub revision: Option<u32>,
    /// Minutes that its local clock is ahead of UTC.
    pub offset: Option<i32>,
    /// The update server that a policy sets.
    pub server: Option<String>,
    /// KB numbers of updates that are installed.
    pub installed: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_kept() {
        let mut sink = Sink::default();
        for line in 0..3 * MOST_EVENTS as u32 {
            let what = if line == 7 {
                What::Run
            } else {
                What::Failure { code: Some(0x8007_0005), is_error: false }
            };
            sink.push(line, None, "text", what);
        }
        let kept = sink.events.len();
        assert!(kept <= MOST_EVENTS && kept as u64 + sink.dropped == 3 * MOST_EVENTS as u64, "{kept}");
        assert_eq!(sink.events.last().map(|event| event.line), Some(3 * MOST_EVENTS as u32 - 1));
        // What no single failure explains outlives the failures.
        assert_eq!(sink.events.first().map(|event| event.line), Some(7));
        for line in 0..3 * MOST_EVENTS as u32 {
            sink.push(line, None, "text", What::Run);
        }
        assert!(sink.events.len() <= MOST_EVENTS);
    }
}
