//! An issue's history: who did what, and what events did to it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::IssueId;
use super::view::activity::ActivityLine;
use crate::accounts::UserId;
use crate::web::{When, urls};

/// Lines shown: the newest.
const LINES: i64 = 50;

/// How a split's detail begins; the id of the other issue follows.
pub(super) const SPLIT_INTO: &str = "into";
pub(super) const SPLIT_FROM: &str = "from";

/// What a comment is called in the history; its detail is what was said.
pub(super) const COMMENTED: &str = "commented";

/// One row of the history.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    activity_id: i64,
    user_id: Option<i64>,
    kind: String,
    detail: String,
    at: DateTime<Utc>,
    email: Option<String>,
}

/// The newest entries, newest first.
pub(super) async fn read(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Vec<Entry>> {
    // joins: users
    let entries = sqlx::query_as!(
        Entry,
        r#"select a.activity_id, a.user_id, a.kind, a.detail, a.at, u.email as "email?"
        from issue_activity a
        left join users u on u.user_id = a.user_id
        where a.project_id = $1
            and (a.issue_id = $2 or a.issue_id in (select m.issue_id from issues m where m.project_id = $1 and m.merged_into = $2))
        order by a.at desc, a.activity_id desc
        limit $3"#,
        issue.project().0,
        issue.0,
        LINES
    );
    entries.fetch_all(db).await
}

/// Deletes a comment if it is this person's, of the issue or of one that was merged into it; whether it did.
pub(super) async fn delete_comment(db: &mut PgConnection, (issue, comment): (IssueId, i64), by: UserId) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from issue_activity a
        where a.project_id = $1 and a.activity_id = $3 and a.user_id = $4 and a.kind = 'commented'
            and (a.issue_id = $2 or a.issue_id in (select m.issue_id from issues m where m.project_id = $1 and m.merged_into = $2))",
        issue.project().0,
        issue.0,
        comment,
        by.0
    );
    Ok(deleted.execute(db).await?.rows_affected() > 0)
}

impl Entry {
    /// The entry in words, for one who looks at the issue's page.
    pub(super) fn line(&self, (issue, prefix): (IssueId, &str), viewer: UserId, now: DateTime<Utc>) -> ActivityLine {
        let release = if self.detail.is_empty() { String::new() } else { format!("in {}", self.detail) };
        let person = || self.email.clone().unwrap_or_else(|| "Somebody".to_owned());
        let (who, what) = match self.kind.as_str() {
            "appeared" => ("First seen".to_owned(), release),
            "regressed" => ("Regressed".to_owned(), release),
            "spiked" => ("Spiked".to_owned(), self.detail.clone()),
            "unignored" => ("Open again".to_owned(), format!("after it was ignored: {}", self.detail)),
            "calmed" => ("Spike over".to_owned(), self.detail.clone()),
            COMMENTED => (person(), String::new()),
            "merged" => (person(), format!("merged into it: {}", self.detail)),
            "split" => (person(), self.split(prefix)),
            "regrouped" => ("Regrouped".to_owned(), "by new rules".to_owned()),
            "undone" => (person(), format!("undid {}", if self.detail == "rules" { "the new rules" } else { &self.detail })),
            done => (person(), format!("{done} it {}", self.detail).trim_end().to_owned()),
        };
        let is_comment = self.kind == COMMENTED;
        ActivityLine {
            who,
            what,
            at: When::new(self.at, now),
            said: if is_comment { self.detail.clone() } else { String::new() },
            delete: (is_comment && self.user_id == Some(viewer.0)).then(|| urls::comment_delete(issue, self.activity_id)),
        }
    }

    /// Which issue was split out of which: the detail names the other one. (Lines from before it did have a title.)
    fn split(&self, prefix: &str) -> String {
        let other = |id: &str| id.parse().ok().map(|id| IssueId(id).short_id(prefix));
        match self.detail.split_once(' ') {
            Some((SPLIT_INTO, id)) => other(id).map(|id| format!("split {id} out of it")),
            Some((SPLIT_FROM, id)) => other(id).map(|id| format!("split it out of {id}")),
            _ => None,
        }
        .unwrap_or_else(|| "split hashes out of it, or it out of another".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, detail: &str, email: Option<&str>) -> Entry {
        let at = DateTime::from_timestamp(1_795_530_787, 0).unwrap();
        Entry { activity_id: 7, user_id: Some(3), kind: kind.to_owned(), detail: detail.to_owned(), at, email: email.map(str::to_owned) }
    }

    #[test]
    fn only_ones_own_comment_can_be_deleted() {
        let entry = entry(COMMENTED, "Seen.\nAgain.", Some("mira@example.org"));
        let told = entry.line((IssueId(9), "SHOP"), UserId(3), entry.at);
        assert_eq!((told.who.as_str(), told.what.as_str(), told.said.as_str()), ("mira@example.org", "", "Seen.\nAgain."));
        assert_eq!(told.delete.as_deref(), Some("/issues/9/comments/7/delete"));
        assert_eq!(entry.line((IssueId(9), "SHOP"), UserId(4), entry.at).delete, None);
    }

    #[test]
    fn history_reads_as_people_tell_it() {
        let now = DateTime::from_timestamp(1_795_530_787, 0).unwrap();
        for (kind, detail, email, line) in [
            ("appeared", "1.4.1", None, ("First seen", "in 1.4.1")),
            ("appeared", "", None, ("First seen", "")),
            ("regressed", "1.4.2", None, ("Regressed", "in 1.4.2")),
            ("resolved", "", Some("mira@example.org"), ("mira@example.org", "resolved it")),
            ("ignored", "", None, ("Somebody", "ignored it")),
            (
                "ignored",
                "until 100 more events came",
                Some("mira@example.org"),
                ("mira@example.org", "ignored it until 100 more events came"),
            ),
            ("unignored", "its time was over", None, ("Open again", "after it was ignored: its time was over")),
            ("reopened", "", Some("mira@example.org"), ("mira@example.org", "reopened it")),
            ("merged", "Boom: it broke", Some("mira@example.org"), ("mira@example.org", "merged into it: Boom: it broke")),
            ("spiked", "41 in 5 min, usually 2 per hour", None, ("Spiked", "41 in 5 min, usually 2 per hour")),
            ("calmed", "after 45 min: 312 events", None, ("Spike over", "after 45 min: 312 events")),
            ("undone", "rules", None, ("Somebody", "undid the new rules")),
            ("split", "into 4294967299", Some("mira@example.org"), ("mira@example.org", "split SHOP-3 out of it")),
            ("split", "from 4294967297", None, ("Somebody", "split it out of SHOP-1")),
            ("split", "into the void", None, ("Somebody", "split hashes out of it, or it out of another")),
        ] {
            let entry = entry(kind, detail, email);
            let told = entry.line((IssueId(9), "SHOP"), UserId(3), now);
            assert_eq!((told.said.as_str(), told.delete), ("", None));
            assert_eq!((told.who.as_str(), told.what.as_str()), line);
        }
    }
}
