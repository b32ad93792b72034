//! Paths and methods; every answer's CORS headers are checked where it is received.

use super::*;

async fn ask(house: &House, method: Method, path: &str) -> Answer {
    house.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn preflights_need_no_credentials() {
    let house = House::new();
    for path in [ENVELOPE, STORE, "/api/store/", "/api/42/envelope", "/api/42/security/?sentry_key=x", "/api/nothing"] {
        let answer = ask(&house, Method::OPTIONS, path).await;
        answer.assert_ok();
        assert_eq!(answer.header("access-control-max-age"), "3600");
        for name in ["x-sentry-auth", "content-type", "content-encoding", "sentry-trace", "baggage", "authorization"] {
            assert!(answer.header("access-control-allow-headers").contains(name), "{name}");
        }
    }
}

#[tokio::test]
async fn other_methods_are_refused() {
    let house = House::new();
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = ask(&house, method, ENVELOPE).await;
        answer.assert_refused(405, "method not allowed", None);
        assert_eq!(answer.header("allow"), "POST, OPTIONS");
    }
    for method in [Method::PUT, Method::HEAD] {
        let answer = ask(&house, method, STORE).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, POST, OPTIONS"));
    }
    assert_eq!(ask(&house, Method::HEAD, ENVELOPE).await.status, 405);
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let house = House::new();
    for path in ["/api/42/nonsense/", "/api/42/", "/api/42", "/api/42/envelope/more/", "/api/envelope/", "/api/42/playstation/"] {
        house.post(path, event_envelope()).await.assert_refused(404, "no such endpoint", None);
    }
}

#[tokio::test]
async fn slashes_are_a_matter_of_taste() {
    let house = House::new();
    for path in ["/api/42/envelope", "/api//42/envelope/", "/api/42//envelope//", "/api/042/envelope/"] {
        house.post(path, event_envelope()).await.assert_id(ID);
    }
    for path in ["/api/42/store", "/api/store", "/api/store/", "/api//store/"] {
        house.post(path, format!("{{\"event_id\":\"{ID}\"}}")).await.assert_id(ID);
    }
}

#[tokio::test]
async fn kinds_that_are_not_kept_need_not_be_sent_again() {
    let house = House::new();
    let body = format!(
        "{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{}}\n{{\"type\":\"profile\"}}\n{{}}\n{{\"type\":\"replay_event\"}}\n{{}}"
    );
    let answer = house.post(ENVELOPE, body).await;
    answer.assert_id(ID);
    assert_eq!(answer.header("x-sentry-rate-limits"), "3600:profile;replay:organization:not_kept");
    assert_eq!(answer.header("retry-after"), "", "it would stop errors too");
    assert_eq!(house.post(ENVELOPE, event_envelope()).await.header("x-sentry-rate-limits"), "");
}
