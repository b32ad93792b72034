//! Sign-in, and the one-time form that makes the first account.

use askama::Template;

use crate::web::{FieldErrors, Page, Sample, page::HOSTILE};

/// All that `templates/accounts/sign_in.html` may print.
#[derive(Debug, Default, Template)]
#[template(path = "accounts/sign_in.html")]
pub struct SignInPage {
    /// As typed before.
    pub email: String,
    /// Where to go afterwards; a path of ours, checked by the handler.
    pub next: String,
    /// What was wrong.
    pub errors: FieldErrors,
    /// Nobody has an account yet: says where the set-up link was printed.
    pub no_account_yet: bool,
}

impl Page for SignInPage {
    const NAME: &'static str = "sign-in";

    fn samples() -> Vec<Sample<Self>> {
        let hostile =
            Self { email: HOSTILE.to_owned(), next: HOSTILE.to_owned(), errors: FieldErrors::general(HOSTILE), no_account_yet: false };
        let wrong = Self {
            email: "ana@example.org".to_owned(),
            errors: FieldErrors::general("E-mail address and password do not belong together."),
            ..Self::default()
        };
        vec![
            Sample::new("fresh", Self::default()),
            Sample::new("first-start", Self { no_account_yet: true, ..Self::default() }),
            Sample::new("wrong", wrong),
            Sample::new("hostile", hostile),
        ]
    }
}

/// All that `templates/accounts/set_up.html` may print.
#[derive(Debug, Default, Template)]
#[template(path = "accounts/set_up.html")]
pub struct SetUpPage {
    /// The form's address, with the one-time token.
    pub action: String,
    /// As typed before.
    pub email: String,
    /// What was wrong.
    pub errors: FieldErrors,
}

impl Page for SetUpPage {
    const NAME: &'static str = "set-up";

    fn samples() -> Vec<Sample<Self>> {
        let errors = FieldErrors::default().with("email", "This is no e-mail address.").with("password", "At least 10 characters, please.");
        vec![
            Sample::new("fresh", Self { action: "/set-up/t".to_owned(), ..Self::default() }),
            Sample::new("errors", Self { errors, email: "ana".to_owned(), ..Self::default() }),
            Sample::new(
                "hostile",
                Self { action: HOSTILE.to_owned(), email: HOSTILE.to_owned(), errors: FieldErrors::default().with("email", HOSTILE) },
            ),
        ]
    }
}
