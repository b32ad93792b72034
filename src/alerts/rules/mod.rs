//! # Rules: who is told of what
//! **Promise.** Without a rule all members hear of everything that the project has not switched off. A rule says for facts that match who is told:
//! all, some, or nobody, and how often of one issue; rules are read from the top, and the first that matches decides. While a project is muted
//! nobody is told of anything in it, future issues included. Every decision stands in the log, with the rule's name or who muted.
//! **How.** [`route()`] asks [`decide`] (pure) with the fact as [`model`] sees it; only as much of the issue and its event is read as the project's
//! rules look at. A rule that is tested goes over the facts of the last week by the same functions ([`trial`]).
//! **When it breaks.** A rule that this program cannot read is left out, with an ERROR line: the facts go on to the next. A fact of a kind that it
//! does not know is told. **Not here.** When a mail goes out (`gather`), what it says (`compose`).

mod actions;
mod decide;
mod form;
mod kinds;
mod model;
mod pages;
mod pattern;
mod queries;
mod route;
mod trial;
mod typed;

pub(super) use decide::Routed;
pub(super) use kinds::{FactKind, title};
pub(super) use route::{Happened, route};

use crate::accounts::{Access, Route, get, post};

/// The pages of rules and mutes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/projects/{slug}/alerts", Access::Member, pages::list),
        post("/projects/{slug}/alerts/mute", Access::Member, actions::mute),
        post("/projects/{slug}/alerts/unmute", Access::Member, actions::unmute),
        get("/projects/{slug}/alerts/rules/new", Access::Admin, pages::blank),
        post("/projects/{slug}/alerts/rules/new", Access::Admin, pages::add),
        get("/projects/{slug}/alerts/rules/{rule}", Access::Member, pages::show),
        post("/projects/{slug}/alerts/rules/{rule}", Access::Admin, pages::change),
        post("/projects/{slug}/alerts/rules/{rule}/move", Access::Admin, actions::shift),
        post("/projects/{slug}/alerts/rules/{rule}/switch", Access::Admin, actions::switch),
        post("/projects/{slug}/alerts/rules/{rule}/delete", Access::Admin, actions::delete),
    ]
}
