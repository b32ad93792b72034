//! # What people see and do
//! **Promise.** Every page opens with what is there; actions say truthfully what they changed. **How.** One file a page: [`list`], [`show`] with
//! the stored JSON and the grouping tree of one event ([`event`]), its files ([`attachment`]), and [`triage`]. **Not here.** SQL, and how pages look (`view`).

mod attachment;
mod event;
mod grouping_tree;
mod histogram;
mod list;
mod show;
mod triage;

use crate::accounts::{Access, Route, get, post};

/// The room's rows of the URL table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/issues", Access::SignedIn, list::list),
        post("/issues/bulk", Access::SignedIn, triage::bulk),
        get("/issues/{issue}", Access::Member, show::latest),
        post("/issues/{issue}/resolve", Access::Member, triage::resolve),
        post("/issues/{issue}/ignore", Access::Member, triage::ignore),
        post("/issues/{issue}/reopen", Access::Member, triage::reopen),
        get("/issues/{issue}/events/{event}", Access::Member, show::one),
        get("/issues/{issue}/events/{event}/json", Access::Member, event::json),
        get("/issues/{issue}/events/{event}/grouping", Access::Member, event::grouping),
        get("/issues/{issue}/events/{event}/attachments/{attachment}", Access::Member, attachment::download),
    ]
}
