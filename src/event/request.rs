//! # Request
//!
//! **Promise.** URL, query, fragment, cookies, headers and body in one form each, whatever shapes came (`protocol.md` 7.9, 8.12).
//!
//! **How.** Lists of pairs are made by one function; the body is parsed when it looks like JSON or a form.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use url::Url;

use super::json::strip_nul;
use super::meta::{MetaError, MetaTree, Path};
use super::scalars;
use super::schema::{Object, Other, Shape, budget, expected, field, filled_text, limited, reject, text};

/// `request`.
pub(super) static REQUEST: Object = Object {
    expected: "request",
    other: Other::Drop,
    fields: &[
        text("url", 256, 40),
        field("protocol", Shape::Text),
        field("method", Shape::Parsed(method)),
        limited("data", Shape::Any, budget(8192, 7)),
        limited("query_string", Shape::Pairs(query_string), budget(1024, 7)),
        text("fragment", 1024, 100),
        limited("cookies", Shape::Pairs(cookies), budget(2048, 7)),
        limited("headers", Shape::Pairs(headers), budget(8192, 7)),
        field("body_size", Shape::Unsigned),
        limited("env", Shape::Map(&Shape::Any), budget(8192, 7)),
        field("inferred_content_type", Shape::Text),
        field("api_target", Shape::Text),
    ],
};

fn method(value: &Value) -> Result<Value, MetaError> {
    let Value::String(text) = value else { return Err(expected("a string")) };
    let valid = (3..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-' || b == b'_');
    if valid { Ok(Value::String(text.to_ascii_uppercase())) } else { Err(MetaError::new("invalid_data")) }
}

fn decode_form(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).map(|(key, value)| (without_nul(&key), without_nul(&value))).collect()
}

/// A NUL that was escaped is left out, as one that was not.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

fn json_text(value: Value) -> Value {
    match value {
        Value::Null | Value::String(_) => value,
        other => Value::String(other.to_string()),
    }
}

/// Gives a pair its stored name and value, or the reason why the value cannot be stored.
type Convert = fn(&str, Value) -> (String, Result<Value, MetaError>);

/// Turns an object or a list into a list of pairs; `convert` makes a value storable or gives the reason why it is not.
fn pairs(value: &mut Value, what: &str, convert: Convert, path: &Path<'_>, meta: &mut MetaTree) {
    let sorted = value.is_object();
    let items: Vec<Value> = match value.take() {
        Value::Object(map) => map.into_iter().map(|(key, value)| json!([key, value])).collect(),
        Value::Array(items) => items,
        other => {
            *value = other;
            reject(value, path, meta, expected(what));
            return;
        }
    };
    let mut names: Vec<Option<String>> =
        if sorted { items.iter().map(|item| item[0].as_str().map(str::to_owned)).collect() } else { Vec::new() };
    names.resize(items.len(), None);
    let mut done: Vec<_> = items.into_iter().map(|item| one_pair(item, convert)).zip(names).collect();
    if sorted {
        done.sort_by(|a, b| a.0.0[0].as_str().cmp(&b.0.0[0].as_str()));
    }
    // The notes on an object's values follow them into the pairs.
    let mut notes = if sorted { std::mem::take(&mut meta.at(path).children) } else { BTreeMap::new() };
    let list = done.into_iter().enumerate().map(|(index, ((pair, problem), name))| {
        let place = path.index(index);
        let inner = place.index(1);
        if let Some(note) = name.and_then(|name| notes.remove(&name)) {
            *meta.at(&inner) = note;
        }
        if let Some((original, error)) = problem {
            let node = meta.at(if pair.is_null() { &place } else { &inner });
            node.own.set_original_value(original);
            node.own.add_error(error);
        }
        pair
    });
    *value = Value::Array(list.collect());
}

fn one_pair(item: Value, convert: Convert) -> (Value, Option<(Value, MetaError)>) {
    let parts = match item {
        Value::Null => return (Value::Null, None),
        Value::Array(parts) if parts.len() == 2 => parts,
        other => return (Value::Null, Some((other, expected("a tuple")))),
    };
    let [key, value] = <[Value; 2]>::try_from(parts).unwrap_or_default();
    let named = !key.is_null();
    let key = match key {
        Value::String(key) => key,
        other => other.to_string(),
    };
    let original = if value.is_string() { Value::Null } else { value.clone() };
    match convert(&key, value) {
        (key, Ok(value)) => (json!([named.then_some(key), value]), None),
        (key, Err(error)) => (json!([named.then_some(key), null]), Some((original, error))),
    }
}

fn query_string(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    if let Value::String(text) = value {
        let text = text.strip_prefix('?').unwrap_or(text);
        *value = decode_form(text).into_iter().map(|(key, value)| json!([key, value])).collect();
        return;
    }
    pairs(value, "a query string or map", |key, value| (key.to_owned(), Ok(json_text(value))), path, meta);
}

