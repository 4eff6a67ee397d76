//! Registry noise.

use super::Scene;
use crate::boot::call::Call;
use crate::boot::paths::{VALUES, guid};
use crate::boot::registry_call::{self as registry, READ, Value};

/// The name of a value such as this key has.
fn value_name(scene: &mut Scene<'_>, key: &str) -> &'static str {
    let of_class = ["(Default)", "ThreadingModel", "ActivateOnHostFlags", "DllPath"];
    let is_service = key.contains(r"\Services\");
    let names: &[&'static str] = if is_service { VALUES } else { &of_class };
    names[scene.random.below(names.len() as u64) as usize]
}

/// Some value such as services keep.
fn some_value(scene: &mut Scene<'_>) -> Value {
    let random = &mut *scene.random;
    match random.below(10) {
        0..=4 => Value::Number(*random.pick(&[0, 1, 2, 3, 4, 16, 32, 0x110])),
        5 | 6 => Value::Text(scene.paths.system_file(random)),
        7 => Value::Text(guid(random.below(2_000))),
        8 => Value::Texts(vec!["RpcSs".to_owned(), "EventSystem".to_owned()]),
        _ => Value::Bytes((0..random.between(4, 40)).map(|i| (i * 37) as u8).collect()),
    }
}

/// Opens a key, reads values, closes it. A long value is asked for twice, as its length must be
/// learnt first.
pub(super) fn read(scene: &mut Scene<'_>) -> Vec<Call> {
    let key = scene.paths.key(scene.random);
    let mut calls = Vec::with_capacity(8);
    if scene.random.chance(400) {
        calls.push(registry::query_tags(&key[..key.find('\\').unwrap_or(key.len())]));
    }
    calls.push(registry::open(&key, READ));
    if scene.random.chance(150) {
        calls.push(registry::set_tags(&key));
    }
    for _ in 0..scene.random.between(1, 6) {
        let path = format!(r"{key}\{}", value_name(scene, &key));
        if scene.random.chance(330) {
            calls.push(registry::query_value_probe(&path));
            continue;
        }
        let value = some_value(scene);
        if !matches!(value, Value::Number(_)) && scene.random.chance(450) {
            let is_tiny = scene.random.chance(300);
            let ask = if is_tiny { registry::query_value_too_small } else { registry::query_value_short };
            calls.push(ask(&path));
        }
        calls.push(registry::query_value(&path, &value));
    }
    if scene.random.chance(40) {
        calls.push(registry::query_security(&key));
    }
    calls.push(registry::close(&key));
    calls
}

/// Policies and per-program settings, most of which nobody has set.
pub(super) fn probe(scene: &mut Scene<'_>) -> Vec<Call> {
    let count = scene.random.between(1, 5);
    let mut calls = Vec::with_capacity(count as usize * 2);
    for _ in 0..count {
        let key = scene.paths.policy_key(scene.random);
        if scene.random.chance(700) {
            calls.push(registry::probe(&key));
        } else {
            calls.push(registry::open(&key, READ));
            calls.push(registry::query_value_probe(&format!(r"{key}\Disable{}", scene.random.pick(VALUES))));
            calls.push(registry::close(&key));
        }
    }
    calls
}

/// Lists keys or values until there are no more.
pub(super) fn enumerate(scene: &mut Scene<'_>) -> Vec<Call> {
    let key = scene.paths.key(scene.random);
    let count = scene.random.between(1, 12) as u32;
    let mut calls = vec![registry::open(&key, READ)];
    if scene.random.chance(500) {
        calls.push(registry::query_counts(&key, count, 0));
        for index in 0..count {
            let name = guid(scene.random.below(5_000));
            calls.push(registry::enumerate_key(&key, index, &name));
        }
        calls.push(registry::enumerate_key_end(&key, count));
    } else {
        calls.push(registry::query_counts(&key, 0, count));
        for index in 0..count {
            let value = some_value(scene);
            let name = value_name(scene, &key);
            calls.push(registry::enumerate_value(&key, index, name, &value));
        }
        calls.push(registry::enumerate_value_end(&key, count));
    }
    calls.push(registry::close(&key));
    calls
}

/// Creates or opens a key and sets values.
pub(super) fn write(scene: &mut Scene<'_>) -> Vec<Call> {
    let key = scene.paths.service_key(scene.random) + r"\Parameters";
    let mut calls = vec![registry::create(&key, 2)];
    for _ in 0..scene.random.between(1, 4) {
        let value = some_value(scene);
        let path = format!(r"{key}\{}", scene.random.pick(VALUES));
        calls.push(registry::set_value(&path, &value));
    }
    if scene.random.chance(200) {
        let path = format!(r"{key}\{}", scene.random.pick(VALUES));
        calls.push(registry::delete_value(&path));
    }
    calls.push(registry::close(&key));
    calls
}
