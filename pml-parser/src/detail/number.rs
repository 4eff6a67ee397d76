//! The numbers inside event details that queries want as numbers.

/// A number that some operations carry. The raw value is kept; docs/schema.md says what each
/// means and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Number {
    /// Rights asked for: an access mask of the file or the registry class.
    DesiredAccess,
    /// Rights given to a registry key.
    GrantedAccess,
    /// `CreateFile`: what to do when the file exists or does not (0 Supersede … 5 OverwriteIf).
    Disposition,
    /// `CreateFile`: options, 24 bits.
    CreateOptions,
    /// `CreateFile`: share mode (1 read, 2 write, 4 delete).
    ShareMode,
    /// `CreateFile`, query and set of attributes: file attributes.
    FileAttributes,
    /// What opening did: `CreateFile` 0 Superseded … 5 DoesNotExist; registry 1 created, 2 opened.
    OpenResult,
    /// Offset in the file, in bytes.
    ByteOffset,
    /// Bytes asked for, of a buffer, a lock, or sent over the network.
    Length,
    /// Bytes that `ReadFile` returned.
    BytesReturned,
    /// IRP flags and stack location flags of a read or a write.
    IoFlags,
    /// Information class of a query or set, of files, directories, volumes and the registry.
    InformationClass,
    /// Control code.
    ControlCode,
    /// Allocation size in bytes.
    AllocationSize,
    /// End of file in bytes.
    EndOfFile,
    /// Disposition: 1 when the file is to be deleted. Flags of the extended form.
    DeleteFlags,
    /// Rename and link: 1 when an existing target is replaced. Flags of the extended form.
    RenameFlags,
    /// Protection of a section (`PAGE_…`).
    PageProtection,
    /// Exit status of a process or thread, sign-extended.
    ExitStatus,
    /// Process id that a process event speaks of.
    TargetPid,
    /// Thread id that a thread event speaks of.
    TargetTid,
    /// Base address of an image.
    ImageBase,
    /// Size of an image in bytes.
    ImageSize,
    /// Registry value type.
    RegistryType,
    /// Bytes of registry value data, as the caller sees it.
    RegistryDataSize,
    /// Value of `REG_DWORD`, `REG_DWORD_BIG_ENDIAN` and `REG_QWORD`.
    RegistryNumber,
    /// Index of an enumeration.
    Index,
}

impl Number {
    /// How many there are.
    pub const COUNT: usize = Self::Index as usize + 1;
}

/// The numbers of one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    present: u32,
    values: [u64; Number::COUNT],
}

const _: () = assert!(Number::COUNT <= 32);

impl Numbers {
    /// The raw value, zero- or sign-extended to 64 bits.
    pub fn get(&self, number: Number) -> Option<u64> {
        let at = number as usize;
        (self.present >> at & 1 == 1).then(|| self.values.get(at).copied()).flatten()
    }
}

/// Whatever takes the numbers of an event. Of a number that is set twice the last value counts.
pub(crate) trait NumberSink {
    fn set(&mut self, number: Number, value: u64);

    fn set_if(&mut self, number: Number, value: Option<impl Into<u64>>) {
        if let Some(value) = value {
            self.set(number, value.into());
        }
    }
}

impl NumberSink for Numbers {
    fn set(&mut self, number: Number, value: u64) {
        let at = number as usize;
        if let Some(slot) = self.values.get_mut(at) {
            *slot = value;
            self.present |= 1 << at;
        }
    }
}
