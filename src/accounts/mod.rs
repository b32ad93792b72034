//! # Accounts: who may see what
//! **Promise.** Every route but the public ones is reached only with a session, and every project's pages only by its members and by
//! administrators; a stranger cannot tell whether a thing exists. **How.** Routes are data ([`Route`]) with an [`Access`] each; [`guard`] finds
//! the [`Viewer`] by the session cookie and the [`ProjectMember`] by the path, and handlers only ask for what it has found. `sessions`, `passwords`,
//! `throttle`, `users` and `set_up` are what it takes to have a session; `pages` shows them.
//! **When it breaks.** Without the database nobody is signed in: pages fail with an incident, nothing is shown.
//! **Not here.** SDK credentials (`ingest`, `projects`); what a project is.

mod access;
mod client;
mod ids;
mod issue_id;
mod pages;
mod passwords;
mod secret;
mod sessions;
mod set_up;
mod throttle;
mod users;

pub use access::{Access, OurFault, ProjectMember, Route, Viewer, VisibleProject, get, guard, post, router, see_other};
pub use client::ClientAddress;
pub use ids::{ProjectId, SessionId, UserId};
pub use issue_id::IssueId;
pub use pages::routes;
pub use sessions::signed_in;
pub use set_up::ensure_set_up_link;
pub use users::{CreateUserError, NewUser, check_account, create_user, find_user, first_account};
