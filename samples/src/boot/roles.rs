//! The programs that run during a boot, as data: when each runs, and what it does.

use super::activity::Activity::{self, *};
use super::progress::Ppm;

/// A program that runs during the boot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Role<'a> {
    /// File name of the program; `#` and a suffix follow where several roles have one program.
    /// Scripts refer to roles by this name.
    pub(crate) name: &'a str,
    /// Folder below the Windows folder, or a full path.
    pub(crate) folder: &'a str,
    /// What follows the path on the command line.
    pub(crate) arguments: &'a str,
    /// Name of the role of the parent.
    pub(crate) parent: &'a str,
    pub(crate) user: &'a str,
    pub(crate) session: u32,
    pub(crate) starts: Ppm,
    /// When it ends, if that is before the shutdown.
    pub(crate) ends: Option<Ppm>,
    /// Its share of the background activity, relative to the other running processes.
    pub(crate) share: u32,
    pub(crate) threads: u64,
    /// Libraries in the folder of the program.
    pub(crate) modules: &'static [&'static str],
    /// Most common libraries that it loads; native programs load none.
    pub(crate) libraries: u64,
    /// Background activities with their weights.
    pub(crate) activities: &'static [(Activity, u32)],
    /// Least number of events of a log in which this role runs.
    pub(crate) from_events: u64,
    /// Number of its processes that run one after the other in long logs.
    pub(crate) copies: u32,
}

/// The part of a role that its process keeps.
#[derive(Clone, Debug)]
pub(crate) struct RoleProfile {
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) session: u32,
    pub(crate) share: u32,
    pub(crate) threads: u64,
    pub(crate) libraries: u64,
    pub(crate) activities: &'static [(Activity, u32)],
}

impl RoleProfile {
    pub(crate) fn new(role: &Role<'_>) -> Self {
        let &Role { name, user, session, share, threads, libraries, activities, .. } = role;
        Self { name: name.to_owned(), user: user.to_owned(), session, share, threads, libraries, activities }
    }
}

const NATIVE: Role<'static> = Role {
    name: "",
    folder: "System32",
    arguments: "",
    parent: "smss.exe",
    user: r"NT AUTHORITY\SYSTEM",
    session: 0,
    starts: 0,
    ends: None,
    share: 1,
    threads: 2,
    modules: &[],
    libraries: 0,
    activities: SERVICE_ACTIVITIES,
    from_events: 0,
    copies: 1,
};
const SERVICE: Role<'static> =
    Role { parent: "services.exe", starts: 300_000, share: 3, threads: 6, libraries: 36, ..NATIVE };
const SVCHOST: Role<'static> = Role { modules: &["umpdc.dll"], ..SERVICE };
const HELPER: Role<'static> = Role {
    parent: "TiWorker.exe",
    share: 4,
    libraries: 18,
    from_events: 100_000,
    copies: 8,
    threads: 2,
    ..SERVICE
};

#[rustfmt::skip]
const SERVICE_ACTIVITIES: &[(Activity, u32)] = &[
    (RegistryRead, 30), (RegistryProbe, 24), (RegistryEnumerate, 9), (RegistryWrite, 2), (FileProbe, 9), (FileRead, 7),
    (FileInformation, 9), (DirectoryList, 3), (LoadLibrary, 3), (FileWrite, 2), (Threads, 3), (Pipe, 1), (Volume, 1),
];
#[rustfmt::skip]
const SYSTEM_ACTIVITIES: &[(Activity, u32)] =
    &[(Paging, 30), (HiveFlush, 14), (DriverLoad, 4), (TransactionLog, 6), (RegistryRead, 14), (Volume, 2)];
#[rustfmt::skip]
const WORKER_ACTIVITIES: &[(Activity, u32)] = &[
    (StageComponent, 24), (ComponentRegistry, 40), (Manifest, 12), (PackageRegistry, 14), (LogWrite, 5), (RegistryRead, 8),
    (RegistryProbe, 6), (FileInformation, 5), (DirectoryList, 3), (DriverPackage, 4), (LoadLibrary, 2), (Threads, 2),
];
#[rustfmt::skip]
const INSTALLER_ACTIVITIES: &[(Activity, u32)] =
    &[(PackageRegistry, 22), (LogWrite, 3), (RegistryRead, 10), (FileInformation, 4), (LoadLibrary, 1)];
