//! Programs, libraries and drivers, and their addresses in memory.

use crate::random::{Random, mix, mix_text};
use std::collections::HashMap;

/// An image. Windows maps one to the same address in every process of one boot.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) path: String,
    pub(crate) base: u64,
    pub(crate) size: u32,
    pub(crate) version: String,
    pub(crate) company: &'static str,
    pub(crate) description: String,
    pub(crate) timestamp: u32,
}

/// Drivers in the order in which they are loaded. The first [`DRIVERS_AT_START`] are loaded before
/// the capture begins; the stacks of all operations run through them.
#[rustfmt::skip]
pub(crate) const DRIVERS: &[&str] = &[
    "ntoskrnl.exe", "FLTMGR.SYS", "Ntfs.sys", "WdFilter.sys", "hal.dll", "CLFS.SYS", "tm.sys", "CI.dll",
    "cng.sys", "ksecdd.sys", "storport.sys", "stornvme.sys", "partmgr.sys", "volmgr.sys", "fileinfo.sys",
    "PROCMON24.SYS", "volsnap.sys", "fvevol.sys", "Wof.sys", "mountmgr.sys", "disk.sys", "CLASSPNP.SYS",
    "ndis.sys", "NETIO.SYS", "tcpip.sys", "fwpkclnt.sys", "wfplwfs.sys", "rdyboost.sys", "mup.sys",
    "iorate.sys", "crashdmp.sys", "cdrom.sys", "filecrypt.sys", "tbs.sys", "Npfs.SYS", "Msfs.SYS", "afd.sys",
    "netbt.sys", "dxgkrnl.sys", "watchdog.sys", "BasicDisplay.sys", "HDAudBus.sys", "USBXHCI.SYS",
    "UsbHub3.sys", "intelppm.sys", "i8042prt.sys", "kbdclass.sys", "mouclass.sys", "win32k.sys",
    "win32kbase.sys", "win32kfull.sys", "luafv.sys", "wcifs.sys", "cldflt.sys", "bindflt.sys", "storqosflt.sys",
    "lltdio.sys", "rspndr.sys", "HTTP.sys", "mrxsmb.sys", "srv2.sys", "Ndu.sys", "PEAUTH.SYS", "tcpipreg.sys",
];

/// Number of drivers that are loaded before the first event.
pub(crate) const DRIVERS_AT_START: usize = 16;

/// Libraries that programs of all kinds load.
#[rustfmt::skip]
pub(crate) const LIBRARIES: &[&str] = &[
    "advapi32.dll", "msvcrt.dll", "sechost.dll", "rpcrt4.dll", "combase.dll", "ucrtbase.dll", "oleaut32.dll",
    "msvcp_win.dll", "bcryptprimitives.dll", "user32.dll", "win32u.dll", "gdi32.dll", "gdi32full.dll",
    "shcore.dll", "kernel.appcore.dll", "clbcatq.dll", "bcrypt.dll", "cryptbase.dll", "crypt32.dll", "msasn1.dll",
    "ole32.dll", "shlwapi.dll", "ws2_32.dll", "nsi.dll", "IPHLPAPI.DLL", "dnsapi.dll", "mswsock.dll",
    "userenv.dll", "profapi.dll", "powrprof.dll", "umpdc.dll", "setupapi.dll", "cfgmgr32.dll", "devobj.dll",
    "wintrust.dll", "wevtapi.dll", "xmllite.dll", "version.dll", "netapi32.dll", "netutils.dll", "samcli.dll",
    "wkscli.dll", "srvcli.dll", "ncrypt.dll", "ntasn1.dll", "rsaenh.dll", "cryptsp.dll", "sspicli.dll",
    "secur32.dll", "shell32.dll", "windows.storage.dll", "wldp.dll", "propsys.dll", "esent.dll", "es.dll",
    "fltlib.dll", "cabinet.dll", "wtsapi32.dll", "winsta.dll", "ntmarta.dll", "authz.dll", "msi.dll", "cldapi.dll",
    "taskschd.dll", "mi.dll", "wmiclnt.dll", "fwbase.dll", "gpapi.dll", "dsrole.dll", "logoncli.dll",
];

/// All images that are in use.
#[derive(Debug)]
pub(crate) struct Images {
    random: Random,
    is_64_bit: bool,
    /// Version of images outside of components.
    usual_version: String,
    known: HashMap<String, usize>,
    images: Vec<Image>,
    next_library: u64,
    next_driver: u64,
}

