//! Paths of a Windows installation, drawn at random from a fixed set.

use super::machine::MachineProfile;
use super::options::Repetition;
use crate::random::{Random, mix, mix_text};

/// The Windows folder.
pub(crate) const WINDOWS: &str = r"C:\Windows";
/// System files.
pub(crate) const SYSTEM32: &str = r"C:\Windows\System32";
/// The component store.
pub(crate) const WINSXS: &str = r"C:\Windows\WinSxS";
/// The servicing log.
pub(crate) const CBS_LOG: &str = r"C:\Windows\Logs\CBS\CBS.log";
/// Key of component based servicing.
pub(crate) const CBS_KEY: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing";

#[rustfmt::skip]
const AREAS: &[&str] = &[
    "shell", "networking", "directshow", "media", "printing", "security", "update", "com", "wmi", "powershell",
    "hyperv", "tpm", "bitlocker", "eventlog", "taskscheduler", "audio", "bluetooth", "usb", "storage", "ntfs",
    "registry", "rpc", "ie-htmlrendering", "mfplat", "dns-client", "dhcp-client", "winlogon", "lsa", "kerberos",
    "crypto", "appx", "store", "search", "fonts", "ime-chs", "speech", "wlan", "wwan", "vpn", "smb", "remotedesktop",
    "d..etrust-wintrust", "b..ironment-windows", "w..ationservice", "servicingstack", "setup", "errorreporting",
];
#[rustfmt::skip]
const PARTS: &[&str] = &[
    "core", "client", "server", "api", "service", "provider", "runtime", "engine", "broker", "host", "ui", "common",
    "driver", "plugin", "extension", "legacy", "onecore", "manager", "policy", "proxy", "events", "task", "store",
    "other", "base",
];
const FILES: &[&str] =
    &[".dll", ".exe", "svc.dll", "api.dll", ".dll.mui", "ui.dll", ".mof", "prov.dll", ".sys", "ps.dll"];
#[rustfmt::skip]
const SERVICES: &[&str] = &[
    "BFE", "BITS", "CryptSvc", "DcomLaunch", "Dhcp", "Dnscache", "DPS", "EventLog", "EventSystem", "gpsvc",
    "LanmanServer", "LanmanWorkstation", "LSM", "mpssvc", "NlaSvc", "nsi", "PlugPlay", "Power", "ProfSvc", "RpcSs",
    "SamSs", "Schedule", "SENS", "Spooler", "SysMain", "TermService", "Themes", "TrustedInstaller", "UsoSvc",
    "W32Time", "WinDefend", "Winmgmt", "WlanSvc", "wuauserv", "Tcpip", "disk", "FltMgr", "Ntfs", "volsnap", "stornvme",
];
const POLICIES: &[&str] = &[
    r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate",
    r"HKLM\SOFTWARE\Policies\Microsoft\Windows\System",
    r"HKLM\SOFTWARE\Policies\Microsoft\Windows\Safer\CodeIdentifiers",
    r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender",
    r"HKLM\SOFTWARE\Policies\Microsoft\Cryptography\Configuration",
    r"HKLM\System\CurrentControlSet\Control\Session Manager\Segment Heap",
    r"HKLM\System\CurrentControlSet\Control\SafeBoot\Option",
    r"HKLM\System\CurrentControlSet\Control\Srp\GP\DLL",
    r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Image File Execution Options\svchost.exe",
    r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Image File Execution Options\TiWorker.exe",
    r"HKLM\SOFTWARE\Microsoft\Rpc\Extensions",
    r"HKLM\System\CurrentControlSet\Control\Nls\Sorting\Ids",
];
/// Value names that programs ask for.
#[rustfmt::skip]
pub(crate) const VALUES: &[&str] = &[
    "Start", "Type", "ImagePath", "ObjectName", "DisplayName", "ServiceDll", "ErrorControl", "Group", "DependOnService",
    "RequiredPrivileges", "ServiceSidType", "DelayedAutostart", "Description", "FailureActions", "LaunchProtected",
];
const USER_FILES: &[&str] = &[
    r"C:\Users\张伟\AppData\Local\Microsoft\Windows\UsrClass.dat",
    r"C:\Users\张伟\Desktop\季度报告.docx",
    r"C:\Users\张伟\Documents\WeChat Files\聊天记录备份\数据库.db",
    r"C:\Users\李娜\NTUSER.DAT",
    r"C:\Users\李娜\Downloads\系统更新说明.pdf",
    r"C:\Users\Public\Desktop\企业微信.lnk",
    r"C:\Program Files\金山软件\WPS Office\更新日志.txt",
    r"C:\ProgramData\腾讯\QQ电脑管家\配置.ini",
    r"D:\共享文件\测试数据\样本一.xlsx",
];

