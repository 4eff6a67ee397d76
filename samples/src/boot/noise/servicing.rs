//! What servicing does when nothing goes wrong: the queue of pending operations, components,
//! packages, drivers.

use super::{Scene, files};
use crate::boot::call::Call;
use crate::boot::call::status::{NAME_NOT_FOUND, SHARING_VIOLATION};
use crate::boot::file_call::{self as file, ATTRIBUTES, DELETE, LINK, REPLACE};
use crate::boot::paths::{SYSTEM32, WINSXS};
use crate::boot::registry_call::{self as registry, READ, Value};
use crate::random::mix_text;
use pml_parser::write::details::Create;

/// Key of the component servicing stack.
pub(crate) const CBS: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing";
/// The servicing log.
pub(crate) const CBS_LOG: &str = r"C:\Windows\Logs\CBS\CBS.log";

/// A file of a component becomes the file in the system folder: open, link, close.
pub(super) fn link_component(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let payload = scene.paths.payload(scene.random);
    let (path, target) = (payload.path(), payload.installed_path());
    let mut calls = Vec::with_capacity(8);
    if scene.random.chance(200) {
        calls.push(file::open(pointer, &target, &DELETE));
        calls.push(file::delete_extended(pointer, &target));
        calls.push(file::close(pointer, &target));
    }
    calls.push(file::open(pointer, &path, &LINK));
    calls.push(file::query_basic(pointer, &path, scene.now));
    calls.push(file::link(pointer, &path, &target));
    if scene.random.chance(300) {
        calls.push(file::set_basic(pointer, &path, scene.now));
    }
    calls.push(file::close(pointer, &path));
    calls
}

/// Registry operations of the queue.
pub(super) fn queue_registry(scene: &mut Scene<'_>) -> Vec<Call> {
    let key = scene.paths.key(scene.random);
    let data = scene.paths.system_file(scene.random);
    let mut calls = vec![
        registry::create(&key, 2),
        registry::set_value(&format!(r"{key}\ImagePath"), &Value::Text(data)),
        registry::set_value(&format!(r"{key}\Start"), &Value::Number(3)),
    ];
    if scene.random.chance(100) {
        calls.push(registry::delete_value(&format!(r"{key}\Obsolete")).ending(NAME_NOT_FOUND));
    }
    calls.push(registry::close(&key));
    calls
}

/// A file map moves from where it was staged to its place.
pub(super) fn move_rename(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let payload = scene.paths.payload(scene.random);
    let hash = mix_text(&payload.component);
    let staged = format!(r"{WINSXS}\Temp\PendingRenames\{hash:016x}01db{:04x}.cdf-ms", hash >> 48);
    let target = format!(r"{WINSXS}\FileMaps\$$_system32_{:016x}.cdf-ms", hash.rotate_left(13));
    vec![
        file::open(pointer, &staged, &DELETE),
        file::query_attribute_tag(pointer, &staged),
        file::rename(pointer, &staged, &target),
        file::close(pointer, &staged),
    ]
}

/// A file of a component is looked for, compared with the older one, and written.
pub(super) fn stage_component(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let payload = scene.paths.payload(scene.random);
    let (path, older) = (payload.path(), payload.older_path());
    let mut calls = Vec::with_capacity(24);
    match scene.random.below(10) {
        0..=4 => {
            let time = scene.earlier();
            calls.push(file::query_open(pointer, &path, time, 120_000));
            calls.extend(files::read_path(scene, &path));
        }
        5 | 6 => {
            // Whether it exists is asked before it is created; that it does not is no failure.
            let delta = format!(r"{WINSXS}\{}\f\{}", payload.component, payload.file);
            calls.extend(files::read_path(scene, &delta));
            calls.push(file::probe(pointer, &path, &ATTRIBUTES));
            calls.push(file::open(pointer, &path, &REPLACE));
            for block in 0..scene.random.between(1, 5) {
                calls.push(file::write(pointer, &path, block * 0x1_0000, 0x1_0000, 0));
            }
            calls.push(file::set_end_of_file(pointer, &path, 0x4_0000));
            calls.push(file::set_basic(pointer, &path, scene.now));
            calls.push(file::close(pointer, &path));
        }
        7 => {
            let reverse = format!(r"{WINSXS}\{}\r\{}", payload.older, payload.file);
            calls.extend(files::read_path(scene, &reverse));
            calls.push(file::query_open(pointer, &older, scene.now, 118_000));
        }
        8 => {
            // Somebody else has the installed file open for a moment.
            let target = payload.installed_path();
            calls.push(file::open(pointer, &target, &DELETE).ending(SHARING_VIOLATION));
            calls.push(file::open(pointer, &target, &DELETE));
            calls.push(file::query_security(pointer, &target));
            calls.push(file::close(pointer, &target));
        }
        _ => {
            calls.push(file::open(pointer, &older, &LINK));
            calls.push(file::query_basic(pointer, &older, scene.now));
            calls.push(file::query_security(pointer, &older));
            calls.push(file::close(pointer, &older));
        }
    }
    calls
}

