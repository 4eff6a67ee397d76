//! Beginnings of names as the kernel writes them, and the texts that Process Monitor shows in their place.
//!
//! Case does not matter. Process Monitor does not look at where a component of a key ends: `\REGISTRY\MACHINEX` is
//! `HKLMX`.

/// The folder of devices.
pub(crate) const DEVICE: &str = r"\Device\";
/// The redirector of the network, below [`DEVICE`].
pub(crate) const MUP: &str = r"Mup\";
/// The redirector of Windows shares, below [`DEVICE`].
pub(crate) const LANMAN: &str = r"LanmanRedirector\";
/// What a share begins with.
pub(crate) const SHARE: &str = r"\\";
/// The link to the folder of Windows.
pub(crate) const SYSTEM_ROOT: &str = r"\SystemRoot";
/// The folder of drive letters, which is left out.
pub(crate) const DOS_DEVICES: &str = r"\??\";
/// The usual folder of Windows.
pub(crate) const WINDOWS: &str = r"C:\Windows";
/// The folder of Windows on its volume, with which the loader of Windows names images.
pub(crate) const WINDOWS_FOLDER: &str = r"\Windows\";

/// The hive of the machine.
pub(crate) const MACHINE: &str = r"\REGISTRY\MACHINE";
/// Keys below [`MACHINE`] that have a short name. The control set has one if it is the current one.
pub(crate) const CLASSES: (&str, &str) = (r"\SOFTWARE\Classes", "HKCR");
/// The current control set below [`MACHINE`], without its number of three digits.
pub(crate) const CONTROL_SET: (&str, &str) = (r"\SYSTEM\ControlSet", r"HKLM\System\CurrentControlSet");
/// The short name of [`MACHINE`].
pub(crate) const HKLM: &str = "HKLM";
/// The hives of users, and their short name.
pub(crate) const USER: (&str, &str) = (r"\REGISTRY\USER", "HKU");
