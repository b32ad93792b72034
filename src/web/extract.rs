//! # House extractors
//! **Promise.** A request that does not fit (a path that is no number, a query or form that does not parse) is answered with one of our pages. No text
//! from a query or form has a NUL, which PostgreSQL takes in none: queries lose it, forms with one are refused; paths see `accounts::guard`.
//! **How.** axum's extractors with [`HttpError`] as rejection.
//! **Not here.** Sessions and permissions (`accounts`); bodies of SDKs (`ingest`).

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::{FieldErrors, HttpError};

/// As queries and forms write it.
const NUL: &str = "%00";

/// Path parameters; what does not parse is not there: 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| HttpError::NotFound)
    }
}

/// The query string without NULs; what does not parse is named: 422.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Query<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        let has_nul = parts.uri.query().is_some_and(|query| query.contains(NUL));
        let clean = if has_nul { parts.uri.to_string().replace(NUL, "").parse().ok() } else { None };
        let query = axum::extract::Query::try_from_uri(clean.as_ref().unwrap_or(&parts.uri));
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|e| HttpError::Invalid(FieldErrors::general(e.body_text())))
    }
}

/// A form with one value per name.
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequest<S> for Form<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, HttpError> {
        let misfit = |text: String| HttpError::Invalid(FieldErrors::general(text));
        let (parts, body) = request.into_parts();
        let body = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await.map_err(|e| misfit(e.body_text()))?;
        if body.contains(&0) || body.windows(NUL.len()).any(|three| three == NUL.as_bytes()) {
            return Err(misfit("A text in this form contains a NUL character, which cannot be stored.".to_owned()));
        }
        let form = axum::extract::Form::from_request(Request::from_parts(parts, Body::from(body)), state).await;
        form.map(|axum::extract::Form(value)| Self(value)).map_err(|e| HttpError::Invalid(FieldErrors::general(e.body_text())))
    }
}

/// A form whose names may repeat (`id=1&id=2`): what bulk actions send.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All values of `name`, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

impl From<Vec<(String, String)>> for Fields {
    fn from(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = HttpError;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, HttpError> {
        Form::from_request(request, state).await.map(|Form(pairs)| Self(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, routing};
    use http::{StatusCode, header};
    use tower::ServiceExt as _;

    #[derive(serde::Deserialize)]
    struct Page {
        #[serde(default)]
        page: u32,
    }

    #[derive(serde::Deserialize)]
    struct Named {
        name: String,
    }

    async fn ids(fields: Fields) -> String {
        let ids: Vec<&str> = fields.all("id").collect();
        format!("{} {}", fields.get("action").unwrap_or("none"), ids.join(","))
    }

    async fn status(method: &str, path: &str, body: &str) -> (StatusCode, String) {
        let app = Router::new()
            .route("/n/{n}", routing::get(async |Path(n): Path<u32>| n.to_string()))
            .route("/q", routing::get(async |Query(q): Query<Page>| q.page.to_string()))
            .route("/bulk", routing::post(ids))
            .route("/name", routing::get(async |Query(q): Query<Named>| q.name).post(async |Form(f): Form<Named>| f.name));
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = app.oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn misfits_get_our_pages() {
        assert_eq!(status("GET", "/n/7", "").await, (StatusCode::OK, "7".to_owned()));
        let (code, page) = status("GET", "/n/seven", "").await;
        assert_eq!(code, StatusCode::NOT_FOUND);
        assert!(page.contains("<h1"), "an HTML page");
        let (code, page) = status("GET", "/q?page=%3Cscript%3E", "").await;
        assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!page.contains("<script>"), "escaped");
    }

    #[tokio::test]
    async fn no_nul_comes_through() {
        assert_eq!(status("GET", "/name?name=a%00b%2500", "").await, (StatusCode::OK, "ab%00".to_owned()));
        assert_eq!(status("POST", "/name", "name=a+b").await, (StatusCode::OK, "a b".to_owned()));
        for nul in ["name=a%00b", "name=a\0b"] {
            let (code, page) = status("POST", "/name", nul).await;
            assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(page.contains("NUL"), "{page}");
        }
    }

    #[tokio::test]
    async fn repeated_names_are_all_kept() {
        let (code, text) = status("POST", "/bulk", "action=resolve&id=3&id=4").await;
        assert_eq!((code, text.as_str()), (StatusCode::OK, "resolve 3,4"));
    }
}
