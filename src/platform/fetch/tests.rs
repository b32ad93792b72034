//! Requests to a receiver on this machine, which is closed unless a setting opens it.

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap as Headers;
use axum::response::{IntoResponse as _, Response as Said};
use axum::routing::post;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

type Seen = Arc<Mutex<Vec<(String, bool)>>>;

/// A receiver: what it was sent, and whether that came with a secret header.
async fn receiver() -> (u16, Seen, JoinSet<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let taken = {
        let seen = Arc::clone(&seen);
        move |headers: Headers, body: String| async move {
            seen.lock().push((body, headers.contains_key("authorization")));
            "taken"
        }
    };
    let to = |status: u16, place: String| post(move || async move { redirect(status, &place) });
    let router = Router::new()
        .route("/taken", post(taken))
        .route("/moved", to(308, "/taken".to_owned()))
        .route("/elsewhere", to(307, format!("http://localhost:{port}/taken")))
        .route("/metadata", to(307, "http://169.254.169.254/latest".to_owned()))
        .route("/mapped", to(307, "http://[::ffff:10.0.0.1]/".to_owned()))
        .route("/file", to(307, "file:///etc/passwd".to_owned()))
        .route("/get", to(302, "/taken".to_owned()))
        .route("/round", to(307, "/round".to_owned()))
        .route("/large", post(|| async { "x".repeat(1 << 20) }));
    let mut tasks = JoinSet::new();
    tasks.spawn(axum::serve(listener, router).into_future());
    (port, seen, tasks)
}

fn redirect(status: u16, place: &str) -> Said {
    (StatusCode::from_u16(status).unwrap(), [("location", place)]).into_response()
}

async fn ask(fetch: &Fetch, url: &str) -> Result<Answer, FetchError> {
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, "Bearer s3cret".parse().unwrap())]);
    fetch.post(&url.parse().unwrap(), headers, b"hello".to_vec()).await
}

fn refused(said: &str) -> Result<Answer, FetchError> {
    Err(FetchError::Refused(said.to_owned()))
}

#[tokio::test]
async fn closed_addresses_are_refused_by_number_and_by_name_and_after_every_redirect() {
    let (port, seen, _tasks) = receiver().await;
    let (closed, open) = (Fetch::default(), Fetch::new("loopback".parse().unwrap()));
    let no = "127.0.0.1 is loopback, and VEDETTE_OUTBOUND_ALLOW does not name it";
    for host in ["127.0.0.1", "0x7f.1", "2130706433", "127.1"] {
        assert_eq!(ask(&closed, &format!("http://{host}:{port}/taken")).await, refused(no), "{host}");
    }
    let mapped = ask(&closed, &format!("http://[::ffff:127.0.0.1]:{port}/taken")).await;
    assert!(matches!(&mapped, Err(FetchError::Refused(said)) if said.contains("loopback")), "{mapped:?}");
    let by_name = ask(&closed, &format!("http://localhost:{port}/taken")).await;
    assert!(matches!(&by_name, Err(FetchError::Refused(said)) if said.contains("is loopback")), "{by_name:?}");
    for (path, said) in [
        ("metadata", "169.254.169.254 is link-local, and VEDETTE_OUTBOUND_ALLOW does not name it"),
        ("mapped", "::ffff:10.0.0.1 is private, and VEDETTE_OUTBOUND_ALLOW does not name it"),
        ("file", "it is no http or https address"),
        ("round", "it redirects more than 3 times"),
    ] {
        assert_eq!(ask(&open, &format!("http://127.0.0.1:{port}/{path}")).await, refused(said), "{path}");
    }
    assert!(seen.lock().is_empty(), "nothing reached the receiver");
}

#[tokio::test]
async fn a_redirect_keeps_the_body_and_loses_the_secret_on_its_way_to_another_host() {
    let (port, seen, _tasks) = receiver().await;
    let fetch = Fetch::new("loopback".parse().unwrap());
    for path in ["taken", "moved", "elsewhere"] {
        let answer = ask(&fetch, &format!("http://127.0.0.1:{port}/{path}")).await.unwrap();
        assert_eq!(answer, Answer { status: StatusCode::OK, body: "taken".to_owned() });
    }
    let hello = || "hello".to_owned();
    assert_eq!(*seen.lock(), [(hello(), true), (hello(), true), (hello(), false)]);
    assert_eq!(ask(&fetch, &format!("http://127.0.0.1:{port}/get")).await.unwrap().status, 302, "never a GET instead");
    assert_eq!(ask(&fetch, &format!("http://127.0.0.1:{port}/large")).await.unwrap().body.len(), MOST_READ);
}

#[tokio::test]
async fn what_is_not_there_is_away_and_no_word_names_its_path() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let away = ask(&Fetch::new("*".parse().unwrap()), &format!("http://127.0.0.1:{port}/s3cret")).await.unwrap_err();
    assert!(matches!(&away, FetchError::Away(said) if !said.contains("s3cret") && said.contains("cannot be reached")), "{away:?}");
}
