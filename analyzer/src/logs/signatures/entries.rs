//! The entries of the files of signatures: what each list holds, and when an entry applies.

use crate::language::Text;
use crate::logs::case::Phase;
use crate::logs::detect::Kind;
use crate::logs::event::{Topic, Verdict};
use serde::Deserialize;
use toml::Spanned;

/// Logs that an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    Cbs,
    WindowsUpdate,
    Dism,
    Setup,
    Event,
    Any,
}

impl Source {
    pub(super) fn has(self, kind: Kind) -> bool {
        match self {
            Self::Any => true,
            Self::Cbs => kind == Kind::Cbs,
            Self::WindowsUpdate => matches!(kind, Kind::WindowsUpdate | Kind::WindowsUpdateOld),
            Self::Dism => kind == Kind::Dism,
            Self::Setup => kind == Kind::Setup,
            Self::Event => matches!(kind, Kind::Evtx | Kind::EventXml),
        }
    }
}

/// Records that mean nothing, though they speak of a failure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoiseEntry {
    pub(super) source: Source,
    /// Components that write them; of no matter where there are none.
    #[serde(default)]
    pub(super) components: Vec<String>,
    /// Codes of which the text gives one; of no matter where there are none.
    #[serde(default)]
    pub(super) codes: Vec<CodeRange>,
    /// Literals of which one is in the text; of no matter where there are none.
    #[serde(default)]
    pub(super) any: Vec<String>,
}

/// A literal worth noticing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkerEntry {
    pub id: String,
    pub(super) source: Source,
    /// Literals of which one is in the text.
    pub(super) any: Vec<String>,
    /// Literals that are all in the text.
    #[serde(default)]
    pub(super) all: Vec<String>,
    /// Codes of which the text gives one; of no matter where there are none.
    #[serde(default)]
    pub(super) codes: Vec<CodeRange>,
    /// What the record names: its kind, and the literal that it follows.
    pub(super) item: Option<ItemEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemEntry {
    pub(super) kind: ItemKind,
    pub(super) after: String,
    /// Whether it is in quotes.
    #[serde(default)]
    pub(super) quoted: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ItemKind {
    File,
    Component,
    Package,
    Installer,
    Driver,
    Device,
    Service,
}

/// An event of an event log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventEntry {
    pub topic: Topic,
    pub providers: Vec<String>,
    pub ids: Vec<u32>,
    /// The datum that names what the event is about.
    pub item: Option<String>,
    /// Whether the first datum without a name does.
    #[serde(default)]
    pub unnamed_item: bool,
    /// Names of which the item has to hold one, in small letters.
    pub item_any: Option<Vec<String>>,
    /// A datum that is a number worth keeping.
    pub number: Option<String>,
    /// How many such events have to be there before they mean something; 1 where there is nothing.
    pub at_least: Option<u32>,
    /// A datum that is 0 where nothing is wrong.
    pub unless_zero: Option<String>,
}

/// A sentence of a console.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsolePhrase {
    pub verdict: Verdict,
    pub any: Vec<String>,
}

/// A cumulative update.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Release {
    pub build: u32,
    pub revision: u32,
    /// Year and month, as `2023-11`.
    pub month: String,
    /// Its update; the first revision of a build has none.
    pub kb: Option<String>,
}

/// Builds that share cumulative updates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Branch {
    /// The build that versions of components and packages carry.
    pub build: u32,
    /// The builds that machines report.
    pub builds: Vec<u32>,
    /// The last servicing stack update that is a package of its own, where such updates are needed.
    pub stack: Option<StackUpdate>,
}

/// A servicing stack update that is a package of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StackUpdate {
    pub kb: String,
    /// Stacks and systems of a lower revision are older than it.
    pub revision: u32,
}

/// What to collect next, and when.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CollectEntry {
    pub id: String,
    /// Kinds of files any of which makes it needless.
    #[serde(default)]
    pub unless: Vec<Kind>,
    /// Facts, of which one list has to hold as a whole; needed in any case where there are none.
    #[serde(default)]
    pub when: Vec<Vec<Spanned<String>>>,
    pub what: Text,
    pub why: Text,
}

/// Whether a signature explains, or only remarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureKind {
    /// A cause.
    Cause,
    /// What else is worth knowing.
    Note,
}

/// What a signature applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scope {
    /// Each failed attempt to install something.
    Attempt,
    /// The case as a whole.
    Case,
}

/// The signature of a cause.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignatureEntry {
    pub id: String,
    pub scope: Scope,
    pub kind: SignatureKind,
    /// How sure the cause is by itself, from 0 to 1.
    pub confidence: f64,
    pub title: Text,
    pub text: Text,
    /// Remedies of `remedies.toml` and of these files.
    #[serde(default)]
    pub remedies: Vec<String>,
    /// Conditions any of which is enough.
    pub when: Vec<Condition>,
    /// What makes it surer.
    #[serde(default)]
    pub raise: Vec<Raise>,
    /// Signatures that say less about the same attempt and give way.
    #[serde(default)]
    pub instead_of: Vec<String>,
    /// Signatures that rank after this one, however sure they are.
    #[serde(default)]
    pub outranks: Vec<String>,
}

/// What has to hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    /// Codes of the attempt, of which one is enough.
    #[serde(default)]
    pub codes: Vec<CodeRange>,
    /// KB numbers of the update, of which one is enough.
    #[serde(default)]
    pub kbs: Vec<String>,
    /// Phases that the attempt reached.
    #[serde(default)]
    pub phases: Vec<Phase>,
    /// Facts that hold.
    #[serde(default)]
    pub all: Vec<Spanned<String>>,
    /// Facts of which one holds.
    #[serde(default)]
    pub any: Vec<Spanned<String>>,
    /// Facts of which none holds.
    #[serde(default)]
    pub none: Vec<Spanned<String>>,
}

impl Condition {
    /// Whether a code is one of its codes.
    pub(crate) fn has_code(&self, code: u32) -> bool {
        self.codes.iter().any(|range| range.has(code))
    }
}

/// What makes a cause surer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raise {
    /// Facts of which one is enough.
    pub any: Vec<Spanned<String>>,
    pub confidence: f64,
}

/// Codes: `800F0986`, or `800F0980-800F0991`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct CodeRange(u32, u32);

impl CodeRange {
    pub(super) fn has(self, code: u32) -> bool {
        (self.0..=self.1).contains(&code)
    }
}

impl TryFrom<String> for CodeRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hex = |digits: &str| {
            let eight = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let code = u32::from_str_radix(digits, 16).ok().filter(|_| eight);
            code.ok_or_else(|| format!("no code, and no range of codes: {text:?}"))
        };
        match text.split_once('-') {
            Some((from, to)) => Ok(Self(hex(from)?, hex(to)?)),
            None => hex(&text).map(|code| Self(code, code)),
        }
    }
}
