//! # What people see and do
//! **Promise.** Every page opens with what is there; actions say truthfully what they changed. **How.** One file a page: [`list`], [`show`] with
//! the stored JSON and the grouping tree of one event ([`event`]), both as texts ([`texts`]), its files ([`attachment`]), and [`triage`]. **Not here.** SQL, and how pages look (`view`).

mod attachment;
mod comments;
mod correct;
mod event;
mod events;
mod grouping_tree;
mod histogram;
mod list;
mod regroup;
mod show;
mod split_by;
mod texts;
mod triage;
mod until;

pub use triage::{Tally, act};

use crate::accounts::{Access, Route, get, post};

/// The room's rows of the URL table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/issues", Access::SignedIn, list::list),
        post("/issues/bulk", Access::SignedIn, triage::bulk),
        post("/issues/merge", Access::SignedIn, correct::merge_selected),
        get("/issues/{issue}", Access::Member, show::latest),
        get("/issues/{issue}/json", Access::Member, texts::issue_json),
        get("/issues/{issue}/md", Access::Member, texts::issue_markdown),
        post("/issues/{issue}/merge", Access::Member, correct::merge),
        post("/issues/{issue}/split", Access::Member, correct::split),
        get("/issues/{issue}/split-by", Access::Member, split_by::show),
        post("/issues/{issue}/split-by", Access::Admin, split_by::apply),
        post("/issues/{issue}/corrections/{id}/undo", Access::Member, correct::undo),
        post("/issues/{issue}/comments", Access::Member, comments::add),
        post("/issues/{issue}/comments/{id}/delete", Access::Member, comments::delete),
        post("/issues/{issue}/resolve", Access::Member, triage::resolve),
        post("/issues/{issue}/ignore", Access::Member, triage::ignore),
        post("/issues/{issue}/reopen", Access::Member, triage::reopen),
        get("/issues/{issue}/events", Access::Member, events::list),
        get("/issues/{issue}/events.csv", Access::Member, events::csv),
        get("/issues/{issue}/events/{event}", Access::Member, show::one),
        get("/issues/{issue}/events/{event}/json", Access::Member, event::json),
        get("/issues/{issue}/events/{event}/md", Access::Member, texts::event_markdown),
        get("/issues/{issue}/events/{event}/grouping", Access::Member, event::grouping),
        get("/issues/{issue}/events/{event}/attachments/{attachment}", Access::Member, attachment::download),
        get("/projects/{slug}/regroup", Access::Member, regroup::show),
        post("/projects/{slug}/regroup/preview", Access::Member, regroup::preview),
        post("/projects/{slug}/regroup/apply", Access::Admin, regroup::apply),
        post("/projects/{slug}/regroup/{id}/undo", Access::Admin, regroup::undo),
        post("/projects/{slug}/regroup/{id}/confirm", Access::Admin, regroup::confirm),
    ]
}