/// What the hive of the component store says of a component.
pub(super) fn component_registry(scene: &mut Scene<'_>) -> Vec<Call> {
    let key = scene.paths.component_key(scene.random);
    let hash: Vec<u8> = mix_text(&key).to_le_bytes().repeat(4);
    let mut calls = vec![registry::open(&key, READ)];
    for name in ["identity", "S256H", "ClosureFlags"] {
        let value = match name {
            "ClosureFlags" => Value::Number(0x21),
            _ => Value::Bytes(hash.clone()),
        };
        if scene.random.chance(250) {
            calls.push(registry::query_value_short(&format!(r"{key}\{name}")));
        }
        calls.push(registry::query_value(&format!(r"{key}\{name}"), &value));
    }
    if scene.random.chance(400) {
        calls.push(registry::query_value_probe(&format!(r"{key}\CF")));
    }
    if scene.random.chance(150) {
        for index in 0..3 {
            let name = format!("f!{:08x}", mix_text(&key) >> 32 ^ u64::from(index));
            calls.push(registry::enumerate_value(&key, index, &name, &Value::Number(1)));
        }
        calls.push(registry::enumerate_value_end(&key, 3));
    }
    calls.push(registry::close(&key));
    calls
}

/// Reads the manifest of a component, sometimes checks it against its catalogue.
pub(super) fn manifest(scene: &mut Scene<'_>) -> Vec<Call> {
    let payload = scene.paths.payload(scene.random);
    let path = format!(r"{WINSXS}\Manifests\{}.manifest", payload.component);
    let mut calls = files::read_path(scene, &path);
    if scene.random.chance(150) {
        let catalog = scene.paths.catalog(scene.random);
        calls.extend(files::read_path(scene, &catalog));
    }
    calls
}

/// The state of packages.
pub(super) fn package_registry(scene: &mut Scene<'_>) -> Vec<Call> {
    let key = format!(r"{CBS}\Packages\{}", scene.paths.package(scene.random.between(1, 3_000)));
    let mut calls = vec![registry::open(&key, READ)];
    for (name, number) in [("CurrentState", 0x40), ("Visibility", 2), ("SelfUpdate", 0)] {
        calls.push(registry::query_value(&format!(r"{key}\{name}"), &Value::Number(number)));
    }
    if scene.random.chance(500) {
        calls.push(registry::query_value_probe(&format!(r"{key}\LastError")));
    }
    if scene.random.chance(200) {
        calls.push(registry::probe(&format!(r"{key}\Updates")));
    }
    calls.push(registry::close(&key));
    calls
}

/// A few lines for the servicing log.
pub(super) fn log_write(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    (0..scene.random.between(1, 4))
        .map(|_| {
            let length = scene.random.between(90, 900);
            let at = *scene.log_end;
            *scene.log_end += length;
            file::write(pointer, CBS_LOG, at, length as u32, 0)
        })
        .collect()
}

/// A driver package is read and written down.
pub(super) fn driver_package(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let path = scene.paths.driver_package(scene.random);
    let mut calls = files::read_path(scene, &path);
    let log = r"C:\Windows\INF\setupapi.dev.log";
    calls.push(file::open(pointer, log, &Create::WRITE));
    calls.push(file::write(pointer, log, 0x4_0000, 310, 0));
    calls.push(file::close(pointer, log));
    calls.push(registry::open(r"HKLM\DRIVERS\DriverDatabase\DriverPackages", READ));
    calls.push(file::query_open(pointer, &format!(r"{SYSTEM32}\drivers\oem3.sys"), scene.now, 61_440));
    calls
}
