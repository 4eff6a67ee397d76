//! Names of components and packages, taken apart.

use crate::canonical::name_key;
use pml_parser::WinStr;
use serde::Serialize;

/// The folder of a component in the component store, taken apart:
/// `<arch>_<name>_<token>_<version>_<culture>_<hash>`, read from the right, since names may hold
/// underscores and be shortened by two dots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Component {
    /// The folder as it is written.
    pub directory: String,
    /// Processor: `amd64`, `wow64`, `x86`, `msil`, `arm64`, …
    pub arch: String,
    /// Name, perhaps shortened in the middle.
    pub name: String,
    /// Token of the public key, or `none`.
    pub token: String,
    /// Version, four numbers.
    pub version: String,
    /// Culture, or `none`.
    pub culture: String,
    /// Hash of the identity.
    pub hash: String,
    /// Folder of a differential below it: `f` forward, `r` reverse, `n` null.
    pub delta: Option<String>,
    /// What follows: the file, with the folders above it.
    pub file: Option<String>,
    /// Third number of the version: the build of the base.
    pub build: u32,
    /// Fourth number of the version.
    pub revision: u32,
}

const ARCHITECTURES: [&str; 7] = ["amd64", "x86", "wow64", "msil", "arm64", "arm", "ia64"];

fn is_hex16(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Four numbers with dots between.
fn version(text: &str) -> Option<[u32; 4]> {
    let mut numbers = text.split('.').map(|number| {
        let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| number.parse().ok()).flatten()
    });
    let four = [numbers.next()??, numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(four)
}

/// Folder, arch, name, token, version, culture, hash.
fn parts(folder: &str) -> Option<[&str; 6]> {
    // Split from the right: the name may hold underscores.
    let (rest, hash) = folder.rsplit_once('_')?;
    let (rest, culture) = rest.rsplit_once('_')?;
    let (rest, number) = rest.rsplit_once('_')?;
    let (rest, token) = rest.rsplit_once('_')?;
    let (arch, name) = rest.split_once('_')?;
    let known = ARCHITECTURES.iter().any(|known| arch.eq_ignore_ascii_case(known));
    let culture_fits =
        !culture.is_empty() && culture.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    let fits = known
        && !name.is_empty()
        && (is_hex16(token) || token.eq_ignore_ascii_case("none"))
        && version(number).is_some()
        && culture_fits
        && is_hex16(hash);
    fits.then_some([arch, name, token, number, culture, hash])
}

impl Component {
    /// Takes apart the name of a folder.
    pub fn parse(folder: &str) -> Option<Self> {
        let [arch, name, token, number, culture, hash] = parts(folder)?;
        let [_, _, build, revision] = version(number)?;
        Some(Self {
            directory: folder.to_owned(),
            arch: arch.to_owned(),
            name: name.to_owned(),
            token: token.to_owned(),
            version: number.to_owned(),
            culture: culture.to_owned(),
            hash: hash.to_owned(),
            delta: None,
            file: None,
            build,
            revision,
        })
    }

    /// Finds a component in a path of the component store: below its folder, or its manifest.
    /// Some logs leave out the backslash between folder and file.
    pub fn in_path(path: &str) -> Option<Self> {
        let lower = path.to_ascii_lowercase();
        let at = lower.find(r"\winsxs\")? + r"\winsxs\".len();
        let below = path.get(at..)?;
        let below = match below.get(..10) {
            Some(start) if start.eq_ignore_ascii_case(r"manifests\") => below.get(10..)?,
            _ => below,
        };
        let (folder, file) = below.split_once('\\').unwrap_or((below, ""));
        let (mut component, glued) = match Self::parse(folder) {
            Some(component) => (component, ""),
            None => {
                // `…_5d3DWrite.dll`, `….manifest`: the hash is followed by something else.
                let end = folder.rfind('_')? + 17;
                (Self::parse(folder.get(..end)?)?, folder.get(end..)?)
            }
        };
        let file = if file.is_empty() { glued } else { file };
        let (delta, file) = match file.split_once('\\') {
            Some((delta @ ("f" | "r" | "n" | "F" | "R" | "N"), rest)) => (Some(delta.to_lowercase()), rest),
            _ => (None, file),
        };
        component.delta = delta;
        component.file = (!file.is_empty()).then(|| file.to_owned());
        Some(component)
    }
}

/// A key of what identifies a component but for its version, and the version as one number that sorts.
pub(crate) fn identity(folder: &str) -> Option<(u64, u128)> {
    let [arch, name, token, number, culture, _] = parts(folder)?;
    let packed = version(number)?.into_iter().fold(0u128, |all, part| all << 32 | u128::from(part));
    // Processor, name and token lie side by side.
    let named = folder.get(..arch.len() + name.len() + token.len() + 2)?;
    let key = |text: &str| name_key(WinStr::Latin1(text.as_bytes()));
    Some((key(named) ^ key(culture).rotate_left(32), packed))
}

/// A package, taken apart: `<name>~<token>~<arch>~<language>~<version>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Package {
    /// Name, such as `Package_for_RollupFix`.
    pub name: String,
    /// Version, four numbers.
    pub version: String,
    /// KB number in the name, such as `KB5032196`.
    pub kb: Option<String>,
    /// Build and revision, where the name is that of a cumulative update.
    pub build: Option<(u32, u32)>,
}

impl Package {
    /// Finds a package in a text.
    pub fn find(text: &str) -> Option<Self> {
        text.split(['\\', '/', ' ', '"', '\'', ',']).find_map(Self::parse)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('~');
        let (name, token, _, _, tail) =
            (fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        // The name of an update may follow the version.
        let number: String = tail.split('.').take(4).collect::<Vec<_>>().join(".");
        let [first, second, _, _] = version(&number)?;
        (is_hex16(token) && !name.is_empty() && fields.next().is_none()).then(|| Self {
            name: name.to_owned(),
            kb: kb(name),
            build: name.starts_with("Package_for_RollupFix").then_some((first, second)),
            version: number,
        })
    }
}

/// `KB` and six or seven digits on their own: the `CKB2022010401` of a vendor is none.
fn kb(text: &str) -> Option<String> {
    text.match_indices("KB").find_map(|(at, _)| {
        let before = text.get(..at)?.chars().next_back();
        let digits: String = text.get(at + 2..)?.chars().take_while(char::is_ascii_digit).collect();
        let alone = before.is_none_or(|c| !c.is_ascii_alphanumeric());
        (alone && (6..=7).contains(&digits.len())).then(|| format!("KB{digits}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_from_the_right() {
        let component = Component::parse(
            "wow64_microsoft-windows-directshow-other_31bf3856ad364e35_10.0.19041.3636_none_8c3dc90fca6fc644",
        );
        let component = component.unwrap_or_else(|| panic!("a component"));
        assert_eq!((component.arch.as_str(), component.build, component.revision), ("wow64", 19041, 3636));
        assert_eq!(component.name, "microsoft-windows-directshow-other");
        let underscore =
            Component::parse("amd64_wvms_pp.inf_31bf3856ad364e35_6.2.9200.22376_none_bc457897943a83fe");
        assert_eq!(underscore.map(|c| c.name).as_deref(), Some("wvms_pp.inf"));
        let dots = "amd64_microsoft-windows-b..ironment-dvd-efisys_31bf3856ad364e35_10.0.17763.4974_none_aff3b818b4d7548d";
        assert_eq!(
            Component::parse(dots).map(|c| c.name).as_deref(),
            Some("microsoft-windows-b..ironment-dvd-efisys")
        );
        let others = [
            "x86_Microsoft.VC90.CRT_1fc8b3b9a1e18e3b_9.0.30729.1_x-ww_6f74963e",
            "Manifests",
            "Temp",
            "InstallTemp",
            "Fusion",
            "FileMaps",
            "Catalogs",
            "Backup",
            "ManifestCache",
            "",
            "_____",
        ];
        for other in others {
            assert_eq!(Component::parse(other), None, "{other}");
        }
    }

    #[test]
    fn paths_lead_to_components() {
        let folder = "amd64_a-b_31bf3856ad364e35_10.0.17763.2803_none_c2d208398729f542";
        let find = |path: &str| {
            Component::in_path(&path.replace("{}", folder)).map(|c| (c.directory, c.delta, c.file))
        };
        let found = |delta: Option<&str>, file: Option<&str>| {
            Some((folder.to_owned(), delta.map(str::to_owned), file.map(str::to_owned)))
        };
        assert_eq!(find(r"C:\Windows\WinSxS\{}\x.dll"), found(None, Some("x.dll")));
        assert_eq!(
            find(r"\Device\HarddiskVolume3\WINDOWS\winsxs\{}\r\de-DE\x.mui"),
            found(Some("r"), Some(r"de-DE\x.mui"))
        );
        assert_eq!(find(r"C:\Windows\WinSxS\{}"), found(None, None));
        assert_eq!(find(r"C:\Windows\WinSxS\{}x.dll"), found(None, Some("x.dll")));
        assert_eq!(find(r"C:\Windows\WinSxS\Manifests\{}.manifest"), found(None, Some(".manifest")));
        assert_eq!(find(r"C:\Windows\WinSxS\Temp\InFlight\x"), None);
        assert_eq!(find(r"C:\Windows\System32\x.dll"), None);
    }

    #[test]
    fn versions_sort_as_numbers() {
        let at = |v: &str| identity(&format!("x86_a_none_{v}_none_c2d208398729f542")).map(|i| i.1);
        assert!(at("10.0.17763.774") < at("10.0.17763.5122"));
        assert!(at("9.0.0.0") < at("10.0.0.0"));
    }

    #[test]
    fn packages() {
        let rollup = Package::find(
            r"HKLM\X\Packages\Package_for_RollupFix~31bf3856ad364e35~amd64~~17763.4499.1.5\CurrentState",
        );
        assert_eq!(rollup.as_ref().and_then(|p| p.build), Some((17763, 4499)));
        let kb = Package::find("Package_2_for_KB5032196~31bf3856ad364e35~amd64~~10.0.1.11");
        assert_eq!(kb.and_then(|p| p.kb).as_deref(), Some("KB5032196"));
        let named = Package::find("A~31bf3856ad364e35~amd64~ar-SA~10.0.20348.2652.BitLocker-NetworkUnlock");
        assert_eq!(named.map(|p| p.version).as_deref(), Some("10.0.20348.2652"));
        assert_eq!(Package::find("CKB2022010401"), None);
        assert_eq!(super::kb("CKB2022010"), None);
    }
}
