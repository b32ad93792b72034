//! The addresses of one issue and its events.

use std::fmt::Display;

use super::enc;
use crate::web::prefix;

/// One issue, showing its latest event.
pub fn issue(id: impl Display) -> String {
    prefix::add(&format!("/issues/{}", enc(id)))
}
/// POST `resolve`, `ignore`, `reopen`, `mute` or `unmute`.
pub fn issue_action(id: impl Display, action: &str) -> String {
    prefix::add(&format!("/issues/{}/{}", enc(id), enc(action)))
}
/// One issue, showing one event; `event` may be `first` or `latest`.
pub fn event(issue: impl Display, event: impl Display) -> String {
    prefix::add(&format!("/issues/{}/events/{}", enc(issue), enc(event)))
}
/// The stored JSON of one event.
pub fn event_json(issue: impl Display, event: impl Display) -> String {
    prefix::add(&format!("/issues/{}/events/{}/json", enc(issue), enc(event)))
}
/// Why the event belongs to its issue, as a tree.
pub fn event_grouping(issue: impl Display, event: impl Display) -> String {
    prefix::add(&format!("/issues/{}/events/{}/grouping", enc(issue), enc(event)))
}
/// Who was told about an issue.
pub fn issue_told(issue: impl Display) -> String {
    prefix::add(&format!("/issues/{}/told", enc(issue)))
}
/// A file that came with an event.
pub fn attachment(issue: impl Display, event: impl Display, attachment: impl Display) -> String {
    prefix::add(&format!("/issues/{}/events/{}/attachments/{}", enc(issue), enc(event), enc(attachment)))
}
/// Undo of a merge or split.
pub fn correction_undo(issue: impl Display, id: impl Display) -> String {
    prefix::add(&format!("/issues/{}/corrections/{}/undo", enc(issue), enc(id)))
}
/// One event as Markdown.
pub fn event_markdown(issue: impl Display, event: impl Display) -> String {
    prefix::add(&format!("/issues/{}/events/{}/md", enc(issue), enc(event)))
}
/// What is known of an issue, as JSON.
pub fn issue_json(id: impl Display) -> String {
    prefix::add(&format!("/issues/{}/json", enc(id)))
}
/// An issue and its latest event as Markdown.
pub fn issue_markdown(id: impl Display) -> String {
    prefix::add(&format!("/issues/{}/md", enc(id)))
}
/// The stored events of an issue, newest first.
pub fn issue_events(id: impl Display) -> String {
    prefix::add(&format!("/issues/{}/events", enc(id)))
}
/// The newest events of an issue as a table for spreadsheets.
pub fn issue_csv(id: impl Display) -> String {
    prefix::add(&format!("/issues/{}/events.csv", enc(id)))
}
/// POST: adds a comment.
pub fn issue_comments(id: impl Display) -> String {
    prefix::add(&format!("/issues/{}/comments", enc(id)))
}
/// POST: deletes an own comment.
pub fn comment_delete(issue: impl Display, comment: impl Display) -> String {
    prefix::add(&format!("/issues/{}/comments/{}/delete", enc(issue), enc(comment)))
}
