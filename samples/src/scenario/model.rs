//! The shape of a scenario file. Unknown keys are errors, so that a slip of the pen is found.

use serde::Deserialize;
use std::collections::BTreeMap;

/// A struct of a file with what scenarios, bases and variants have in common. Written out rather
/// than flattened, because errors inside flattened parts lose their place in the file.
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
            /// What paths that are told begin with, and what they begin with instead.
            #[serde(default)]
            pub(crate) spell: BTreeMap<String, String>,
            #[serde(default)]
            pub(crate) change: BTreeMap<String, Change>,
            #[serde(default)]
            pub(crate) process: Vec<Extra>,
            #[serde(default)]
            pub(crate) stretch: Vec<Stretch>,
            #[serde(default)]
            pub(crate) scene: Vec<Scene>,
            /// Share of the boot after which the capture ends.
            pub(crate) cut: Option<f64>,
            /// Whether the capture was never closed.
            pub(crate) unclosed: Option<bool>,
        }
    };
}

table! {
    /// What they have in common alone: a file of a base.
    Body {}
}

table! {
    /// A scenario as it is written.
    Document {
        id: String,
        title: String,
        base: Base,
        #[serde(default)]
        machine: Machine,
        /// Labels of scenes of the base that do not take place.
        #[serde(default)]
        without: Vec<String>,
        #[serde(default)]
        variant: Vec<Variant>,
    }
}

table! {
    /// The same story told a little differently.
    Variant {
        name: String,
        title: String,
        #[serde(default)]
        machine: Machine,
        /// Labels of scenes that do not take place.
        #[serde(default)]
        without: Vec<String>,
    }
}

/// What a struct has in common with the others, by itself.
macro_rules! body {
    ($($name:ident),*) => {
        $(
            impl $name {
                /// What it has in common with the others.
                pub(crate) fn body(&self) -> Body {
                    Body {
                        names: self.names.clone(),
                        spell: self.spell.clone(),
                        change: self.change.clone(),
                        process: self.process.clone(),
                        stretch: self.stretch.clone(),
                        scene: self.scene.clone(),
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
    /// An update is begun and taken back.
    Rollback,
    /// An update is begun; what comes of it is told by the scenario.
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
    /// Seconds that this boot is later than the usual one.
    pub(crate) later: Option<u32>,
    /// Hours that its clock is ahead of UTC.
    pub(crate) zone: Option<i32>,
}

/// What is different about a process.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Change {
    pub(crate) starts: Option<f64>,
    pub(crate) ends: Option<f64>,
    pub(crate) exit: Option<String>,
    pub(crate) absent: Option<bool>,
    pub(crate) quiet: Option<bool>,
}

/// One more process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Extra {
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

/// A part of the boot that takes so many seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Stretch {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) seconds: f64,
    #[serde(default)]
    pub(crate) quiet: Vec<String>,
}

/// Beats of one actor at one time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Scene {
    pub(crate) label: Option<String>,
    pub(crate) phase: Option<Phase>,
    /// Share of the boot, or of the phase where one is given.
    pub(crate) at: f64,
    pub(crate) actor: String,
    #[serde(default)]
    pub(crate) thread: usize,
    /// Names for each time the beats are told.
    #[serde(default)]
    pub(crate) each: Vec<BTreeMap<String, String>>,
    /// Share of the boot from one such time to the next.
    #[serde(default)]
    pub(crate) step: f64,
    pub(crate) beats: Vec<Beat>,
}

/// A phase of the boot.
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

/// One operation, or a usual run of several.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Beat {
    /// An operation as Process Monitor names it.
    pub(crate) op: Option<String>,
    /// A run: open, do it, close.
    pub(crate) run: Option<Run>,
    pub(crate) path: String,
    pub(crate) to: Option<String>,
    /// Name of the value that a run sets or gets.
    pub(crate) value: Option<String>,
    pub(crate) data: Option<Data>,
    pub(crate) result: Option<String>,
    pub(crate) access: Option<Access>,
    pub(crate) length: Option<u64>,
    #[serde(default)]
    pub(crate) names: Vec<String>,
    pub(crate) repeat: Option<u32>,
    /// Seconds after each time.
    pub(crate) every: Option<f64>,
    /// Seconds.
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
    /// Reading, and letting nobody else write or delete.
    Exclusive,
}
