//! # The client: `sdk` and `debug_meta`
//!
//! **Promise.** Who reported the event, from its own words or from the client string of the request (`protocol.md` 7.12, 7.14).

use serde_json::{Map, Value, json};

use super::meta::{MetaError, MetaTree, Path};
use super::scalars;
use super::schema::{Object, Other, Shape, chars, check, expected, field, filled_text, limited, reject, text};

/// `sdk`.
pub(super) static SDK: Object = Object {
    expected: "clientsdkinfo",
    other: Other::Drop,
    fields: &[
        text("name", 256, 20),
        text("version", 256, 20),
        field("integrations", Shape::Dense(&Shape::Text)),
        field("features", Shape::Dense(&Shape::Text)),
        field("packages", Shape::Dense(&Shape::Object(&PACKAGE))),
        field("client_ip", Shape::Text),
        field("settings", Shape::Object(&SETTINGS)),
    ],
};

static PACKAGE: Object =
    Object { expected: "an object", other: Other::Drop, fields: &[field("name", Shape::Text), field("version", Shape::Text)] };

static SETTINGS: Object =
    Object { expected: "clientsdksettings", other: Other::Drop, fields: &[field("infer_ip", Shape::Parsed(infer_ip))] };

/// `auto`, `never`; anything else means `never`: a client that tries to say something about addresses gets the careful reading.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a parser in the tables")]
fn infer_ip(value: &Value) -> Result<Value, MetaError> {
    Ok(json!(if value.as_str() == Some("auto") { "auto" } else { "never" }))
}

static SDK_INFO: Object = Object {
    expected: "an object",
    other: Other::Drop,
    fields: &[
        field("sdk_name", Shape::Text),
        field("version_major", Shape::Unsigned),
        field("version_minor", Shape::Unsigned),
        field("version_patchlevel", Shape::Unsigned),
    ],
};

/// `debug_meta`.
pub(super) static DEBUG_META: Object = Object {
    expected: "debugmeta",
    other: Other::Drop,
    fields: &[field("sdk_info", Shape::Object(&SDK_INFO)), field("images", Shape::List(&Shape::Own(image)))],
};

static IMAGE: Object = Object {
    expected: "an object",
    other: Other::Drop,
    fields: &[
        field("arch", Shape::Text),
        field("code_id", Shape::Parsed(scalars::code_id)),
        field("code_file", Shape::Text),
        field("debug_id", Shape::Parsed(scalars::debug_id)),
        field("debug_file", Shape::Text),
        limited("debug_checksum", Shape::Text, chars(200, 0)),
        field("image_addr", Shape::Parsed(scalars::address)),
        field("image_size", Shape::Unsigned),
        field("image_vmaddr", Shape::Parsed(scalars::address)),
        field("uuid", Shape::Parsed(scalars::debug_id)),
        field("type", Shape::Text),
    ],
};

const IMAGE_TYPES: [&str; 10] = ["sourcemap", "jvm", "proguard", "elf", "macho", "pe", "pe_dotnet", "wasm", "symbolic", "apple"];

fn image(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    let known = value.get("type").and_then(Value::as_str).is_some_and(|kind| IMAGE_TYPES.contains(&kind));
    if value.is_object() && !known {
        return reject(value, path, meta, MetaError::with_reason("invalid_data", "unsupported debug image type"));
    }
    if let Value::Object(image) = value
        && image.get("type").and_then(Value::as_str) != Some("proguard")
    {
        for (old, new) in [("name", "code_file"), ("id", "debug_id"), ("uuid", "debug_id")] {
            if let Some(value) = image.remove(old) {
                image.entry(new).or_insert(value);
            }
        }
    }
    if value.get("type").and_then(Value::as_str) == Some("apple") {
        // The old name of the same thing.
        value["type"] = json!("macho");
    }
    check(value, &Shape::Object(&IMAGE), path, meta);
}

/// Gives an event that names no SDK the one that the envelope names.
pub(super) fn of_envelope(event: &mut Map<String, Value>, sdk: Option<&Value>) {
    let named = match event.get("sdk") {
        None | Some(Value::Null) => false,
        Some(Value::Object(sdk)) => !sdk.is_empty(),
        // Wrong, and said to be so.
        Some(_) => true,
    };
    if let Some(Value::Object(sdk)) = sdk
        && !named
        && filled_text(sdk, "name").is_some()
    {
        event.insert("sdk".to_owned(), Value::Object(sdk.clone()));
    }
}

/// Completes `sdk` from the client string, and says what is missing.
pub(super) fn finish(event: &mut Map<String, Value>, client: Option<&str>, meta: &mut MetaTree) {
    let path = Path::Key(&Path::Root, "sdk");
    match event.get("sdk") {
        None => {
            if let Some((name, version)) = client.and_then(|client| client.split_once('/')) {
                event.insert("sdk".to_owned(), json!({"name": name, "version": version}));
            }
        }
        Some(Value::Object(sdk)) => {
            for key in ["name", "version"] {
                let noted = meta.get(&path.key(key)).is_some_and(|note| !note.is_empty());
                if filled_text(sdk, key).is_none() && !noted {
                    meta.add_error(&path.key(key), MetaError::new("missing_attribute"));
                }
            }
        }
        Some(_) => {}
    }
}

/// The shape of `fingerprint`: texts; what is none is listed in one note.
pub(super) fn fingerprint(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    let Value::Array(items) = value else { return reject(value, path, meta, expected("an array")) };
    let length = items.len();
    let (mut bad, mut good) = (Vec::new(), Vec::with_capacity(length));
    for item in items.drain(..).filter(|item| !item.is_null()) {
        match scalars::lenient_text(&item) {
            Ok(text) => good.push(text),
            Err(_) => bad.push(item),
        }
    }
    *value = Value::Array(good);
    if !bad.is_empty() {
        let note = &mut meta.at(path).own;
        note.add_error(MetaError::new("invalid_data").with("value", Value::Array(bad)));
        note.set_original_length(length);
    }
}
