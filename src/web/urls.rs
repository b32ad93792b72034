//! # Every address of the dashboard
//! **Promise.** Handlers, templates and mails build addresses here and nowhere else; every variable part is percent-encoded, and the path of the public address stands before it ([`prefix`]). **Not here.** Which handler answers (`routes`), static files ([`super::assets`]).

mod issue;
mod mails;
mod rules;

use std::fmt::Display;

use serde::Deserialize;

pub use issue::{
    attachment, comment_delete, correction_undo, event, event_grouping, event_json, event_markdown, issue, issue_action, issue_comments,
    issue_csv, issue_events, issue_json, issue_markdown, issue_told,
};
pub use mails::{MailQuery, mail, mail_again, mail_html, mail_test, mails};
pub use rules::{alert_rule, alert_rule_delete, alert_rule_move, alert_rule_switch, project_alerts, project_mute, project_unmute};

use super::prefix;

/// Percent-encodes one path segment or query value.
fn enc(text: impl Display) -> String {
    // `+` for blanks is right only in queries; `%20` is right in both.
    url::form_urlencoded::byte_serialize(text.to_string().as_bytes()).collect::<String>().replace('+', "%20")
}

/// The front page: the open issues of all projects.
pub fn home() -> String {
    prefix::add("/issues")
}
/// The sign-in form.
pub fn sign_in() -> String {
    prefix::add("/sign-in")
}
/// The sign-in form, which leads to `next` (a path of this dashboard) afterwards.
pub fn sign_in_then(next: &str) -> String {
    prefix::add(&format!("/sign-in?next={}", enc(next)))
}
/// POST: ends the session.
pub fn sign_out() -> String {
    prefix::add("/sign-out")
}
/// The one-time form that makes the first account.
pub fn set_up(token: &str) -> String {
    prefix::add(&format!("/set-up/{}", enc(token)))
}
/// The account page.
pub fn account() -> String {
    prefix::add("/account")
}
/// POST: changes the password.
pub fn account_password() -> String {
    prefix::add("/account/password")
}
/// POST: ends one other session.
pub fn session_end(id: impl Display) -> String {
    prefix::add(&format!("/account/sessions/{}/end", enc(id)))
}
/// All projects; POST creates one.
pub fn projects() -> String {
    prefix::add("/projects")
}
/// The form for a new project.
pub fn project_new() -> String {
    prefix::add("/projects/new")
}
/// One project: DSN, snippets, whether events arrive.
pub fn project(slug: &str) -> String {
    prefix::add(&format!("/projects/{}", enc(slug)))
}
/// One project with the snippet of `platform` shown.
pub fn project_snippet(slug: &str, platform: &str) -> String {
    prefix::add(&format!("/projects/{}?platform={}#install", enc(slug), enc(platform)))
}
/// JSON `{"waiting":bool,"href":"…"}`: has the first event come?
pub fn project_waiting(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/waiting.json", enc(slug)))
}
/// Members and keys; POST renames.
pub fn project_settings(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/settings", enc(slug)))
}
/// POST: where the frames of events lead.
pub fn project_source(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/settings/source", enc(slug)))
}
/// What must never be stored; POST changes it.
pub fn project_scrubbing(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/settings/scrubbing", enc(slug)))
}
/// What nobody wants to see; POST changes it.
pub fn project_filters(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/settings/filters", enc(slug)))
}
/// Which events are the same bug; POST changes it.
pub fn project_grouping(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/settings/grouping", enc(slug)))
}
/// Every grouping rule that a project's events meet.
pub fn project_rules(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/settings/grouping/rules", enc(slug)))
}
/// One of them, by the name of its line.
pub fn project_rule(slug: &str, anchor: &str) -> String {
    format!("{}#{}", project_rules(slug), enc(anchor))
}
/// New rules and stored events.
pub fn project_regroup(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/regroup", enc(slug)))
}
/// `preview`, `apply`.
pub fn regroup_do(slug: &str, what: &str) -> String {
    prefix::add(&format!("/projects/{}/regroup/{}", enc(slug), enc(what)))
}
/// `undo`, `confirm`.
pub fn regroup_act(slug: &str, id: impl Display, what: &str) -> String {
    prefix::add(&format!("/projects/{}/regroup/{}/{}", enc(slug), enc(id), enc(what)))
}
/// Merge of selected issues.
pub fn issues_merge() -> String {
    prefix::add("/issues/merge")
}
/// The list at that address, from where the page before ended.
pub fn after(list: &str, cursor: impl Display) -> String {
    format!("{list}?after={}", enc(cursor))
}
/// What the signed-in person was told of, or not.
pub fn account_told() -> String {
    prefix::add("/account/told")
}
/// What the signed-in person wants to be told of; POST changes it.
pub fn account_notifications() -> String {
    prefix::add("/account/notifications")
}
/// What a link of a mail does; POST does it.
pub fn mail_link(token: &str) -> String {
    prefix::add(&format!("/mail-links/{}", enc(token)))
}
/// POST: adds the rule that is suggested for a noisy place.
pub fn noise_apply(slug: &str, place: impl Display) -> String {
    prefix::add(&format!("/projects/{}/noise/{}/apply", enc(slug), enc(place)))
}
/// POST: shows the suggestion for a noisy place no more.
pub fn noise_dismiss(slug: &str, place: impl Display) -> String {
    prefix::add(&format!("/projects/{}/noise/{}/dismiss", enc(slug), enc(place)))
}
/// What all keys together may send; POST changes it.
pub fn project_limits(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/settings/limits", enc(slug)))
}
/// POST: what members hear of where no rule says otherwise.
pub fn project_mails(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/settings/mails", enc(slug)))
}
/// Where the project's facts go beside mails; POST adds a channel.
pub fn project_channels(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/channels", enc(slug)))
}
/// POST `test`, `switch` (`to=on|off`), `delete`.
pub fn channel_do(slug: &str, channel: impl Display, what: &str) -> String {
    prefix::add(&format!("/projects/{}/channels/{}/{}", enc(slug), enc(channel), enc(what)))
}
/// What was refused or left out lately.
pub fn project_requests(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/requests", enc(slug)))
}
/// What was refused and belongs to no project.
pub fn requests() -> String {
    prefix::add("/requests")
}
/// What became of everything that was sent, by hour.
pub fn project_stats(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/stats", enc(slug)))
}
/// The same by day.
pub fn project_stats_month(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/stats?span=30d", enc(slug)))
}
/// What people said: a status (empty: open), of one issue (its id) or of all (empty), after a cursor (empty: from the newest).
pub fn project_feedback(slug: &str, status: &str, issue: &str, after: &str) -> String {
    let pairs = [("status", status), ("issue", issue), ("after", after)];
    let query: Vec<String> =
        pairs.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={}", enc(value))).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    prefix::add(&format!("/projects/{}/feedback{mark}{}", enc(slug), query.join("&")))
}
/// Which element of a list of feedback one is.
pub fn feedback_anchor(id: impl Display) -> String {
    format!("said-{id}")
}
/// POST `action=resolve|reopen|spam`: sorts what one person said.
pub fn feedback_act(slug: &str, id: impl Display) -> String {
    prefix::add(&format!("/projects/{}/feedback/{}", enc(slug), enc(id)))
}
/// A file that came with what one person said.
pub fn feedback_attachment(slug: &str, id: impl Display, attachment: impl Display) -> String {
    prefix::add(&format!("/projects/{}/feedback/{}/attachments/{}", enc(slug), enc(id), enc(attachment)))
}
/// POST: adds a member.
pub fn member_add(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/members", enc(slug)))
}
/// POST: removes a member.
pub fn member_remove(slug: &str, user: impl Display) -> String {
    prefix::add(&format!("/projects/{}/members/{}/remove", enc(slug), enc(user)))
}
/// POST: makes another key.
pub fn key_new(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/keys", enc(slug)))
}
/// One key; POST changes it.
pub fn key(slug: &str, key: impl Display) -> String {
    prefix::add(&format!("/projects/{}/keys/{}", enc(slug), enc(key)))
}
/// POST: makes another key like this one.
pub fn key_rotate(slug: &str, key: impl Display) -> String {
    prefix::add(&format!("/projects/{}/keys/{}/rotate", enc(slug), enc(key)))
}
/// POST `to=on|off`: switches a key.
pub fn key_switch(slug: &str, key: impl Display) -> String {
    prefix::add(&format!("/projects/{}/keys/{}/switch", enc(slug), enc(key)))
}
/// POST `action=resolve|ignore|reopen`, `id=…` repeated, `back=…`.
pub fn issues_bulk() -> String {
    prefix::add("/issues/bulk")
}
/// What could not be digested; administrators only.
pub fn dead_letters() -> String {
    prefix::add("/admin/dead-letters")
}
/// POST: puts all dead letters back into the queue.
pub fn dead_letters_retry() -> String {
    prefix::add("/admin/dead-letters/retry")
}
/// POST: puts a dead letter back into the queue.
pub fn dead_letter_retry(id: u64) -> String {
    prefix::add(&format!("/admin/dead-letters/{id}/retry"))
}
/// POST: deletes a dead letter.
pub fn dead_letter_delete(id: u64) -> String {
    prefix::add(&format!("/admin/dead-letters/{id}/delete"))
}

