//! The shape of a scenario file. Unknown keys are errors, so that typing errors are found.

use serde::Deserialize;
use std::collections::BTreeMap;

/// A struct with the keys that scenarios, bases and variants have in common. The keys are repeated
/// and not flattened, because serde loses the positions of errors inside flattened structs.
macro_rules! table {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub(crate) struct $name {
            $($(#[$doc])* pub(crate) $field: $type,)*
            /// Texts that paths and lines can name in braces.
            #[serde(default)]
            pub(crate) names: BTreeMap<String, String>,
            /// Beginnings of paths in actions, and their replacements.
            #[serde(default)]
            pub(crate) spell: BTreeMap<String, String>,
            #[serde(default)]
            pub(crate) change: BTreeMap<String, RoleChange>,
            #[serde(default)]
            pub(crate) process: Vec<ExtraProcess>,
            #[serde(default)]
            pub(crate) stretch: Vec<Stretch>,
            #[serde(default)]
            pub(crate) step: Vec<Step>,
            /// Share of the boot after which the capture ends.
            pub(crate) cut: Option<f64>,
            /// Whether the capture was never closed.
            pub(crate) unclosed: Option<bool>,
        }
    };
}

table! {
    /// The common keys alone: a file of a base.
    Body {}
}

table! {
    /// A scenario file.
    Document {
        id: String,
        title: String,
        base: Base,
        #[serde(default)]
        machine: Machine,
        /// Labels of steps of the base that are left out.
        #[serde(default)]
        without: Vec<String>,
        #[serde(default)]
        variant: Vec<Variant>,
    }
}

table! {
    /// A variation of the scenario.
    Variant {
        name: String,
        title: String,
        #[serde(default)]
        machine: Machine,
        /// Labels of steps that are left out.
        #[serde(default)]
        without: Vec<String>,
    }
}

/// A method that extracts the common keys of a struct.
macro_rules! body {
    ($($name:ident),*) => {
        $(
            impl $name {
                /// Its common keys.
                pub(crate) fn body(&self) -> Body {
                    Body {
                        names: self.names.clone(),
                        spell: self.spell.clone(),
                        change: self.change.clone(),
                        process: self.process.clone(),
                        stretch: self.stretch.clone(),
                        step: self.step.clone(),
                        cut: self.cut,
                        unclosed: self.unclosed,
                    }
                }
            }
        )*
    };
}

body!(Document, Variant);

/// The usual course of a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Base {
    /// Nothing is pending.
    Healthy,
    /// An update is completed.
    Servicing,
    /// An update is begun and rolled back.
    Rollback,
    /// An update is begun; the scenario decides how it ends.
    Unfinished,
    /// Nothing is pending; an update is staged after the logon.
    Staging,
}

/// The machine that is captured.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Machine {
    pub(crate) computer: Option<String>,
    pub(crate) build: Option<u32>,
    pub(crate) reported_build: Option<u32>,
    pub(crate) revision: Option<u32>,
    pub(crate) older: Option<u32>,
    pub(crate) bits: Option<u32>,
    pub(crate) drive: Option<char>,
    pub(crate) users: Option<Vec<String>>,
    /// Seconds by which this boot is later than the usual one.
    pub(crate) later: Option<u32>,
    /// Hours by which its clock is ahead of UTC.
    pub(crate) zone: Option<i32>,
}

/// Changes to a role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RoleChange {
    pub(crate) starts: Option<f64>,
    pub(crate) ends: Option<f64>,
    pub(crate) exit: Option<String>,
    pub(crate) absent: Option<bool>,
    pub(crate) quiet: Option<bool>,
}

/// An additional process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ExtraProcess {
    pub(crate) name: String,
    pub(crate) like: String,
    pub(crate) folder: Option<String>,
    pub(crate) arguments: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) session: Option<u32>,
    pub(crate) starts: Option<f64>,
    pub(crate) ends: Option<f64>,
    pub(crate) exit: Option<String>,
    pub(crate) quiet: Option<bool>,
}

/// A span of the boot that lasts a fixed number of seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Stretch {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) seconds: f64,
    #[serde(default)]
    pub(crate) quiet: Vec<String>,
}

/// Actions of one process at one point of the boot.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Step {
    pub(crate) label: Option<String>,
    pub(crate) phase: Option<Phase>,
    /// Share of the boot, or of the phase where one is given.
    pub(crate) at: f64,
    /// Name of the role whose process acts.
    pub(crate) process: String,
    #[serde(default)]
    pub(crate) thread: usize,
    /// Names for each time that the actions are done.
    #[serde(default)]
    pub(crate) each: Vec<BTreeMap<String, String>>,
    /// Share of the boot from one such time to the next.
    #[serde(default)]
    pub(crate) interval: f64,
    pub(crate) actions: Vec<Action>,
}

/// A phase of the simulated boot: when a step happens. Triage has phases of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    Kernel,
    SessionManager,
    Queue,
    Services,
    Worker,
    Shutdown,
}

/// One operation, or a run of several.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Action {
    /// An operation as Process Monitor names it.
    pub(crate) op: Option<String>,
    /// A run: open, operate, close.
    pub(crate) run: Option<Run>,
    pub(crate) path: String,
    pub(crate) to: Option<String>,
    /// Name of the value that a run sets or gets.
    pub(crate) value: Option<String>,
    pub(crate) data: Option<Data>,
    pub(crate) result: Option<String>,
    pub(crate) access: Option<Access>,
    pub(crate) length: Option<u64>,
    pub(crate) offset: Option<u64>,
    #[serde(default)]
    pub(crate) names: Vec<String>,
    pub(crate) repeat: Option<u32>,
    /// Seconds to wait after each time.
    pub(crate) every: Option<f64>,
    /// Duration in seconds.
    pub(crate) takes: Option<f64>,
    /// Lines of `CBS.log`: level, source, message.
    #[serde(default)]
    pub(crate) cbs: Vec<String>,
    /// A line of `poqexec.log`.
    pub(crate) poqexec: Option<String>,
}

/// Runs of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Run {
    Read,
    Write,
    Append,
    Rename,
    Link,
    Delete,
    List,
    Look,
    Set,
    Get,
}

/// The data of a registry value.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Data {
    Text(String),
    Texts(Vec<String>),
    Number(u32),
    Long(u64),
    Bytes(Vec<u8>),
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Access {
    Read,
    Write,
    Attributes,
    Directory,
    Execute,
    Delete,
    Link,
    Replace,
    /// Reading, without sharing for writing or deleting.
    Exclusive,
}
