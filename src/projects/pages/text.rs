//! Texts of forms: what a browser makes of them is undone.

use crate::web::{FieldErrors, Fields, HttpError};

/// A text area as people typed it: lines end with `\n`, and what no database keeps is left out, as is the mark before a text that was a file. Browsers always send it: a form without it
/// was not made by our page, and changes nothing.
pub(super) fn area(fields: &Fields, name: &'static str) -> Result<String, HttpError> {
    let Some(text) = fields.get(name) else {
        return Err(HttpError::Invalid(FieldErrors::general(format!("The form is incomplete: {name} is missing. Nothing was changed."))));
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', ""))
}

/// The lines that say something.
pub(super) fn entries(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// One line of a form.
pub(super) fn line(text: &str) -> String {
    text.replace(char::is_control, " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lose_what_browsers_and_hands_add() {
        assert_eq!(entries(" a \n\n\tb c\n"), ["a", "b c"]);
        assert_eq!(line(" a\0b\n"), "a b");
    }
}
