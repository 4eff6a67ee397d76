//! Random healthy boots with random failures that no rollback follows: whatever fails, with whatever status and on
//! whatever kind of path, no rollback is probable. What names no damage of a disk, of a file system or of transactions is
//! no sign of a rollback at all, and nothing is named as its cause.
//!
//! `SWEEP=2000 cargo test --release -p pml-analyzer --test sweep` tries 2,000 boots.

use pml_analyzer::{Knowledge, Language, Origin, Report, RollbackClass, TriageOptions, triage};
use pml_parser::{Log, LogSet, NoProgress};
use pml_samples::boot::{Amount, Options};
use pml_samples::scenario::Scenario;
use std::fmt::Write;
use std::path::Path;

/// Numbers that look random and are the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % most.max(1)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// One path or more of every kind that installers of updates touch.
const PATHS: [&str; 30] = [
    r"{winsxs}\{new-native:shell-service}\shsvcs.dll",
    r"{winsxs}\Manifests\{new-native:shell-service}.manifest",
    r"{winsxs}\Temp\PendingRenames\0001.cdf-ms",
    r"{pending}",
    r"C:\Windows\System32\config\COMPONENTS",
    r"C:\Windows\servicing\Packages\Package_for_KB5046613.mum",
    r"{system32}\DriverStore\FileRepository\usbstor.inf_amd64_0123456789abcdef\usbstor.inf",
    r"C:\Windows\INF\usbstor.inf",
    r"{system32}\drivers\usbstor.sys",
    r"{system32}\Tasks\Microsoft\Windows\PI\SecureBootEncodeUEFI",
    r"C:\Windows\SystemApps\Microsoft.Windows.Search_cw5n1h2txyewy\AppxManifest.xml",
    r"{system32}\wbem\mispace.mof",
    r"{system32}\winevt\Logs\Setup.evtx",
    r"{system32}\spool\drivers\x64\3\mxdwdrv.dll",
    r"{system32}\inetsrv\config\applicationHost.config",
    r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\mscorlib.dll",
    r"{system32}\spp\store\2.0\tokens.dat",
    r"{system32}\CatRoot2\edb.log.jrs",
    r"{system32}\perfh009.dat",
    r"C:\Windows\Fonts\arial.ttf",
    r"C:\Users\Default\NTUSER.DAT",
    r"C:\Windows\Temp\WCM1.tmp",
    r"\Device\HarddiskVolume1\EFI\Microsoft\Boot\bootmgfw.efi",
    r"\Device\HarddiskVolume1\Boot\BCD",
    r"HKLM\System\CurrentControlSet\Services\usbstor",
    r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree\Microsoft\Windows\PI",
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WINEVT\Publishers\{9c2a37f3-e5fd-5cae-bcd1-43dafeee1ff0}",
    r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-2-3-1001",
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Appx\AppxAllUserStore\EndOfLife",
    r"{cbs}\Packages\Package_for_KB5046613",
];
const FILE_OPERATIONS: [&str; 3] = ["CreateFile", "WriteFile", "ReadFile"];
const KEY_OPERATIONS: [&str; 3] = ["RegOpenKey", "RegQueryValue", "RegCreateKey"];
const PROCESSES: [&str; 6] = [
    "svchost.exe#Schedule",
    "svchost.exe#EventLog",
    "services.exe",
    "lsass.exe",
    "TiWorker.exe",
    "TrustedInstaller.exe",
];

/// Kinds of status that name damage, or a volume without room: those are worth a finding, wherever they come from.
const DAMAGE: [&str; 6] =
    ["disk", "ntfs", "full", "write-protected", "transaction-manager", "transaction-log"];

/// A status as scenarios write it, and whether it names damage.
struct Status {
    code: String,
    is_damage: bool,
}

/// Every status of the tables that says that something failed.
fn statuses() -> Vec<Status> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("knowledge");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let tables = [read("ntstatus.tsv"), read("ntstatus-names.tsv")];
    let rows = tables.iter().flat_map(|table| table.lines());
    // A warning says so only where the table gives it weight.
    let says_so =
        |row: &&str| row.starts_with("0xC") || (row.starts_with("0x8") && row.split('\t').count() == 5);
    let kind = |row: &str| row.rsplit('\t').next().unwrap_or_default().to_owned();
    let status =
        |row: &str| Status { code: row[..10].to_owned(), is_damage: DAMAGE.contains(&kind(row).as_str()) };
    rows.filter(says_so).map(status).collect()
}