/// Which issues a list shows: the query string of `/issues`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IssueQuery {
    /// Project slug; empty = all projects.
    pub project: String,
    /// `open` (also empty), `resolved`, `ignored`.
    pub status: String,
    /// Words looked for in title and culprit.
    pub q: String,
    /// `fatal`, `error`, `warning`, `info`, `debug`; empty = all.
    pub level: String,
    /// Environment; empty = all.
    pub environment: String,
    /// `last_seen` (also empty), `first_seen`, `events`, `users`.
    pub sort: String,
    /// Where the page before ended.
    pub after: String,
}

impl IssueQuery {
    /// Characters of a search: what the search box takes.
    const MAX_SEARCH: usize = 500;
    /// Bytes of any other part.
    const MAX_PART: usize = 256;

    /// The address of the list.
    pub fn url(&self) -> String {
        let pairs = [
            ("project", &self.project),
            ("status", &self.status),
            ("q", &self.q),
            ("level", &self.level),
            ("environment", &self.environment),
            ("sort", &self.sort),
            ("after", &self.after),
        ];
        let query: Vec<String> = pairs.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| format!("{n}={}", enc(v))).collect();
        if query.is_empty() { home() } else { format!("{}?{}", home(), query.join("&")) }
    }

    /// The same list, each part no longer than anything that exists: its address stands in every link of the page.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for part in [&mut self.project, &mut self.status, &mut self.level, &mut self.environment, &mut self.sort, &mut self.after] {
            part.truncate(part.floor_char_boundary(Self::MAX_PART));
        }
        let q = self.q.char_indices().nth(Self::MAX_SEARCH).map_or(self.q.len(), |(at, _)| at);
        self.q.truncate(q);
        self
    }

    /// The same list, changed, from its beginning.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut query = Self { after: String::new(), ..self.clone() };
        change(&mut query);
        query
    }

    /// The status, with its default filled in.
    pub fn status_or_open(&self) -> &str {
        if matches!(self.status.as_str(), "resolved" | "ignored") { &self.status } else { "open" }
    }
}