/// A component and one of its files.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    /// Directory name of the component in the store.
    pub(crate) component: String,
    /// The same component before the update.
    pub(crate) older: String,
    /// File name.
    pub(crate) file: String,
}

impl Payload {
    /// Path of the file in the store.
    pub(crate) fn path(&self) -> String {
        format!(r"{WINSXS}\{}\{}", self.component, self.file)
    }

    /// Path of the file in the store before the update.
    pub(crate) fn older_path(&self) -> String {
        format!(r"{WINSXS}\{}\{}", self.older, self.file)
    }

    /// Path at which programs find the file.
    pub(crate) fn installed_path(&self) -> String {
        let folder = if self.file.ends_with(".sys") {
            r"System32\drivers"
        } else if self.component.starts_with("wow64") {
            "SysWOW64"
        } else if self.file.ends_with(".mui") {
            r"System32\zh-CN"
        } else {
            "System32"
        };
        format!(r"{WINDOWS}\{folder}\{}", self.file)
    }
}

/// Draws paths. A few of them are drawn much more often than the others.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    is_64_bit: bool,
    /// Number of different paths of each kind.
    variety: u64,
    repetition: Repetition,
    machine: MachineProfile,
}

impl Paths {
    /// Paths for a log of about `events` events, which bounds the number of different paths.
    pub(crate) fn new(is_64_bit: bool, events: u64, machine: &MachineProfile) -> Self {
        let variety = (events / 40).clamp(64, 40_000);
        Self { is_64_bit, variety, repetition: Repetition::Usual, machine: machine.clone() }
    }

    /// The same paths, which repeat this often.
    pub(crate) fn repeating(self, repetition: Repetition) -> Self {
        let variety = match repetition {
            Repetition::Usual => self.variety,
            Repetition::Real => (self.variety / 10).max(64),
        };
        Self { variety, repetition, ..self }
    }

    /// How often they repeat.
    pub(crate) fn repetition(&self) -> Repetition {
        self.repetition
    }

    fn rank(&self, random: &mut Random) -> u64 {
        let first = random.below(self.variety);
        random.below(first + 1)
    }

    /// Directory name of a component of the store.
    pub(crate) fn component(&self, name: &str, architecture: &str, build: u32) -> String {
        let hash = mix(&[mix_text(name), mix_text(architecture), u64::from(build)]);
        let name = format!("{architecture}_microsoft-windows-{name}_31bf3856ad364e35");
        format!("{name}_10.0.{}.{build}_none_{hash:016x}", self.machine.build)
    }

    /// The machine whose paths these are.
    pub(crate) fn machine(&self) -> &MachineProfile {
        &self.machine
    }

    /// The revision that the update installs.
    pub(crate) fn newer(&self) -> u32 {
        self.machine.revision
    }

    /// The revision before the update.
    pub(crate) fn older(&self) -> u32 {
        self.machine.older
    }

    /// Name of a package: number 0 is the cumulative update, the others are inside it.
    pub(crate) fn package(&self, number: u64) -> String {
        let MachineProfile { build, revision, .. } = self.machine;
        let update = format!("31bf3856ad364e35~{}~~{build}.{revision}.1.14", self.architecture());
        match number {
            0 => format!("Package_for_RollupFix~{update}"),
            _ => format!("Package_{number}_for_KB5046613~{update}"),
        }
    }

