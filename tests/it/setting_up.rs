//! The first moments of a server over a database without any table.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;
use vedette::platform::clock::Clock;
use vedette::platform::db;
use vedette::web::urls;

use crate::harness::database::TestDb;
use crate::harness::http::send;
use crate::harness::invariants::Expected;
use crate::harness::{Server, run_test, start, test_parts};

#[test]
fn pages_say_that_the_database_is_being_set_up() {
    run_test(async || {
        let database = TestDb::empty().await;
        let blobs = tempfile::tempdir().unwrap();
        let app = vedette::platform::App::new(test_parts(database.pool(), None, (Clock::fake(start()), blobs.path())));
        let server = Server::start(app.clone(), std::sync::Arc::new(|_| Ok(())), Expected::default());
        let get = async |path: &str| send(&server.router, Request::get(path).body(Body::empty()).unwrap()).await;
        for path in [urls::home(), urls::sign_in(), urls::project("shop"), "/".to_owned()] {
            let page = get(&path).await.assert_status(503);
            assert_eq!(page.header(header::RETRY_AFTER), "5");
            page.assert_reads("The database is being set up");
        }
        let health = get("/healthz").await.assert_ok().json();
        assert_eq!((&health["status"], &health["database"]), (&json!("waiting"), &json!("being set up")));
        let style = get(&vedette::web::assets::css()).await.assert_ok();
        assert!(style.header(header::CONTENT_TYPE).starts_with("text/css"), "the page has its style");

        db::migrate(&app.db).await.unwrap();
        app.set_up_is_done();
        get(&urls::sign_in()).await.assert_ok();
        assert_eq!(get("/healthz").await.assert_ok().json()["status"], "ok");
        server.journal.close().await;
        app.db.close().await;
        database.drop_now().await;
    });
}