/// A healthy boot in which Windows looks for updates, and things fail that nobody minds; and whether any of them names
/// damage.
fn boot(seed: u64, statuses: &[Status]) -> (String, bool) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut text = format!("id = \"W{seed}\"\ntitle = \"A random healthy boot\"\nbase = \"healthy\"\n\n");
    let early = random.below(2) == 0;
    let (from, to) = if early { (0.4, 0.7) } else { (0.88, 0.97) };
    for program in ["TrustedInstaller.exe", "TiWorker.exe"] {
        writeln!(text, "[change.\"{program}\"]\nabsent = false\nstarts = {from}\nends = {to}\n").unwrap();
    }
    // Of three boots, one has damage.
    let may_be_damage = random.below(3) == 0;
    let (damage, harmless): (Vec<&Status>, Vec<&Status>) =
        statuses.iter().partition(|status| status.is_damage);
    let mut has_damage = false;
    for _ in 0..12 {
        let (path, process) = (*random.one(&PATHS), *random.one(&PROCESSES));
        let of_key = path.starts_with("HKLM") || path.starts_with("{cbs}");
        let operation = *random.one(if of_key { &KEY_OPERATIONS } else { &FILE_OPERATIONS });
        let at = from + 0.01 + (to - from - 0.02) * random.below(1_000) as f64 / 1_000.0;
        let of = if may_be_damage && random.below(4) == 0 { &damage } else { &harmless };
        let status = *random.one(of);
        has_damage |= status.is_damage;
        let status = &status.code;
        let repeat = 1 + random.below(3);
        writeln!(
            text,
            "[[step]]\nat = {at}\nprocess = \"{process}\"\nactions = [\n  {{ op = \"{operation}\", path = '{path}', \
             result = \"{status}\", repeat = {repeat} }},"
        )
        .unwrap();
        if process.starts_with('T') && random.below(2) == 0 {
            let lines = 1 + random.below(6);
            writeln!(
                text,
                "  {{ op = \"WriteFile\", path = '{{cbs-log}}', length = 150, repeat = {lines}, every = 0.0002 }},"
            )
            .unwrap();
        }
        text.push_str("]\n\n");
    }
    // A mere scan gathers the files of a failure report, too; nothing has failed before.
    if random.below(3) == 0 {
        let at = from + 0.003;
        writeln!(
            text,
            "[[step]]\nat = {at}\nprocess = \"TiWorker.exe\"\nactions = [\n  {{ run = \"read\", path = '{{sessions}}', \
             length = 4096 }},\n  {{ run = \"list\", path = 'C:\\Windows\\Logs\\CBS', names = [\"CBS.log\"] }},\n  {{ run = \
             \"look\", path = 'C:\\Windows\\System32\\LogFiles' }},\n  {{ run = \"look\", path = 'C:\\Windows\\WinSxS' }},\n  \
             {{ run = \"read\", path = '{{system32}}\\LogFiles\\Scm\\SCM.EVM', length = 4096 }},\n]"
        )
        .unwrap();
    }
    (text, has_damage)
}

#[test]
fn healthy_boots_have_no_probable_rollback_and_no_cause() {
    let knowledge = Knowledge::embedded().unwrap();
    let statuses = statuses();
    assert!(statuses.len() > 1_500, "{}", statuses.len());
    let boots = std::env::var("SWEEP").ok().and_then(|number| number.parse().ok()).unwrap_or(150);
    let mut wrong = Vec::new();
    for seed in 1..=boots {
        let (text, has_damage) = boot(seed, &statuses);
        let scenario = Scenario::parse("sweep.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let options = Options { amount: Amount::Events(5_000), parts: 1, seed, ..scenario.options() };
        let parts = scenario.generate_in_memory(&options).unwrap().parts;
        let set = LogSet::new(parts.into_iter().map(|bytes| Log::parse(bytes).unwrap()).collect());
        let triage = triage(&set, &knowledge, TriageOptions::default(), &NoProgress).unwrap();
        let report = Report::new(&set, &triage, &knowledge, &Origin::default(), Language::En);
        let is_quiet = report.rollback.class == RollbackClass::None && report.findings.is_empty();
        let is_right = if has_damage { report.rollback.class < RollbackClass::Probable } else { is_quiet };
        if !is_right {
            let found = report
                .findings
                .iter()
                .map(|finding| format!("{} {} {}", finding.rule, finding.path, finding.status.status));
            let signals = report.rollback.signals.iter().map(|signal| signal.id.clone());
            wrong.push(format!(
                "{seed}: {:?} {} {:?} {:?}",
                report.rollback.class,
                report.rollback.confidence,
                found.collect::<Vec<_>>(),
                signals.collect::<Vec<_>>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {boots}:\n{}", wrong.len(), wrong.join("\n"));
}
