//! Any JSON value as one line, and as an indented tree when one line cannot hold it; both bounded.

use serde_json::Value;

use super::{json, notes, source::Token};

/// A value, ready to print.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValueView {
    /// One line.
    pub preview: Vec<Token>,
    /// Indented; empty when the line says it all.
    pub tree: Vec<Token>,
    /// What was trimmed or filtered here.
    pub note: Option<String>,
}

/// One line of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: ValueView,
    /// Where the value leads, when it is a web address (http or https only).
    pub href: Option<String>,
}

/// Characters of the one-line form.
const PREVIEW_CHARS: usize = 120;
/// Characters of the tree: normalising cuts values far below.
const TREE_CHARS: usize = 40_000;
/// Depth of the tree; deeper parts are named, not shown.
const TREE_DEPTH: usize = 12;
/// Rows of one table.
pub(super) const MAX_ROWS: usize = 500;

impl ValueView {
    /// The view of a value; `meta` is its own node in `_meta`.
    pub(super) fn new(value: &Value, meta: &Value) -> Self {
        let mut line = Printer { left: PREVIEW_CHARS, depth: 4, indented: false, out: Vec::new() };
        line.value(value, 0, true);
        let mut tree = Vec::new();
        let nested = matches!(value, Value::Object(m) if !m.is_empty()) || matches!(value, Value::Array(l) if !l.is_empty());
        if nested && (line.left == 0 || has_containers(value)) {
            let mut printer = Printer { left: TREE_CHARS, depth: TREE_DEPTH, indented: true, out: Vec::new() };
            printer.value(value, 0, false);
            tree = printer.out;
        }
        if let Value::String(text) = value {
            line.out = vec![string_token(text)];
        }
        Self { preview: line.out, tree, note: notes::note(meta, value) }
    }

    /// Plain text without a tree.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { preview: vec![Token::plain(text)], ..Self::default() }
    }

    /// The one-line form as text.
    pub fn text(&self) -> String {
        self.preview.iter().map(|t| t.text.as_str()).collect()
    }
}

/// Texts at the top of a value stand as they are: a local's `repr` has its own quotes. Filtered ones are greyed.
fn string_token(text: &str) -> Token {
    let css = if text.contains("[Filtered]") { "f" } else { "" };
    Token::new(css, json::cut(text, json::MAX_TEXT))
}

fn has_containers(value: &Value) -> bool {
    let inner = |v: &Value| v.is_object() || v.is_array();
    match value {
        Value::Object(map) => map.values().any(inner),
        Value::Array(list) => list.iter().any(inner),
        _ => false,
    }
}

/// Rows of an object or list of pairs; at most [`MAX_ROWS`].
pub(super) fn rows(container: Option<&Value>, meta: &Value) -> Vec<Row> {
    let pairs = json::pairs(container, MAX_ROWS);
    let is_list = container.is_some_and(Value::is_array);
    let meta_of = |index: usize, key: &str| if is_list { notes::nth(notes::nth(meta, index), 1) } else { notes::at(meta, key) };
    pairs.into_iter().enumerate().map(|(index, (key, value))| row(&key, value, meta_of(index, &key))).collect()
}

/// One row, with a link if its value is a web address.
pub(super) fn row(key: &str, value: &Value, meta: &Value) -> Row {
    let href = value.as_str().filter(|t| t.len() < 2000).and_then(crate::web::urls::safe_href);
    Row { key: key.to_owned(), value: ValueView::new(value, meta), href }
}

struct Printer {
    left: usize,
    depth: usize,
    indented: bool,
    out: Vec<Token>,
}

impl Printer {
    fn push(&mut self, css: &'static str, text: &str) {
        if self.left == 0 {
            return;
        }
        let piece = json::cut(text, self.left);
        self.left = self.left.saturating_sub(text.chars().count());
        if self.left == 0 && !piece.ends_with('…') {
            self.out.push(Token::new(css, piece));
            self.out.push(Token::new("p", "…"));
            return;
        }
        match self.out.last_mut() {
            Some(last) if last.css == css => last.text.push_str(&piece),
            _ => self.out.push(Token::new(css, piece)),
        }
    }

