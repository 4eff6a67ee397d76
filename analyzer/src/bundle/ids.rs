//! Ids of the captures of a run: names that any file system takes, and that do not depend on the order of the inputs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Bytes that leave room for an ending, a number and the names of temporary files in what file systems allow.
const LONGEST: usize = 150;

/// The ids of captures with these names: `PC-1_Bootlog` for `PC-1/Bootlog.pml` in the folder that is the input, or that all
/// inputs lie in. Where two would have one id, each gets a number that its whole name gives.
pub fn capture_ids(names: &[&str], inputs: &[PathBuf]) -> Vec<String> {
    let base = base(inputs);
    let plain: Vec<String> = names.iter().map(|name| plain(below(name, &base))).collect();
    let mut uses: HashMap<String, usize> = HashMap::new();
    // Some file systems ignore case.
    plain.iter().for_each(|id| *uses.entry(id.to_lowercase()).or_default() += 1);
    let id = |(plain, name): (&String, &&str)| {
        let is_unique = uses.get(&plain.to_lowercase()) == Some(&1);
        let first = plain.len().saturating_sub(LONGEST);
        let cut = (first..plain.len()).find(|&at| plain.is_char_boundary(at)).unwrap_or(0);
        // The end of the name is kept, because it names the log.
        let kept = plain.get(cut..).unwrap_or_default().trim_start_matches(['_', '.', '-']);
        match is_unique && cut == 0 {
            true => plain.clone(),
            false => format!("{kept}-{:08x}", short_hash(name.as_bytes())),
        }
    };
    plain.iter().zip(names).map(id).collect()
}

/// A path with one kind of separator.
fn shown(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// The folder that is the only input, or else the innermost one that all inputs lie in.
fn base(inputs: &[PathBuf]) -> String {
    if let [only] = inputs
        && only.is_dir()
    {
        return shown(only);
    }
    let folders = inputs.iter().map(|input| {
        let path = shown(input);
        let path = path.trim_end_matches('/');
        path.rfind('/').map_or(String::new(), |end| path[..end].to_owned())
    });
    let common = folders.reduce(|a, b| {
        let same = a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b).map(|pair| pair.0);
        same.collect::<Vec<_>>().join("/")
    });
    common.unwrap_or_default()
}

/// The name within a folder.
fn below<'n>(name: &'n str, folder: &str) -> &'n str {
    // A replaced separator has as many bytes.
    let slashed = name.replace('\\', "/");
    let folder = folder.trim_end_matches('/');
    let is_inside = slashed.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let start = if is_inside { folder.len() + 1 } else { 0 };
    name.get(start..).filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// The name in characters that any file system takes, without the ending of a log.
fn plain(name: &str) -> String {
    let endings = [".pml", ".pmb"];
    let lower = name.to_ascii_lowercase();
    let ending = endings.into_iter().find(|ending| lower.ends_with(ending)).map_or(0, str::len);
    let name = name.get(..name.len() - ending).unwrap_or(name);
    let name = name.trim_start_matches(['.', '/', '\\']);
    let plain: String =
        name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    match plain.trim_start_matches(['.', '-']) {
        "" => "capture".to_owned(),
        plain => plain.to_owned(),
    }
}

/// A number that tells bytes apart (FNV-1a, 32 bits); no proof against forgery.
pub fn short_hash(bytes: &[u8]) -> u32 {
    let add = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    bytes.iter().copied().fold(0x811C_9DC5, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_and_do_not_depend_on_the_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().display();
        let names = [format!("{root}/PC 1/Bootlog.pml"), format!("{root}/case.zip:PC/Boot log.PML")];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let expected = ["PC_1_Bootlog", "case.zip_PC_Boot_log"];
        assert_eq!(capture_ids(&names, &[folder.path().to_owned()]), expected);
        // Several inputs in one folder give the ids that the folder gives.
        assert_eq!(
            capture_ids(&names, &["PC 1/", "case.zip"].map(|name| folder.path().join(name))),
            expected
        );
        assert_eq!(
            capture_ids(&["../x.PMB", r"a\y.pml"], &["../x.PMB", "a"].map(PathBuf::from)),
            ["x", "a_y"]
        );

        let same = ["a b/B.pml", "A_b/b.pml", "c.pml"];
        let forth = capture_ids(&same, &[]);
        assert!(
            forth[0].starts_with("a_b_B-") && forth[1].starts_with("A_b_b-") && forth[2] == "c",
            "{forth:?}"
        );
        let mut back = capture_ids(&["c.pml", "A_b/b.pml", "a b/B.pml"], &[]);
        back.reverse();
        assert_eq!(forth, back);

        let long = format!("{}/Bootlog.pml", "ä".repeat(300));
        let id = capture_ids(&[&long], &[]).remove(0);
        assert!(id.len() < 170 && id.contains("Bootlog-"), "{id}");
    }
}
