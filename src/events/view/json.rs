//! Lenient reading of JSON that should have a shape but may have any.

use serde_json::Value;

/// Longest text shown of one value in characters: normalising allows 8,192 and a little for most.
pub(super) const MAX_TEXT: usize = 20_000;

/// A string as it is, a number or bool as text; anything else is empty. Cut at [`MAX_TEXT`].
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(s)) => cut(s, MAX_TEXT),
        Some(Value::Number(n)) => n.to_string(),
        Some(Value::Bool(b)) => b.to_string(),
        _ => String::new(),
    }
}

/// The first non-empty text among `keys`.
pub(super) fn first_text(object: &Value, keys: &[&str]) -> String {
    keys.iter().map(|key| text(object.get(*key))).find(|t| !t.is_empty()).unwrap_or_default()
}

/// The first `max` characters, with an ellipsis when some are missing.
pub(super) fn cut(text: &str, max: usize) -> String {
    text.char_indices().nth(max).map_or_else(|| text.to_owned(), |(at, _)| format!("{}…", &text[..at]))
}

/// A number, also one that was sent as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The non-null entries of `{"values": […]}` or of a bare list, with their index in the event.
pub(super) fn values(container: Option<&Value>) -> impl DoubleEndedIterator<Item = (usize, &Value)> {
    let list = container.and_then(|c| c.get("values").unwrap_or(c).as_array()).map_or(&[][..], Vec::as_slice);
    list.iter().enumerate().filter(|(_, v)| !v.is_null())
}

/// Key and value pairs of an object or of a list of pairs; at most `max`.
pub(super) fn pairs(container: Option<&Value>, max: usize) -> Vec<(String, &Value)> {
    match container {
        Some(Value::Object(map)) => map.iter().take(max).map(|(k, v)| (cut(k, 200), v)).collect(),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|pair| match pair.as_array()?.as_slice() {
                [key, value] => Some((text(Some(key)), value)),
                _ => None,
            })
            .take(max)
            .collect(),
        _ => Vec::new(),
    }
}
