//! # Single values: coercions and formats shared by the interfaces
//!
//! **Promise.** Each function takes a value as sent and gives the stored form, or Relay's reason why it is invalid.
//!
//! **Not here.** Times (`timestamps`), structure (`schema`).

use serde_json::Value;

use super::meta::MetaError;
use super::schema::expected;

/// Floats beyond this are no exact whole numbers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Text of a scalar: `True`, `5`, floats without their fraction.
pub(super) fn lenient_text(value: &Value) -> Result<Value, MetaError> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or_default();
            if float.abs() > EXACT {
                return Err(expected("a number with JSON precision"));
            }
            (float.trunc() as i64).to_string()
        }
        Value::Number(number) => number.to_string(),
        _ => return Err(expected("a primitive value")),
    };
    Ok(Value::String(text))
}

/// A whole number ≥ 0.
pub(super) fn unsigned(value: &Value) -> Result<Value, MetaError> {
    match value {
        Value::Number(number) if number.is_u64() => Ok(value.clone()),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && (0.0..=EXACT).contains(&float) => Ok(Value::from(float.trunc() as u64)),
            _ => Err(expected("an unsigned integer")),
        },
        _ => Err(expected("an unsigned integer")),
    }
}

/// A whole number.
pub(super) fn signed(value: &Value) -> Result<Value, MetaError> {
    match value {
        Value::Number(number) if number.is_i64() => Ok(value.clone()),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.abs() <= EXACT => Ok(Value::from(float.trunc() as i64)),
            _ => Err(expected("a signed integer")),
        },
        _ => Err(expected("a signed integer")),
    }
}

/// A thread's id: a whole number or a text.
pub(super) fn thread_id(value: &Value) -> Result<Value, MetaError> {
    match value {
        Value::String(_) => Ok(value.clone()),
        Value::Number(number) if number.is_u64() => Ok(value.clone()),
        _ => Err(expected("a thread id")),
    }
}

/// The level of an event or breadcrumb.
pub(super) fn level(value: &Value) -> Result<Value, MetaError> {
    let name = match value {
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "debug" => "debug",
            "info" | "log" => "info",
            "warning" | "warn" => "warning",
            "error" => "error",
            "fatal" | "critical" => "fatal",
            _ => return Err(MetaError::with_reason("invalid_data", "invalid level")),
        },
        Value::Number(number) => match number.as_u64() {
            Some(10) => "debug",
            Some(20) => "info",
            Some(30) => "warning",
            Some(40) => "error",
            Some(50) => "fatal",
            Some(_) => return Err(MetaError::new("invalid_data")),
            None => return Err(expected("a level")),
        },
        _ => return Err(expected("a level")),
    };
    Ok(Value::String(name.to_owned()))
}

/// A memory address: hex or decimal text, or a number, as lowercase `0x…`.
pub(super) fn address(value: &Value) -> Result<Value, MetaError> {
    let number = match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_i64().map(|n| n as u64)),
        Value::String(text) => match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        },
        _ => return Err(expected("an address")),
    };
    number.map(|n| Value::String(format!("{n:#x}"))).ok_or_else(|| MetaError::with_reason("invalid_data", "invalid digit found in string"))
}

/// An event id: 32 hex digits, with or without hyphens.
pub(super) fn event_id(value: &Value) -> Result<Value, MetaError> {
    let Value::String(text) = value else { return Err(expected("event id")) };
    uuid::Uuid::parse_str(text)
        .map(|id| Value::String(id.simple().to_string()))
        .map_err(|_| MetaError::with_reason("invalid_data", "invalid event id"))
}

fn hex_id(value: &Value, digits: usize, what: &str) -> Result<Value, MetaError> {
    let Value::String(text) = value else { return Err(expected(what)) };
    let text: String = if digits == 32 { text.replace('-', "") } else { text.clone() };
    if text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit()) && text.bytes().any(|b| b != b'0') {
        Ok(Value::String(text.to_ascii_lowercase()))
    } else {
        Err(MetaError::with_reason("invalid_data", format!("invalid {what}").replace("invalid a ", "not a valid ")))
    }
}

/// A trace id: 32 hex digits, not all zero.
pub(super) fn trace_id(value: &Value) -> Result<Value, MetaError> {
    hex_id(value, 32, "a trace id")
}

/// A span id: 16 hex digits, not all zero.
pub(super) fn span_id(value: &Value) -> Result<Value, MetaError> {
    hex_id(value, 16, "a span id")
}

const SPAN_STATUS: [&str; 17] = [
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal_error",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

/// The status of a span or trace: a name or a number from 0 to 16.
pub(super) fn span_status(value: &Value) -> Result<Value, MetaError> {
    let name = match value {
        Value::String(text) => match text.as_str() {
            "success" => Some("ok"),
            "unknown_error" | "failure" => Some("internal_error"),
            name => SPAN_STATUS.iter().find(|known| **known == name).copied(),
        },
        Value::Number(number) => number.as_u64().and_then(|n| SPAN_STATUS.get(n as usize)).copied(),
        _ => None,
    };
    name.map(|name| Value::String(name.to_owned())).ok_or_else(|| expected("a trace status"))
}

/// A link that a browser may follow.
pub(super) fn http_url(value: &Value) -> Result<Value, MetaError> {
    match value {
        Value::String(text) if text.starts_with("http://") || text.starts_with("https://") => Ok(value.clone()),
        Value::String(_) => Err(expected("http URL")),
        _ => Err(expected("a string")),
    }
}

/// The source of a transaction's name; unknown names become `unknown`.
pub(super) fn transaction_source(value: &Value) -> Result<Value, MetaError> {
    let Value::String(text) = value else { return Err(expected("a string")) };
    Ok(Value::String(text.clone()))
}

/// A code id: hex digits in lower case.
pub(super) fn code_id(value: &Value) -> Result<Value, MetaError> {
    let Value::String(text) = value else { return Err(expected("a string")) };
    Ok(Value::String(text.to_ascii_lowercase()))
}

/// A debug id: `8-4-4-4-12[-age]`, lowercase.
pub(super) fn debug_id(value: &Value) -> Result<Value, MetaError> {
    let Value::String(text) = value else { return Err(expected("a string")) };
    let invalid = || MetaError::with_reason("invalid_data", "invalid debug identifier");
    let hex: String = text.chars().filter(|c| *c != '-').collect();
    if hex.len() < 32 || hex.len() > 40 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(invalid());
    }
    let (id, age) = hex.split_at(32);
    let id = uuid::Uuid::parse_str(id).map_err(|_| invalid())?.hyphenated().to_string();
    let age = age.trim_start_matches('0').to_ascii_lowercase();
    Ok(Value::String(if age.is_empty() { id } else { format!("{id}-{age}") }))
}