#[rustfmt::skip]
const QUEUE_ACTIVITIES: &[(Activity, u32)] = &[(LinkComponent, 70), (QueueRegistry, 20), (MoveRename, 6)];
#[rustfmt::skip]
const SCANNER_ACTIVITIES: &[(Activity, u32)] = &[
    (Scan, 40), (FileInformation, 10), (RegistryRead, 10), (RegistryProbe, 6), (UserFile, 8), (LoadLibrary, 2),
    (Threads, 3), (FileWrite, 3),
];
#[rustfmt::skip]
const EARLY_ACTIVITIES: &[(Activity, u32)] =
    &[(RegistryRead, 30), (RegistryProbe, 12), (FileProbe, 6), (DirectoryList, 4), (RegistryEnumerate, 6), (FileInformation, 6)];

/// All roles, parents before their children.
#[rustfmt::skip]
pub(crate) const ROLES: &[Role<'static>] = &[
    Role {
        name: "System", parent: "", folder: "", share: 16, threads: 12, activities: SYSTEM_ACTIVITIES, ..NATIVE
    },
    Role { name: "Registry", parent: "System", folder: "", starts: 6_000, share: 2, activities: &[(HiveFlush, 1)], from_events: 20_000, ..NATIVE },
    Role { name: "smss.exe", parent: "System", starts: 30_000, share: 4, activities: EARLY_ACTIVITIES, ..NATIVE },
    Role {
        name: "autochk.exe", arguments: " *", starts: 45_000, ends: Some(60_000), share: 6,
        activities: &[(Volume, 3), (RegistryRead, 4), (FileInformation, 1)], from_events: 20_000, ..NATIVE
    },
    Role {
        name: "poqexec.exe", arguments: r" /display_progress \SystemRoot\WinSxS\pending.xml",
        starts: 65_000, ends: Some(240_000), share: 90, threads: 1, activities: QUEUE_ACTIVITIES, ..NATIVE
    },
    Role {
        name: "csrss.exe",
        arguments: r" ObjectDirectory=\Windows SharedSection=1024,20480,768 Windows=On SubSystemType=Windows",
        starts: 245_000, share: 2, modules: &["csrsrv.dll", "basesrv.dll", "winsrv.dll", "sxssrv.dll"],
        activities: EARLY_ACTIVITIES, ..NATIVE
    },
    Role { name: "wininit.exe", starts: 250_000, share: 3, libraries: 14, activities: EARLY_ACTIVITIES, ..NATIVE },
    Role {
        name: "csrss.exe#1",
        arguments: r" ObjectDirectory=\Windows SharedSection=1024,20480,768 Windows=On SubSystemType=Windows",
        session: 1, starts: 255_000, modules: &["csrsrv.dll", "basesrv.dll", "winsrv.dll"], activities: EARLY_ACTIVITIES,
        from_events: 20_000, ..NATIVE
    },
    Role {
        name: "winlogon.exe", session: 1, starts: 258_000, share: 3, libraries: 24, activities: EARLY_ACTIVITIES,
        from_events: 20_000, ..NATIVE
    },
    Role { name: "services.exe", parent: "wininit.exe", starts: 265_000, share: 8, libraries: 18, threads: 8, ..SERVICE },
    Role {
        name: "lsass.exe", parent: "wininit.exe", starts: 268_000, share: 5, threads: 8,
        modules: &["lsasrv.dll", "samsrv.dll", "kerberos.dll", "schannel.dll"], ..SERVICE
    },
    Role { name: "svchost.exe#DcomLaunch", arguments: " -k DcomLaunch -p", starts: 278_000, share: 6, ..SVCHOST },
    Role {
        name: "svchost.exe#RPCSS", arguments: " -k RPCSS -p", user: r"NT AUTHORITY\NETWORK SERVICE", starts: 282_000,
        from_events: 20_000, ..SVCHOST
    },
    Role {
        name: "fontdrvhost.exe", parent: "wininit.exe", user: r"Font Driver Host\UMFD-0", starts: 285_000, share: 1,
        libraries: 10, from_events: 20_000, ..SERVICE
    },
    Role {
        name: "LogonUI.exe", parent: "winlogon.exe", arguments: " /flags:0x2 /state0:0xa3b92855 /state1:0x41c64e6d",
        session: 1, starts: 290_000, share: 4, libraries: 50, from_events: 20_000, ..SERVICE
    },
    Role {
        name: "dwm.exe", parent: "winlogon.exe", user: r"Window Manager\DWM-1", session: 1, starts: 292_000, share: 2,
        libraries: 40, from_events: 20_000, ..SERVICE
    },
    Role { name: "svchost.exe#Schedule", arguments: " -k netsvcs -p -s Schedule", starts: 296_000, share: 5, ..SVCHOST },
    Role {
        name: "svchost.exe#EventLog", arguments: " -k LocalServiceNetworkRestricted -p -s EventLog",
        user: r"NT AUTHORITY\LOCAL SERVICE", starts: 300_000, from_events: 20_000, ..SVCHOST
    },
    Role {
        name: "svchost.exe#ProfSvc", arguments: " -k netsvcs -p -s ProfSvc", starts: 302_000,
        activities: &[(RegistryRead, 20), (UserFile, 8), (RegistryProbe, 10), (DirectoryList, 3), (FileInformation, 4)],
        from_events: 20_000, ..SVCHOST
    },
    Role { name: "svchost.exe#DeviceInstall", arguments: " -k DcomLaunch -p -s DeviceInstall", starts: 304_000, from_events: 20_000, ..SVCHOST },
    Role {
        name: "svchost.exe#Dnscache", arguments: " -k NetworkService -p -s Dnscache",
        user: r"NT AUTHORITY\NETWORK SERVICE", starts: 306_000, from_events: 50_000, ..SVCHOST
    },
    Role { name: "svchost.exe#gpsvc", arguments: " -k netsvcs -p -s gpsvc", starts: 308_000, share: 5, from_events: 20_000, ..SVCHOST },
    Role { name: "svchost.exe#Winmgmt", arguments: " -k netsvcs -p -s Winmgmt", starts: 312_000, share: 5, from_events: 20_000, ..SVCHOST },
    Role { name: "svchost.exe#wuauserv", arguments: " -k netsvcs -p -s wuauserv", starts: 330_000, share: 6, ..SVCHOST },
    Role {
        name: "MsMpEng.exe",
        folder: r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.24090.11-0",
        starts: 315_000, share: 22, threads: 16, modules: &["mpclient.dll", "mpsvc.dll", "mpengine.dll"],
        activities: SCANNER_ACTIVITIES, ..SERVICE
    },
    Role {
        name: "TrustedInstaller.exe", folder: "servicing", starts: 335_000, ends: Some(965_000), share: 10, threads: 4,
        modules: &["CbsMsg.dll"], libraries: 20, activities: INSTALLER_ACTIVITIES, ..SERVICE
    },
    Role {
        name: "TiWorker.exe", folder: "{servicing stack}", arguments: " -Embedding", parent: "svchost.exe#DcomLaunch",
        starts: 345_000, ends: Some(955_000), share: 110, threads: 12,
        modules: &["CbsCore.dll", "wcp.dll", "drvstore.dll", "dpx.dll", "cmiaisupport.dll", "msdelta.dll", "wdscore.dll"],
        libraries: 30, activities: WORKER_ACTIVITIES, ..SERVICE
    },
    Role { name: "spoolsv.exe", starts: 350_000, from_events: 20_000, ..SERVICE },
    Role {
        name: "SearchIndexer.exe", arguments: " /Embedding", starts: 370_000, share: 5, from_events: 50_000,
        activities: &[(UserFile, 12), (RegistryRead, 10), (FileInformation, 10), (DirectoryList, 6), (FileWrite, 4)], ..SERVICE
    },
    Role {
        name: "WmiPrvSE.exe", folder: r"System32\wbem", parent: "svchost.exe#DcomLaunch", starts: 400_000,
        user: r"NT AUTHORITY\NETWORK SERVICE", from_events: 50_000, ..SERVICE
    },
    Role {
        name: "drvinst.exe", parent: "svchost.exe#DeviceInstall", arguments: r#" "4" "1" "C:\Windows\INF\oem3.inf" "0""#,
        starts: 360_000, ends: Some(368_000), activities: &[(DriverPackage, 20), (RegistryWrite, 6), (RegistryRead, 10)], ..HELPER
    },
    Role {
        name: "mofcomp.exe", folder: r"System32\wbem", arguments: r" C:\Windows\System32\wbem\wmi.mof",
        starts: 440_000, ends: Some(446_000), ..HELPER
    },
    Role { name: "wevtutil.exe", arguments: " um wuau.man", starts: 450_000, ends: Some(455_000), ..HELPER },
    Role { name: "lodctr.exe", arguments: " /R", starts: 460_000, ends: Some(465_000), ..HELPER },
    Role {
        name: "conhost.exe", arguments: " 0xffffffff -ForceV1", starts: 441_000, ends: Some(445_000), share: 1, ..HELPER
    },
];

/// Distance between the starts of two processes of one role.
pub(crate) const COPY_DISTANCE: Ppm = 60_000;
