//! # Files of others, handed out
//! **Promise.** What clients sent is saved, never opened as a page of ours: whatever it holds runs nowhere. **How.** Always an attachment, with a
//! fixed type, a name that cannot leave its header, `nosniff`, and a policy ([`DOWNLOAD_CSP`]) under which even a browser that shows it runs nothing.
//! **Not here.** Which bytes are a picture (whoever stored them looked).

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};

use super::headers::DOWNLOAD_CSP;

/// A file on its way out.
#[derive(Debug)]
pub struct Download<'a> {
    /// What it is saved as.
    pub filename: &'a str,
    /// The type of a picture that may stand in an `<img>`; empty for everything else.
    pub image: &'a str,
    /// Bytes.
    pub size: u64,
}

impl Download<'_> {
    /// The answer with this body, which has as many bytes as [`Self::size`] says.
    pub fn answer(&self, body: Body) -> Response {
        let known = ["image/png", "image/jpeg", "image/gif", "image/webp"];
        let kind = known.into_iter().find(|kind| *kind == self.image).unwrap_or("application/octet-stream");
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::CONTENT_DISPOSITION, disposition(self.filename)),
            (header::CONTENT_LENGTH, self.size.into()),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOWNLOAD_CSP)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (headers, body).into_response()
    }
}

/// `attachment` with the name twice: in ASCII for old programs, and percent-encoded.
fn disposition(filename: &str) -> HeaderValue {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '(' | ')');
    let ascii: String = filename.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~');
    let encode = |byte: u8| if is_token(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let encoded: String = filename.bytes().map(encode).collect();
    HeaderValue::from_str(&format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}"))
        .unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_header() {
        for (name, expected) in [
            ("log.txt", "attachment; filename=\"log.txt\"; filename*=UTF-8''log.txt"),
            ("a\"; x=\"b.html", "attachment; filename=\"a__ x__b.html\"; filename*=UTF-8''a%22%3B%20x%3D%22b.html"),
            ("é\r\nSet-Cookie: a", "attachment; filename=\"___Set-Cookie_ a\"; filename*=UTF-8''%C3%A9%0D%0ASet-Cookie%3A%20a"),
            ("", "attachment; filename=\"\"; filename*=UTF-8''"),
        ] {
            assert_eq!(disposition(name).to_str().unwrap(), expected);
        }
    }

    #[test]
    fn only_pictures_keep_their_type() {
        for (image, kind) in [
            ("image/png", "image/png"),
            ("image/svg+xml", "application/octet-stream"),
            ("text/html", "application/octet-stream"),
            ("", "application/octet-stream"),
        ] {
            let answer = Download { filename: "x", image, size: 1 }.answer(Body::from("x"));
            assert_eq!(answer.headers()[header::CONTENT_TYPE], kind, "{image}");
            assert!(answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("sandbox"));
        }
    }
}