    /// The architecture of most components.
    pub(crate) fn architecture(&self) -> &'static str {
        if self.is_64_bit { "amd64" } else { "x86" }
    }

    /// A file of a component.
    pub(crate) fn payload(&self, random: &mut Random) -> Payload {
        let rank = self.rank(random);
        let hash = mix(&[rank, 1]);
        let area = AREAS[(rank % AREAS.len() as u64) as usize];
        let part = PARTS[(rank / AREAS.len() as u64 % PARTS.len() as u64) as usize];
        let tail = FILES[(hash % FILES.len() as u64) as usize];
        let architecture = if self.is_64_bit && hash >> 8 & 7 == 0 { "wow64" } else { self.architecture() };
        let stem: String = area.chars().filter(char::is_ascii_alphanumeric).take(7).collect();
        let group = rank / (AREAS.len() * PARTS.len()) as u64;
        let name = if group == 0 { format!("{area}-{part}") } else { format!("{area}-{part}{group}") };
        Payload {
            component: self.component(&name, architecture, self.newer() - (hash >> 16 & 3) as u32 * 13),
            older: self.component(&name, architecture, self.machine.older),
            file: format!("{stem}{}{tail}", &part[..part.len().min(4)]),
        }
    }

    /// A file in the system folder.
    pub(crate) fn system_file(&self, random: &mut Random) -> String {
        self.payload(random).installed_path()
    }

    /// A file of a user or of a program of another vendor; some names are Chinese.
    pub(crate) fn user_file(&self, random: &mut Random) -> String {
        let path = random.pick(USER_FILES).to_string();
        match self.machine.users.as_slice() {
            [first, second, ..] => path.replace("张伟", first).replace("李娜", second),
            _ => path,
        }
    }

    /// A key that usually exists.
    pub(crate) fn key(&self, random: &mut Random) -> String {
        match random.below(8) {
            0..=2 => self.service_key(random),
            3 | 4 => format!(r"HKCR\CLSID\{}\InprocServer32", guid(self.rank(random))),
            5 => format!(r"HKLM\SOFTWARE\Microsoft\WindowsRuntime\ActivatableClassId\{}", random.pick(AREAS)),
            6 => format!(r"HKLM\System\CurrentControlSet\Enum\ROOT\SYSTEM\{:04}", self.rank(random) % 40),
            _ => {
                let (area, part) = (random.pick(AREAS), random.pick(PARTS));
                format!(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\{area}\{part}")
            }
        }
    }

    pub(crate) fn service_key(&self, random: &mut Random) -> String {
        format!(r"HKLM\System\CurrentControlSet\Services\{}", random.pick(SERVICES))
    }

    /// A key that usually does not exist.
    pub(crate) fn policy_key(&self, random: &mut Random) -> String {
        random.pick(POLICIES).to_string()
    }

    /// The key of a component in the hive of the component store.
    pub(crate) fn component_key(&self, random: &mut Random) -> String {
        let payload = self.payload(random);
        format!(r"HKLM\COMPONENTS\DerivedData\Components\{}", payload.component)
    }

    /// A certificate catalogue.
    pub(crate) fn catalog(&self, random: &mut Random) -> String {
        let number = self.rank(random);
        let part = |n: u64| mix(&[number, n]);
        format!(r"{WINSXS}\Catalogs\{:016x}{:016x}{:016x}{:016x}.cat", part(1), part(2), part(3), part(4))
    }

    /// A file below a directory of the driver store.
    pub(crate) fn driver_package(&self, random: &mut Random) -> String {
        let number = self.rank(random);
        let area = AREAS[(number % 16) as usize];
        let (architecture, hash) = (self.architecture(), mix(&[number, 5]));
        format!(r"{SYSTEM32}\DriverStore\FileRepository\{area}.inf_{architecture}_{hash:016x}\{area}.inf")
    }
}

/// A class identifier.
pub(crate) fn guid(number: u64) -> String {
    let (a, b) = (mix(&[number, 2]), mix(&[number, 3]));
    format!(
        "{{{:08X}-{:04X}-4{:03X}-A{:03X}-{:012X}}}",
        a >> 32,
        a >> 16 & 0xFFFF,
        a & 0xFFF,
        b >> 52,
        b & 0xFFFF_FFFF_FFFF
    )
}