/// `text` if it is a web address that a link may lead to: `http:` or `https:` with a host, without blanks or control characters.
pub fn safe_href(text: &str) -> Option<String> {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let parsed = url::Url::parse(text).ok().filter(|u| plain && matches!(u.scheme(), "http" | "https") && u.has_host())?;
    Some(parsed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_parts_cannot_leave_their_place() {
        assert_eq!(project("a/../b?c#d"), "/projects/a%2F..%2Fb%3Fc%23d");
        assert_eq!(event(7, "x y"), "/issues/7/events/x%20y");
        let query = IssueQuery { q: "a&b=c #".to_owned(), after: "9".to_owned(), ..IssueQuery::default() };
        assert_eq!(query.url(), "/issues?q=a%26b%3Dc%20%23&after=9");
        assert_eq!(
            query.with(|q| q.level = "error".to_owned()).url(),
            "/issues?q=a%26b%3Dc%20%23&level=error",
            "a changed list starts anew"
        );
        assert_eq!(IssueQuery::default().url(), "/issues");
        let long = || "😀".repeat(30_000);
        let query = IssueQuery { q: long(), environment: long(), ..IssueQuery::default() }.bounded();
        assert_eq!((query.q.chars().count(), query.environment.len()), (500, 256));
        assert!(query.url().len() < 8_000, "{}", query.url().len());
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(safe_href("https://example.org/a?b=c").as_deref(), Some("https://example.org/a?b=c"));
        for hostile in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            " http://a",
            "http://a\n",
            "//a",
            "/a",
            "http:",
            "vbscript:x",
            "",
        ] {
            assert_eq!(safe_href(hostile), None, "{hostile}");
        }
    }
}