    fn value(&mut self, value: &Value, level: usize, top: bool) {
        match value {
            Value::Null => self.push("k", "null"),
            Value::Bool(b) => self.push("k", if *b { "true" } else { "false" }),
            Value::Number(n) => self.push("n", &n.to_string()),
            Value::String(s) if top => self.push("", s),
            Value::String(s) if s.contains("[Filtered]") => self.push("f", s),
            Value::String(s) => {
                let quoted = Value::String(json::cut(s, self.left + 1)).to_string();
                self.push("s", &quoted);
            }
            Value::Array(list) => self.list(list, level),
            Value::Object(map) => self.map(map, level),
        }
    }

    fn list(&mut self, list: &[Value], level: usize) {
        if level >= self.depth && !list.is_empty() {
            return self.push("p", &format!("[… {}]", list.len()));
        }
        self.push("p", "[");
        for (index, item) in list.iter().enumerate() {
            if self.left == 0 {
                return;
            }
            self.separate(index, level);
            self.value(item, level + 1, false);
        }
        self.close(!list.is_empty(), level, "]");
    }

    fn map(&mut self, map: &serde_json::Map<String, Value>, level: usize) {
        if level >= self.depth && !map.is_empty() {
            return self.push("p", &format!("{{… {}}}", map.len()));
        }
        self.push("p", "{");
        for (index, (key, item)) in map.iter().enumerate() {
            if self.left == 0 {
                return;
            }
            self.separate(index, level);
            self.push("", &json::cut(key, 200));
            self.push("p", ": ");
            self.value(item, level + 1, false);
        }
        self.close(!map.is_empty(), level, "}");
    }

    fn separate(&mut self, index: usize, level: usize) {
        match (self.indented, index) {
            (true, 0) => self.push("p", &format!("\n{}", "  ".repeat(level + 1))),
            (true, _) => self.push("p", &format!(",\n{}", "  ".repeat(level + 1))),
            (false, 0) => {}
            (false, _) => self.push("p", ", "),
        }
    }

    fn close(&mut self, filled: bool, level: usize, bracket: &str) {
        if self.indented && filled {
            self.push("p", &format!("\n{}", "  ".repeat(level)));
        }
        self.push("p", bracket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(value: &Value) -> String {
        ValueView::new(value, &Value::Null).text()
    }

    #[test]
    fn small_values_stay_on_one_line_and_nested_ones_get_a_tree() {
        assert_eq!(line(&json!("<Response [503]>")), "<Response [503]>");
        assert_eq!(line(&json!({"id": 7, "total": "84.20", "ok": null})), "{id: 7, ok: null, total: \"84.20\"}");
        assert!(ValueView::new(&json!({"id": 7}), &Value::Null).tree.is_empty());
        let nested = ValueView::new(&json!({"a": [1, {"b": []}]}), &Value::Null);
        let tree: String = nested.tree.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(tree, "{\n  a: [\n    1,\n    {\n      b: []\n    }\n  ]\n}");
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        let wide: Value = (0..100_000).collect::<Vec<i32>>().into();
        for value in [deep, wide, json!("é".repeat(100_000)), json!({"k".repeat(5000): "v".repeat(90_000)})] {
            let view = ValueView::new(&value, &Value::Null);
            let tree: usize = view.tree.iter().map(|t| t.text.chars().count()).sum();
            assert!(tree <= TREE_CHARS + 2 && view.text().chars().count() <= json::MAX_TEXT + 1);
            assert!(value.is_string() || view.text().chars().count() <= PREVIEW_CHARS + 2);
        }
    }

    #[test]
    fn only_web_addresses_get_links() {
        assert_eq!(row("u", &json!("https://a.example/x"), &Value::Null).href.as_deref(), Some("https://a.example/x"));
        assert_eq!(row("u", &json!("javascript:alert(1)"), &Value::Null).href, None);
    }
}
