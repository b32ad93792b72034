//! The dialog's form: three texts, and what is wrong with them. Pure.

use std::collections::BTreeMap;

/// Characters of each text. Digest drops what is longer.
const MAX_NAME: usize = 128;
const MAX_EMAIL: usize = 75;
const MAX_COMMENTS: usize = 4096;

/// What a person wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) comments: String,
}

/// Field and complaints.
pub(super) type Errors = BTreeMap<&'static str, Vec<String>>;

impl Form {
    /// The fields of an `application/x-www-form-urlencoded` body; what stands nowhere is empty.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            let field = match &*name {
                "name" => &mut form.name,
                "email" => &mut form.email,
                "comments" => &mut form.comments,
                _ => continue,
            };
            value.trim().clone_into(field);
        }
        form
    }

    /// The form, if all of it can be used.
    pub(super) fn checked(self) -> Result<Self, Errors> {
        let fields = [("name", &self.name, MAX_NAME), ("email", &self.email, MAX_EMAIL), ("comments", &self.comments, MAX_COMMENTS)];
        let mut errors = Errors::new();
        for (field, text, max) in fields {
            let complaint = match text.chars().count() {
                0 => "This field is required.".to_owned(),
                length if length > max => format!("At most {max} characters fit here, these are {length}."),
                _ if field == "email" && !is_address(text) => "This is not an e-mail address.".to_owned(),
                _ => continue,
            };
            errors.entry(field).or_default().push(complaint);
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }
}

/// Whether a text may be an address: something, one `@`, a name with a dot. People's addresses need not be ASCII.
fn is_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\"\\".contains(c);
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let labels: Vec<&str> = domain.split('.').collect();
    !text.contains(odd) && !local.is_empty() && !local.contains('@') && labels.len() > 1 && labels.iter().all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(body: &str) -> Vec<(&'static str, String)> {
        let errors = Form::parse(body.as_bytes()).checked().err().unwrap_or_default();
        errors.into_iter().flat_map(|(field, texts)| texts.into_iter().map(move |text| (field, text))).collect()
    }

    fn fields(body: &str) -> Vec<&'static str> {
        errors(body).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn a_whole_form_is_taken_with_its_blanks_trimmed() {
        let form = Form::parse(b"name=+Ana+K+&email=ana%40example.test&comments=one%0D%0Atwo&other=x");
        let expected = Form { name: "Ana K".to_owned(), email: "ana@example.test".to_owned(), comments: "one\r\ntwo".to_owned() };
        assert_eq!(form.checked(), Ok(expected));
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        assert_eq!(fields(""), ["comments", "email", "name"]);
        assert_eq!(fields("name=a&email=a@b.c&comments=+%0A"), ["comments"]);
        assert_eq!(fields("name=a&email=nobody&comments=x"), ["email"]);
        let body = |name: usize, email: usize, comments: usize| {
            let email = format!("{}@b.test", "e".repeat(email.saturating_sub(7)));
            format!("name={}&email={email}&comments={}", "%C3%A9".repeat(name), "c".repeat(comments))
        };
        assert_eq!(fields(&body(128, 75, 4096)), [""; 0]);
        assert_eq!(fields(&body(129, 75, 4096)), ["name"]);
        assert_eq!(fields(&body(128, 76, 4096)), ["email"]);
        assert_eq!(fields(&body(128, 75, 4097)), ["comments"]);
        assert_eq!(errors(&body(129, 75, 1))[0].1, "At most 128 characters fit here, these are 129.");
    }

    #[test]
    fn addresses_of_all_kinds_are_taken_and_others_are_not() {
        for good in ["a@b.c", "ana+x@example.test", "é@bücher.example", "o'hara@example.test"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "a", "@b.c", "a@", "a@b", "a@b..c", "a@.b", "a b@c.d", "a@b.c\r\nBcc: x@y.z", "<a@b.c>", "a@b@c.d"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