pub(super) fn cookies(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    if let Value::String(text) = value {
        let original = text.clone();
        let (list, complete) = parse_cookies(text);
        *value = list;
        if !complete {
            let node = meta.at(path);
            node.own.set_original_value(Value::String(original));
            node.own.add_error(MetaError::with_reason("invalid_data", "the cookie is missing a name/value pair"));
        }
        return;
    }
    pairs(value, "cookies", |key, value| (key.to_owned(), text_or_null(value)), path, meta);
}

fn text_or_null(value: Value) -> Result<Value, MetaError> {
    if value.is_null() || value.is_string() { Ok(value) } else { Err(expected("a string")) }
}

fn lenient_or_null(value: Value) -> Result<Value, MetaError> {
    if value.is_null() { Ok(value) } else { scalars::lenient_text(&value) }
}

/// The pairs of a cookie header, and whether every part was one.
fn parse_cookies(text: &str) -> (Value, bool) {
    let mut complete = true;
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let list = parts
        .filter_map(|part| match part.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => Some(json!([percent_decoded(name.trim()), percent_decoded(value.trim())])),
            _ => {
                complete = false;
                None
            }
        })
        .collect();
    (list, complete)
}

/// A text with its percent escapes resolved; `+` stays.
fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let escaped = text.replace('+', "%2B");
    url::form_urlencoded::parse(escaped.replace('&', "%26").replace('=', "%3D").as_bytes())
        .next()
        .map_or_else(String::new, |(key, _)| without_nul(&key))
}

/// `x-foo` → `X-Foo`: the first letter of every part; the others stay as sent.
fn canonical(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut start = true;
    for c in name.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        start = c == '-';
    }
    out
}

pub(super) fn headers(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    let convert: Convert = |name, value| {
        let value = match value {
            Value::Array(items) => {
                let texts: Vec<String> = items
                    .into_iter()
                    .filter_map(|item| scalars::lenient_text(&item).ok())
                    .filter_map(|t| t.as_str().map(str::to_owned))
                    .collect();
                Ok(Value::String(texts.join(",")))
            }
            other => lenient_or_null(other),
        };
        (canonical(name), value)
    };
    pairs(value, "an array", convert, path, meta);
}

/// The value of a header of the normalised request.
pub(super) fn header<'v>(event: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    let headers = event.get("request")?.get("headers")?.as_array()?;
    headers.iter().find(|pair| pair.get(0).and_then(Value::as_str).is_some_and(|key| key.eq_ignore_ascii_case(name)))?.get(1)?.as_str()
}

/// Takes the URL apart, moves the cookie header, parses the body.
pub(super) fn finish(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    let Some(Value::Object(request)) = event.get_mut("request") else { return };
    url_parts(request);
    cookie_header(request, &Path::Key(&Path::Root, "request"), meta);
    read_body(request);
    request.retain(|key, value| match value {
        Value::String(text) => !text.is_empty() || key != "url",
        Value::Array(items) if key != "data" => !items.is_empty(),
        Value::Object(map) if key != "data" => !map.is_empty(),
        _ => true,
    });
    if request.is_empty() {
        event.remove("request");
    }
}

/// Parses the body of a request or a response, and says what it is.
fn read_body(holder: &mut Map<String, Value>) {
    let body = holder.get("data").and_then(Value::as_str).and_then(parse_body);
    if let Some((data, kind)) = body {
        holder.insert("data".to_owned(), data);
        holder.insert("inferred_content_type".to_owned(), Value::String(kind.to_owned()));
    } else if !holder.contains_key("inferred_content_type")
        && let Some(kind) = content_type(holder)
    {
        holder.insert("inferred_content_type".to_owned(), Value::String(kind));
    }
}

fn content_type(request: &Map<String, Value>) -> Option<String> {
    let headers = request.get("headers")?.as_array()?;
    let value = headers.iter().find(|pair| pair.get(0).and_then(Value::as_str) == Some("Content-Type"))?.get(1)?.as_str()?;
    Some(value.split(';').next().unwrap_or(value).to_owned())
}

fn url_parts(request: &mut Map<String, Value>) {
    let Some(sent) = filled_text(request, "url") else { return };
    let sent = sent.strip_suffix('…').map_or_else(|| sent.to_owned(), |head| format!("{head}..."));
    let (url, query, fragment) = split_url(&sent);
    request.insert("url".to_owned(), Value::String(url));
    if let Some(query) = query.filter(|q| !q.is_empty())
        && !request.contains_key("query_string")
    {
        request.insert("query_string".to_owned(), decode_form(&query).into_iter().map(|(key, value)| json!([key, value])).collect());
    }
    if let Some(fragment) = fragment.filter(|f| !f.is_empty())
        && !request.contains_key("fragment")
    {
        request.insert("fragment".to_owned(), Value::String(fragment));
    }
}

