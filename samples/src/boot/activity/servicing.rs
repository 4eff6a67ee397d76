//! Background activity of servicing when nothing fails: the queue of pending operations,
//! components, packages, drivers.

use super::context::ActivityContext;
use super::files;
use crate::boot::call::Call;
use crate::boot::call::status::{NAME_NOT_FOUND, SHARING_VIOLATION};
use crate::boot::file_call::{self as file, ATTRIBUTES, DELETE, LINK, REPLACE};
use crate::boot::paths::{CBS_KEY, CBS_LOG, SYSTEM32, WINSXS};
use crate::boot::registry_call::{self as registry, READ, Value};
use crate::random::mix_text;
use pml_parser::write::details::Create;

/// Links a file of a component to its place in the system folder.
pub(super) fn link_component(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let payload = context.paths.payload(context.random);
    let (path, target) = (payload.path(), payload.installed_path());
    let mut calls = Vec::with_capacity(8);
    if context.random.chance(200) {
        calls.push(file::open(pointer, &target, &DELETE));
        calls.push(file::delete_extended(pointer, &target));
        calls.push(file::close(pointer, &target));
    }
    calls.push(file::open(pointer, &path, &LINK));
    calls.push(file::query_basic(pointer, &path, context.now));
    calls.push(file::link(pointer, &path, &target));
    if context.random.chance(300) {
        calls.push(file::set_basic(pointer, &path, context.now));
    }
    calls.push(file::close(pointer, &path));
    calls
}

/// Sets registry values from the queue of pending operations.
pub(super) fn queue_registry(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let key = context.paths.key(context.random);
    let data = context.paths.system_file(context.random);
    let mut calls = vec![
        registry::create(&key, 2),
        registry::set_value(&format!(r"{key}\ImagePath"), &Value::Text(data)),
        registry::set_value(&format!(r"{key}\Start"), &Value::Number(3)),
    ];
    if context.random.chance(100) {
        calls.push(registry::delete_value(&format!(r"{key}\Obsolete")).ending(NAME_NOT_FOUND));
    }
    calls.push(registry::close(&key));
    calls
}

/// Moves a file map from its staging folder to its place.
pub(super) fn move_rename(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let payload = context.paths.payload(context.random);
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

/// Looks for a file of a component, compares it with the older one, or writes it.
pub(super) fn stage_component(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let payload = context.paths.payload(context.random);
    let (path, older) = (payload.path(), payload.older_path());
    let mut calls = Vec::with_capacity(24);
    match context.random.below(10) {
        0..=4 => {
            let time = context.earlier();
            calls.push(file::query_open(pointer, &path, time, 120_000));
            calls.extend(files::read_path(context, &path));
        }
        5 | 6 => {
            // A check whether the file exists precedes its creation; a missing file is no failure.
            let delta = format!(r"{WINSXS}\{}\f\{}", payload.component, payload.file);
            calls.extend(files::read_path(context, &delta));
            calls.push(file::probe(pointer, &path, &ATTRIBUTES));
            calls.push(file::open(pointer, &path, &REPLACE));
            for block in 0..context.random.between(1, 5) {
                calls.push(file::write(pointer, &path, block * 0x1_0000, 0x1_0000, 0));
            }
            calls.push(file::set_end_of_file(pointer, &path, 0x4_0000));
            calls.push(file::set_basic(pointer, &path, context.now));
            calls.push(file::close(pointer, &path));
        }
        7 => {
            let reverse = format!(r"{WINSXS}\{}\r\{}", payload.older, payload.file);
            calls.extend(files::read_path(context, &reverse));
            calls.push(file::query_open(pointer, &older, context.now, 118_000));
        }
        8 => {
            // Another process has the installed file open for a moment.
            let target = payload.installed_path();
            calls.push(file::open(pointer, &target, &DELETE).ending(SHARING_VIOLATION));
            calls.push(file::open(pointer, &target, &DELETE));
            calls.push(file::query_security(pointer, &target));
            calls.push(file::close(pointer, &target));
        }
        _ => {
            calls.push(file::open(pointer, &older, &LINK));
            calls.push(file::query_basic(pointer, &older, context.now));
            calls.push(file::query_security(pointer, &older));
            calls.push(file::close(pointer, &older));
        }
    }
    calls
}

/// Reads the registry of a component in the hive of the component store.
pub(super) fn component_registry(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let key = context.paths.component_key(context.random);
    let hash: Vec<u8> = mix_text(&key).to_le_bytes().repeat(4);
    let mut calls = vec![registry::open(&key, READ)];
    for name in ["identity", "S256H", "ClosureFlags"] {
        let value = match name {
            "ClosureFlags" => Value::Number(0x21),
            _ => Value::Bytes(hash.clone()),
        };
        if context.random.chance(250) {
            calls.push(registry::query_value_in_short_buffer(&format!(r"{key}\{name}")));
        }
        calls.push(registry::query_value(&format!(r"{key}\{name}"), &value));
    }
    if context.random.chance(400) {
        calls.push(registry::query_missing_value(&format!(r"{key}\CF")));
    }
    if context.random.chance(150) {
        for index in 0..3 {
            let name = format!("f!{:08x}", mix_text(&key) >> 32 ^ u64::from(index));
            calls.push(registry::enumerate_value(&key, index, &name, &Value::Number(1)));
        }
        calls.push(registry::enumerate_value_end(&key, 3));
    }
    calls.push(registry::close(&key));
    calls
}

/// Reads the manifest of a component, and at times its catalogue.
pub(super) fn manifest(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let payload = context.paths.payload(context.random);
    let path = format!(r"{WINSXS}\Manifests\{}.manifest", payload.component);
    let mut calls = files::read_path(context, &path);
    if context.random.chance(150) {
        let catalog = context.paths.catalog(context.random);
        calls.extend(files::read_path(context, &catalog));
    }
    calls
}

/// Reads the state of a package.
pub(super) fn package_registry(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let number = context.size(1, 3_000);
    let key = format!(r"{CBS_KEY}\Packages\{}", context.paths.package(number));
    let mut calls = vec![registry::open(&key, READ)];
    for (name, number) in [("CurrentState", 0x40), ("Visibility", 2), ("SelfUpdate", 0)] {
        calls.push(registry::query_value(&format!(r"{key}\{name}"), &Value::Number(number)));
    }
    if context.random.chance(500) {
        calls.push(registry::query_missing_value(&format!(r"{key}\LastError")));
    }
    if context.random.chance(200) {
        calls.push(registry::probe(&format!(r"{key}\Updates")));
    }
    calls.push(registry::close(&key));
    calls
}

/// Appends a few lines to the servicing log.
pub(super) fn log_write(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    (0..context.random.between(1, 4))
        .map(|_| {
            let length = context.size(90, 900);
            let at = *context.log_end;
            *context.log_end += length;
            file::write(pointer, CBS_LOG, at, length as u32, 0)
        })
        .collect()
}

/// Reads a driver package and logs its installation.
pub(super) fn driver_package(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let path = context.paths.driver_package(context.random);
    let mut calls = files::read_path(context, &path);
    let log = r"C:\Windows\INF\setupapi.dev.log";
    calls.push(file::open(pointer, log, &Create::WRITE));
    calls.push(file::write(pointer, log, 0x4_0000, 310, 0));
    calls.push(file::close(pointer, log));
    calls.push(registry::open(r"HKLM\DRIVERS\DriverDatabase\DriverPackages", READ));
    calls.push(file::query_open(pointer, &format!(r"{SYSTEM32}\drivers\oem3.sys"), context.now, 61_440));
    calls
}