impl Images {
    pub(crate) fn new(seed: u64, is_64_bit: bool, usual_version: String) -> Self {
        let mut random = Random::new(mix(&[seed, 0x1A6E]));
        let slide = random.below(0x800) << 16;
        let (library, driver) = if is_64_bit {
            (0x7FF8_0000_0000 + (slide << 4), 0xFFFF_F800_0000_0000 + (slide << 6))
        } else {
            (0x6800_0000 + (slide & 0xFF_0000), 0x8100_0000 + (slide & 0xFF_0000))
        };
        Self {
            random,
            is_64_bit,
            usual_version,
            known: HashMap::new(),
            images: Vec::new(),
            next_library: library,
            next_driver: driver,
        }
    }

    pub(crate) fn get(&self, number: usize) -> &Image {
        &self.images[number]
    }

    /// The number of the image at `path`. A new image gets an address range.
    pub(crate) fn number(&mut self, path: &str) -> usize {
        if let Some(&number) = self.known.get(path) {
            return number;
        }
        let name = path.rsplit('\\').next().unwrap_or(path);
        let size = self.size(name);
        let base = self.allocate(name, path, size);
        let number = self.images.len();
        self.images.push(Image {
            path: path.to_owned(),
            base,
            size,
            version: version(path, &self.usual_version),
            company: "Microsoft Corporation",
            description: description(name),
            timestamp: mix_text(path) as u32,
        });
        self.known.insert(path.to_owned(), number);
        number
    }

    fn size(&mut self, name: &str) -> u32 {
        let pages = match name {
            "ntoskrnl.exe" => 0x1046,
            "ntdll.dll" => 0x1F8,
            "KernelBase.dll" => 0x2CE,
            "kernel32.dll" => 0xBD,
            "Ntfs.sys" => 0x2D9,
            "FLTMGR.SYS" => 0x73,
            "wcp.dll" => 0x2F4,
            "CbsCore.dll" => 0x1D2,
            _ => self.random.between(0x0C, 0x180),
        };
        (pages as u32) << 12
    }

    /// A base address. Libraries and drivers follow one another with gaps; programs have a range of
    /// addresses to themselves.
    fn allocate(&mut self, name: &str, path: &str, size: u32) -> u64 {
        let is_driver = DRIVERS.contains(&name);
        if !is_driver && name.ends_with(".exe") {
            // Programs may overlap, because one process never maps two of them.
            let page = self.random.below(0xC0) << 16;
            return if self.is_64_bit { 0x7FF6_0000_0000 + (page << 8) } else { 0x0040_0000 + page };
        }
        let gap = self.random.between(1, 8) << 16;
        let next = if is_driver { &mut self.next_driver } else { &mut self.next_library };
        let base = *next;
        debug_assert!(self.is_64_bit || base < 1 << 32, "{path} does not fit into 32 bits");
        *next = (base + u64::from(size)).next_multiple_of(0x1_0000) + gap;
        base
    }
}

/// The version in the resource of an image. The path of a component contains its version.
fn version(path: &str, usual: &str) -> String {
    let of_component = path.split('_').find(|part| part.starts_with("10.0."));
    format!("{} (WinBuild.160101.0800)", of_component.unwrap_or(usual))
}

fn description(name: &str) -> String {
    match name {
        "ntoskrnl.exe" => "NT Kernel & System".to_owned(),
        "ntdll.dll" => "NT Layer DLL".to_owned(),
        "KernelBase.dll" => "Windows NT BASE API Client DLL".to_owned(),
        "FLTMGR.SYS" => "Microsoft Filesystem Filter Manager".to_owned(),
        "Ntfs.sys" => "NT File System Driver".to_owned(),
        "wcp.dll" => "Windows Componentization Platform Servicing API".to_owned(),
        "TiWorker.exe" => "Windows Modules Installer Worker".to_owned(),
        "TrustedInstaller.exe" => "Windows Modules Installer".to_owned(),
        "poqexec.exe" => "Primitive Operations Queue Executor".to_owned(),
        "svchost.exe" => "Host Process for Windows Services".to_owned(),
        _ => name.split('.').next().unwrap_or(name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_do_not_overlap_and_fit_their_addresses() {
        for is_64_bit in [true, false] {
            let mut images = Images::new(1, is_64_bit, "10.0.19041.4355".to_owned());
            let numbers: Vec<usize> =
                DRIVERS.iter().chain(LIBRARIES).map(|name| images.number(name)).collect();
            let mut spans: Vec<(u64, u64)> = numbers
                .iter()
                .map(|&number| images.get(number))
                .map(|image| (image.base, image.base + u64::from(image.size)))
                .collect();
            spans.sort_unstable();
            assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0));
            assert!(is_64_bit || spans.iter().all(|span| span.1 < 0xFFFF_FFFF));
            assert_eq!(images.number(DRIVERS[0]), 0, "the same image, not another one");
        }
    }
}
