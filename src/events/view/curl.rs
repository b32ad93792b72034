//! A request as a command for a terminal. Every part is quoted so that a shell and a terminal take it for text, and curl for what it is: no
//! file name, no option.

use std::fmt::Write as _;

use serde_json::Value;

use super::json;

/// Headers that curl writes itself, or that belong to the connection.
const OWN: [&str; 7] = ["host", "content-length", "connection", "transfer-encoding", "accept-encoding", "keep-alive", "cookie"];
const MAX_HEADERS: usize = 100;
/// Characters of a header's value, and of the body.
const MAX_VALUE: usize = 4_000;

/// The command; `url` has query and fragment. Nothing for an address that is not one of the web.
pub(super) fn command(request: &Value, url: &str) -> Option<String> {
    crate::web::urls::safe_href(url.split(['?', '#']).next().unwrap_or_default())?;
    let url = url.split('#').next().unwrap_or_default();
    let headers = json::pairs(request.get("headers"), MAX_HEADERS);
    let header =
        |wanted: &str| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| json::text(Some(value)));
    let mut out = "curl".to_owned();
    // Without it `[` and `{` are patterns.
    if url.contains(['[', ']', '{', '}']) {
        out.push_str(" --globoff");
    }
    let (method, body) = (json::text(request.get("method")), body(request, &header("content-type").unwrap_or_default()));
    let implied = if body.is_some() { "POST" } else { "GET" };
    if method == "HEAD" {
        out.push_str(" --head");
    } else if !method.is_empty() && method != implied {
        let _ = write!(out, " -X {}", quoted(&json::cut(&method, 40)));
    }
    let _ = write!(out, " {}", quoted(&json::cut(url, MAX_VALUE)));
    if header("accept-encoding").is_some() {
        out.push_str(" --compressed");
    }
    for (name, value) in &headers {
        if is_name(name) && !OWN.contains(&name.to_ascii_lowercase().as_str()) {
            header_line(&mut out, name, &json::text(Some(value)));
        }
    }
    let cookies: Vec<String> = json::pairs(request.get("cookies"), MAX_HEADERS)
        .iter()
        .map(|(name, value)| format!("{name}={}", json::text(Some(value))))
        .collect();
    let cookies = if cookies.is_empty() { header("cookie").unwrap_or_default() } else { cookies.join("; ") };
    if !cookies.is_empty() {
        header_line(&mut out, "Cookie", &cookies);
    }
    if let Some(body) = body {
        let _ = write!(out, " \\\n  --data-raw {}", quoted(&body));
    }
    Some(out)
}

/// A name that HTTP knows: nothing that curl would read a file for.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) && !name.starts_with('-')
}

fn header_line(out: &mut String, name: &str, value: &str) {
    // A line end would begin another header. An empty value stands behind a semicolon, else curl takes the header out.
    let value = json::cut(value, MAX_VALUE).replace(['\r', '\n'], " ");
    let line = if value.trim().is_empty() { format!("{name};") } else { format!("{name}: {value}") };
    let _ = write!(out, " \\\n  -H {}", quoted(&line));
}

/// What was sent, as far as it is stored.
fn body(request: &Value, content_type: &str) -> Option<String> {
    let text = match request.get("data")? {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        data if content_type.contains("x-www-form-urlencoded") && (data.is_object() || data.is_array()) => {
            let pairs = json::pairs(Some(data), 500).into_iter().map(|(key, value)| (key, json::text(Some(value))));
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
        }
        data => data.to_string(),
    };
    (!text.is_empty()).then(|| json::cut(&text, json::MAX_TEXT))
}

/// The text as one word of a shell. Controls, which end a paste or a line, and what turns the writing stand as escapes (bash, zsh, ksh).
fn quoted(text: &str) -> String {
    let is_unseen = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(is_unseen) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut out = "$'".to_owned();
    for c in text.chars() {
        let _ = match c {
            '\n' => write!(out, r"\n"),
            '\r' => write!(out, r"\r"),
            '\t' => write!(out, r"\t"),
            '\\' => write!(out, r"\\"),
            '\'' => write!(out, r"\'"),
            c if c.is_ascii_control() => write!(out, r"\x{:02x}", c as u32),
            c if is_unseen(c) => write!(out, r"\u{:04x}", c as u32),
            c => write!(out, "{c}"),
        };
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(request: &Value) -> Option<String> {
        command(request, request["url"].as_str().unwrap())
    }

    #[test]
    fn a_request_can_be_sent_again() {
        let request = json!({"method": "POST", "url": "https://shop.example/checkout?token=[Filtered]#pay", "data": {"card": "[Filtered]", "note": "it's"},
            "headers": [["Host", "shop.example"], ["Content-Type", "application/json"], ["Authorization", "[Filtered]"], ["X-Empty", ""], ["Accept-Encoding", "gzip"]],
            "cookies": [["sessionid", "[Filtered]"]]});
        let expected = r#"curl --globoff 'https://shop.example/checkout?token=[Filtered]' --compressed \
  -H 'Content-Type: application/json' \
  -H 'Authorization: [Filtered]' \
  -H 'X-Empty;' \
  -H 'Cookie: sessionid=[Filtered]' \
  --data-raw '{"card":"[Filtered]","note":"it'\''s"}'"#;
        assert_eq!(of(&request).unwrap(), expected);
        let form = json!({"method": "PUT", "url": "http://a.example/", "data": {"a": "b c"}, "headers": [["content-type", "application/x-www-form-urlencoded"]]});
        assert!(of(&form).unwrap().starts_with("curl -X 'PUT' 'http://a.example/' \\\n"));
        assert!(of(&form).unwrap().ends_with("--data-raw 'a=b+c'"));
        assert_eq!(of(&json!({"method": "GET", "url": "https://a.example/x"})).unwrap(), "curl 'https://a.example/x'");
        assert_eq!(of(&json!({"method": "HEAD", "url": "https://a.example/x"})).unwrap(), "curl --head 'https://a.example/x'");
    }

    #[test]
    fn nothing_sent_becomes_an_option_a_file_or_a_command() {
        for url in ["-o/etc/passwd", "file:///etc/passwd", "/relative", "javascript:alert(1)", "'; rm -rf ~; '"] {
            assert_eq!(of(&json!({"url": url})), None, "{url}");
        }
        let evil = "x'; touch /tmp/x; '$(id)`id`";
        let request = json!({"method": evil, "url": "https://a.example/", "data": format!("@/etc/passwd\n{evil}"), "cookies": {"a": "/etc/passwd"},
            "headers": [["@/etc/passwd", "x"], ["-K", "x"], ["X-A", "b\r\nX-Injected: c"], ["X-B", "\u{3}\u{1b}[201~rm -rf ~\u{202e}'\\"], ["X C", "x"]]});
        let text = of(&request).unwrap();
        assert_eq!(text.matches("-H ").count(), 3, "{text}");
        for part in [
            r"-H 'X-A: b  X-Injected: c'",
            r"-H $'X-B: \x03\x1b[201~rm -rf ~\u202e\'\\'",
            r"-H 'Cookie: a=/etc/passwd'",
            r"--data-raw $'@/etc/passwd\nx\'; touch /tmp/x; \'$(id)`id`'",
            r"-X 'x'\''; touch /tmp/x; '\''$(id)`id`'",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("-H '@") && !text.chars().any(|c| c.is_control() && c != '\n'));
    }
}
