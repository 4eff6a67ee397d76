//! Cabinets: packed CbsPersist logs, and what collectors pack.

use std::io::{Cursor, Read};

/// Members of one cabinet that are read at most.
const MOST_MEMBERS: usize = 1000;

/// Bytes of all members of one file that are unpacked at most.
pub(super) const MOST_BYTES: u64 = 4 << 30;

/// Hands over the members of a cabinet, each with its name and as a stream, and says whether it could
/// be read to its end. At most `left` bytes are unpacked, and taken off it. An error inside a member ends its stream
/// with an error.
pub(super) fn members(bytes: &[u8], left: &mut u64, mut take: impl FnMut(&str, &mut dyn Read)) -> bool {
    let Ok(mut cabinet) = cab::Cabinet::new(Cursor::new(bytes)) else { return false };
    let names: Vec<String> = cabinet
        .folder_entries()
        .flat_map(|folder| folder.file_entries().map(|file| file.name().to_owned()).collect::<Vec<_>>())
        .take(MOST_MEMBERS)
        .collect();
    let mut whole = true;
    for name in names {
        match cabinet.read_file(&name) {
            Ok(file) => {
                let mut stream = file.take(*left);
                take(&name, &mut stream);
                *left = stream.limit();
            }
            Err(_) => whole = false,
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{Kind, LogFile, Signatures};
    use std::io::Write;

    fn cabinet(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = cab::CabinetBuilder::new();
        let folder = builder.add_folder(cab::CompressionType::MsZip);
        for (name, _) in files {
            folder.add_file(*name);
        }
        let mut writer = builder.build(Cursor::new(Vec::new())).unwrap_or_else(|e| panic!("{e}"));
        let mut texts = files.iter();
        while let (Some(mut file), Some(text)) =
            (writer.next_file().unwrap_or_else(|e| panic!("{e}")), texts.next())
        {
            file.write_all(text.1).unwrap_or_else(|e| panic!("{e}"));
        }
        writer.finish().unwrap_or_else(|e| panic!("{e}")).into_inner()
    }

    #[test]
    fn members_are_streams() {
        let long = "2024-08-01 11:02:50, Info                  CBS    text\r\n".repeat(5_000);
        let bytes = cabinet(&[("CbsPersist_20240801.log", long.as_bytes()), ("b.txt", b"x")]);
        let mut found = Vec::new();
        let whole = members(&bytes, &mut { MOST_BYTES }, |name, stream| {
            let mut text = String::new();
            assert!(stream.read_to_string(&mut text).is_ok());
            found.push((name.to_owned(), text));
        });
        assert!(whole);
        assert_eq!(
            found,
            [("CbsPersist_20240801.log".to_owned(), long), ("b.txt".to_owned(), "x".to_owned())]
        );
    }

    #[test]
    fn damaged_cabinets_are_said_so() {
        assert!(!members(b"MSCF\0\0\0\0", &mut { MOST_BYTES }, |_, _| {}));
        let bytes = cabinet(&[("a", "text".repeat(20_000).as_bytes())]);
        for cut in (0..bytes.len()).step_by(7) {
            let mut failed = false;
            let whole = members(bytes.get(..cut).unwrap_or_default(), &mut { MOST_BYTES }, |_, stream| {
                failed = stream.read_to_end(&mut Vec::new()).is_err();
            });
            assert!(!whole || failed, "{cut}");
        }
    }

    #[test]
    fn cabinets_inside_cabinets_are_read_so_deep_and_no_deeper() {
        let signatures = Signatures::embedded().unwrap_or_else(|errors| panic!("{}", errors[0]));
        let line = "2024-08-01 11:02:50, Info                  CBS    TI: --- Initializing Trusted Installer ---\r\n";
        let mut bytes = cabinet(&[("CBS.log", line.repeat(3).as_bytes())]);
        for depth in 1..6 {
            let files = LogFile::read("a.cab", &bytes, &signatures);
            let [file] = &files[..] else { panic!("one file at depth {depth}") };
            if depth <= 3 {
                assert!(
                    file.name.ends_with(":CBS.log") && file.reading.records == 3,
                    "{depth} {}",
                    file.name
                );
            } else {
                assert!(
                    file.kind == Kind::Cabinet && file.reading.damage.count() > 0,
                    "{depth} {}",
                    file.name
                );
            }
            let mut visited = 0;
            LogFile::visit_stream("a.cab", &mut bytes.as_slice(), &mut |_, _, _| visited += 1);
            assert_eq!(visited, if depth <= 3 { 3 } else { 0 });
            bytes = cabinet(&[("inner.cab", &bytes)]);
        }
    }
}
