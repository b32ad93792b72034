//! # Web: what every page shares
//! **Promise.** Each page is one struct that holds all it may print, renders without JavaScript, and runs nothing a client sent.
//! **How.** [`Shell`] (head, switcher, search, flash) · [`HttpError`] (every failure is a page that says what to do next) · [`urls`] (every address) · house extractors · [`assets`], [`headers`].
//! **When it breaks.** A template that fails to render is [`HttpError::Internal`]: a bland page with an incident id, one ERROR line.
//! **Not here.** SQL, sessions, permissions; what events and issues look like (`events::view`, `issues::view`).

pub mod assets;
pub mod channel_mail;
pub mod chart;
pub mod digest_mail;
pub mod download;
pub mod error;
pub mod escape;
pub mod extract;
pub mod feedback_mail;
pub mod flash;
pub mod headers;
pub mod limit_mail;
pub mod mail_view;
pub mod noise_mail;
pub mod number;
pub mod page;
pub mod pages;
pub mod prefix;
pub mod project_mail;
pub mod shell;
pub mod urls;
pub mod weekly_mail;
pub mod when;

pub use error::{FieldErrors, HttpError};
pub use extract::{Fields, Form, Path, Query};
pub use flash::Flash;
pub use page::{Page, Sample, html, html_with};
pub use shell::{Badge, Link, Shell, SignedIn};
pub use when::When;
