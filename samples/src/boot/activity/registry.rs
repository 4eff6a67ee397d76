//! Background activity in the registry.

use super::context::ActivityContext;
use crate::boot::call::Call;
use crate::boot::paths::{VALUES, guid};
use crate::boot::registry_call::{self as registry, READ, Value};

/// The name of a value that is usual in this key.
fn value_name(context: &mut ActivityContext<'_>, key: &str) -> &'static str {
    let of_class = ["(Default)", "ThreadingModel", "ActivateOnHostFlags", "DllPath"];
    let is_service = key.contains(r"\Services\");
    let names: &[&'static str] = if is_service { VALUES } else { &of_class };
    names[context.random.below(names.len() as u64) as usize]
}

/// A value that is usual for services.
fn some_value(context: &mut ActivityContext<'_>) -> Value {
    let random = &mut *context.random;
    match random.below(10) {
        0..=4 => Value::Number(*random.pick(&[0, 1, 2, 3, 4, 16, 32, 0x110])),
        5 | 6 => Value::Text(context.paths.system_file(random)),
        7 => Value::Text(guid(random.below(2_000))),
        8 => Value::Texts(vec!["RpcSs".to_owned(), "EventSystem".to_owned()]),
        _ => Value::Bytes((0..random.between(4, 40)).map(|i| (i * 37) as u8).collect()),
    }
}

/// Opens a key, reads values, closes the key. A long value is often read twice: the first read
/// returns its length.
pub(super) fn read(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let key = context.paths.key(context.random);
    let mut calls = Vec::with_capacity(8);
    if context.random.chance(400) {
        calls.push(registry::query_tags(&key[..key.find('\\').unwrap_or(key.len())]));
    }
    calls.push(registry::open(&key, READ));
    if context.random.chance(150) {
        calls.push(registry::set_tags(&key));
    }
    for _ in 0..context.random.between(1, 6) {
        let path = format!(r"{key}\{}", value_name(context, &key));
        if context.random.chance(330) {
            calls.push(registry::query_missing_value(&path));
            continue;
        }
        let value = some_value(context);
        if !matches!(value, Value::Number(_)) && context.random.chance(450) {
            let is_tiny = context.random.chance(300);
            let ask = if is_tiny {
                registry::query_value_in_tiny_buffer
            } else {
                registry::query_value_in_short_buffer
            };
            calls.push(ask(&path));
        }
        calls.push(registry::query_value(&path, &value));
    }
    if context.random.chance(40) {
        calls.push(registry::query_security(&key));
    }
    calls.push(registry::close(&key));
    calls
}

/// Looks for policies and per-program settings, most of which are missing.
pub(super) fn probe(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let count = context.random.between(1, 5);
    let mut calls = Vec::with_capacity(count as usize * 2);
    for _ in 0..count {
        let key = context.paths.policy_key(context.random);
        if context.random.chance(700) {
            calls.push(registry::probe(&key));
        } else {
            calls.push(registry::open(&key, READ));
            calls.push(registry::query_missing_value(&format!(
                r"{key}\Disable{}",
                context.random.pick(VALUES)
            )));
            calls.push(registry::close(&key));
        }
    }
    calls
}

/// Lists all keys or all values of a key.
pub(super) fn enumerate(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let key = context.paths.key(context.random);
    let count = context.random.between(1, 12) as u32;
    let mut calls = vec![registry::open(&key, READ)];
    if context.random.chance(500) {
        calls.push(registry::query_counts(&key, count, 0));
        for index in 0..count {
            let name = guid(context.random.below(5_000));
            calls.push(registry::enumerate_key(&key, index, &name));
        }
        calls.push(registry::enumerate_key_end(&key, count));
    } else {
        calls.push(registry::query_counts(&key, 0, count));
        for index in 0..count {
            let value = some_value(context);
            let name = value_name(context, &key);
            calls.push(registry::enumerate_value(&key, index, name, &value));
        }
        calls.push(registry::enumerate_value_end(&key, count));
    }
    calls.push(registry::close(&key));
    calls
}

/// Creates or opens a key and sets values.
pub(super) fn write(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let key = context.paths.service_key(context.random) + r"\Parameters";
    let mut calls = vec![registry::create(&key, 2)];
    for _ in 0..context.random.between(1, 4) {
        let value = some_value(context);
        let path = format!(r"{key}\{}", context.random.pick(VALUES));
        calls.push(registry::set_value(&path, &value));
    }
    if context.random.chance(200) {
        let path = format!(r"{key}\{}", context.random.pick(VALUES));
        calls.push(registry::delete_value(&path));
    }
    calls.push(registry::close(&key));
    calls
}