/// A URL without query and fragment, and these two.
fn split_url(text: &str) -> (String, Option<String>, Option<String>) {
    if let Ok(mut url) = Url::parse(text) {
        let (query, fragment) = (url.query().map(str::to_owned), url.fragment().map(str::to_owned));
        url.set_query(None);
        url.set_fragment(None);
        return (url.to_string(), query, fragment);
    }
    let (head, fragment) = text.split_once('#').map_or((text, None), |(head, tail)| (head, Some(tail.to_owned())));
    let (head, query) = head.split_once('?').map_or((head, None), |(head, tail)| (head, Some(tail.to_owned())));
    (head.to_owned(), query, fragment)
}

fn cookie_header(request: &mut Map<String, Value>, path: &Path<'_>, meta: &mut MetaTree) {
    let Some(Value::Array(headers)) = request.get_mut("headers") else { return };
    let Some(at) =
        headers.iter().position(|pair| pair.get(0).and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case("cookie")))
    else {
        return;
    };
    let parsed = headers[at].get(1).and_then(Value::as_str).map(parse_cookies);
    let (has_cookies, headers) = (request.contains_key("cookies"), request.get_mut("headers").and_then(Value::as_array_mut));
    // One that is more than names and values stays: it is not known what it says.
    let is_read = has_cookies || matches!(&parsed, Some((Value::Array(list), true)) if !list.is_empty());
    let Some(headers) = headers.filter(|_| is_read) else { return };
    headers.remove(at);
    let place = path.key("headers");
    let mut notes = meta.take(&place);
    if !notes.is_empty() {
        notes.close_gap(at);
        *meta.at(&place) = notes;
    }
    if let Some((list, _)) = parsed
        && !has_cookies
    {
        request.insert("cookies".to_owned(), list);
    }
}

/// The cookies of one `Set-Cookie` header; none of a header that says more than names and values.
fn set_cookies(pair: &Value) -> Option<Vec<Value>> {
    if pair.get(0).and_then(Value::as_str) != Some("Set-Cookie") {
        return None;
    }
    match parse_cookies(pair.get(1)?.as_str()?) {
        (Value::Array(list), true) if !list.is_empty() => Some(list),
        _ => None,
    }
}

/// Moves the `Set-Cookie` headers of a response to its cookies, unless it has those of its own.
fn response_cookies(response: &mut Map<String, Value>, path: &Path<'_>, meta: &mut MetaTree) {
    let Some(Value::Array(headers)) = response.get_mut("headers") else { return };
    let mut found = Vec::new();
    // Where each header goes.
    let (mut places, mut next) = (Vec::with_capacity(headers.len()), 0);
    headers.retain(|pair| {
        let cookies = set_cookies(pair);
        places.push(cookies.is_none().then_some(next));
        next += usize::from(cookies.is_none());
        cookies.map(|list| found.extend(list)).is_none()
    });
    if found.is_empty() {
        return;
    }
    let place = path.key("headers");
    let mut notes = meta.take(&place);
    if !notes.is_empty() {
        notes.move_items(|index| places.get(index).copied().flatten());
        *meta.at(&place) = notes;
    }
    if headers.is_empty() {
        response.remove("headers");
    }
    if !response.contains_key("cookies") {
        response.insert("cookies".to_owned(), Value::Array(found));
    }
}

/// A body that is JSON or a form, and its kind.
fn parse_body(text: &str) -> Option<(Value, &'static str)> {
    if let Ok(mut parsed) = serde_json::from_str::<Value>(text)
        && !parsed.is_null()
    {
        strip_nul(&mut parsed);
        return Some((parsed, "application/json"));
    }
    if text.is_empty() || ["<?xml", "{", "["].iter().any(|start| text.starts_with(start)) {
        return None;
    }
    let pairs = decode_form(text);
    let telling = pairs.len() > 1 || pairs.first().is_some_and(|(key, value)| !value.is_empty() && value != key);
    if !telling {
        return None;
    }
    let map: Map<String, Value> = pairs.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
    Some((Value::Object(map), "application/x-www-form-urlencoded"))
}

/// Adds a header to the event's request, unless it has one of that name.
pub(super) fn add_header(event: &mut Map<String, Value>, name: &str, value: &str) {
    if header(event, name).is_some() {
        return;
    }
    let request = event.entry("request").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(request) = request
        && let Value::Array(headers) = request.entry("headers").or_insert_with(|| Value::Array(Vec::new()))
    {
        headers.push(json!([name, value]));
    }
}

/// Moves the cookies of a response out of its headers, and tells the kind of its body from them.
pub(super) fn finish_response(response: &mut Map<String, Value>, path: &Path<'_>, meta: &mut MetaTree) {
    response_cookies(response, path, meta);
    read_body(response);
}
