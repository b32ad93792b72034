//! # The text that an issue is found by
//! **Promise.** Words of the title, the culprit, the exceptions, the files and functions of the stack and the transaction of an issue's first event
//! find it, at the cost of the hits and not of the issues. **How.** One lower-cased, bounded text per issue ([`of`]) under an index of its trigrams, written when the issue is made.
//! **When it breaks.** What only later events said is found while a list walks over titles, and not by this. **Not here.** Tags (`events::pairs`).

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::PgConnection;

use crate::accounts::IssueId;

/// Bytes of one issue's text.
const MAX: usize = 1_500;
/// Bytes of one part.
const MAX_PART: usize = 200;

/// The text of an issue whose first event this is.
pub fn of(title: &str, culprit: &str, event: &Value) -> String {
    let mut parts = Parts { text: String::with_capacity(512), seen: BTreeSet::new() };
    parts.add(title);
    parts.add(culprit);
    parts.add(event["transaction"].as_str().unwrap_or_default());
    let exceptions: Vec<&Value> = event.pointer("/exception/values").and_then(Value::as_array).into_iter().flatten().collect();
    // Newest first: what is cut is the least wanted.
    for exception in exceptions.iter().rev() {
        for key in ["type", "value"] {
            parts.add(exception[key].as_str().unwrap_or_default());
        }
    }
    let stacks = exceptions.iter().rev().map(|exception| &exception["stacktrace"]).chain([&event["stacktrace"]]);
    let frames: Vec<&Value> = stacks.flat_map(|stack| stack["frames"].as_array().into_iter().flatten().rev()).collect();
    let is_own = |frame: &&&Value| frame["in_app"].as_bool() != Some(false);
    for frame in frames.iter().filter(is_own).chain(frames.iter().filter(|frame| !is_own(frame))) {
        for key in ["function", "filename", "module"] {
            parts.add(frame[key].as_str().unwrap_or_default());
        }
    }
    parts.text
}

struct Parts {
    text: String,
    seen: BTreeSet<String>,
}

impl Parts {
    fn add(&mut self, part: &str) {
        let part = part[..part.floor_char_boundary(MAX_PART)].replace('\0', "\u{fffd}").to_lowercase();
        if part.is_empty() || self.text.len() + part.len() >= MAX || !self.seen.insert(part.clone()) {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&part);
    }
}

/// Writes the texts of new issues.
pub async fn add(db: &mut PgConnection, texts: &[(IssueId, String)]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into issue_texts (project_id, issue_id, text) select * from unnest($1::int[], $2::bigint[], $3::text[]) on conflict do nothing",
        &texts.iter().map(|(issue, _)| issue.project().0).collect::<Vec<_>>(),
        &texts.iter().map(|(issue, _)| issue.0).collect::<Vec<_>>(),
        &texts.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Issues whose text matches, merged ones under the number they had; at most `limit`.
pub(super) async fn find(db: &mut PgConnection, projects: &[i32], pattern: &str, limit: i64) -> sqlx::Result<Vec<IssueId>> {
    let found = sqlx::query_scalar!(
        r#"select issue_id as "issue!: IssueId" from issue_texts where project_id = any($1) and text like $2 limit $3"#,
        projects,
        pattern,
        limit
    );
    found.fetch_all(db).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_text_has_what_people_remember_newest_and_own_code_first() {
        let frame = |function: &str, in_app: bool| json!({"function": function, "filename": format!("{function}.py"), "in_app": in_app});
        let event = json!({
            "transaction": "/Checkout",
            "exception": {"values": [
                {"type": "OSError", "value": "no route"},
                {"type": "PaymentError", "value": "Card Declined", "stacktrace": {"frames": [frame("library", false), frame("Pay", true)]}},
            ]},
        });
        let text = of("PaymentError: Card Declined", "shop in pay", &event);
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "paymenterror: card declined",
                "shop in pay",
                "/checkout",
                "paymenterror",
                "card declined",
                "oserror",
                "no route",
                "pay",
                "pay.py",
                "library",
                "library.py"
            ]
        );
        assert_eq!(of("", "", &json!({"exception": 7})), "");
    }

    #[test]
    fn it_is_bounded() {
        let frames: Vec<Value> = (0..500).map(|n| json!({"function": format!("f{n}")})).collect();
        let text = of(&"é".repeat(5_000), "", &json!({"stacktrace": {"frames": frames}}));
        assert!(text.len() <= MAX && text.contains("f499") && !text.contains("f3\n"), "{}", text.len());
    }
}
