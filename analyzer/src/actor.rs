//! The processes of the servicing stack.

use pml_parser::Process;

/// What a process of the servicing stack does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The Windows Modules Installer service.
    TrustedInstaller,
    /// Its worker, which stages and commits packages.
    TiWorker,
    /// Carries out pending file and registry operations early in the boot.
    Poqexec,
    /// The package manager's command line and its host.
    Dism,
}

/// Program name and actor.
static ACTORS: [(&str, Actor); 5] = [
    ("TrustedInstaller.exe", Actor::TrustedInstaller),
    ("TiWorker.exe", Actor::TiWorker),
    ("poqexec.exe", Actor::Poqexec),
    ("Dism.exe", Actor::Dism),
    ("DismHost.exe", Actor::Dism),
];

/// The actor that a process is, by the name of its program.
pub fn actor(process: Process<'_>) -> Option<Actor> {
    let name = process.name();
    ACTORS.iter().find(|(program, _)| name.eq_ignore_ascii_case(program)).map(|entry| entry.1)
}
