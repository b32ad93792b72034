//! Jobs that hang, panic, or end the process hold up nobody and do not go on for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use parking_lot::Mutex;
use tokio::sync::{Barrier, Notify};
use vedette::platform::lifecycle::Tasks;
use vedette::platform::outbox::{self, Handlers, LEASE, MAX_ATTEMPTS, PLACES};

use crate::harness::{TestApp, app_test};

async fn enqueue(app: &TestApp, kind: &str) -> i64 {
    outbox::enqueue(&mut app.db().acquire().await.unwrap(), kind, &0, app.clock.now()).await.unwrap()
}

/// State and last error of what is left.
async fn left(app: &TestApp) -> Vec<(String, String)> {
    sqlx::query_as("select state, last_error from outbox order by job_id").fetch_all(app.db()).await.unwrap()
}

async fn forget_dead(app: &TestApp) {
    sqlx::query("delete from outbox where state = 'dead'").execute(app.db()).await.unwrap();
}

/// A handler that tells that it began and ends when it is let go.
fn held(began: &Arc<Notify>, let_go: &Arc<Notify>) -> outbox::Handler {
    let (began, let_go) = (Arc::clone(began), Arc::clone(let_go));
    Box::new(move |_, _| {
        let (began, let_go) = (Arc::clone(&began), Arc::clone(&let_go));
        Box::pin(async move {
            began.notify_one();
            let_go.notified().await;
            Ok(())
        })
    })
}

#[test]
fn a_job_that_hangs_holds_its_own_place_and_no_other() {
    app_test(async |app| {
        let (began, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let quick_ran = Arc::clone(&let_go);
        let handlers = Handlers::default().with("held", held(&began, &let_go)).with(
            "quick",
            Box::new(move |_, _| {
                // The first ends only because this one ran beside it.
                quick_ran.notify_one();
                Box::pin(async { Ok(()) })
            }),
        );
        enqueue(app, "held").await;
        let later = async {
            began.notified().await;
            enqueue(app, "quick").await;
            app.app.outbox.wake();
        };
        let (ran, ()) = tokio::join!(outbox::run_due(&app.app, &handlers), later);
        assert_eq!(ran.unwrap(), 2);
        assert_eq!(left(app).await, []);
    });
}

#[test]
fn so_many_jobs_run_side_by_side_and_no_more() {
    app_test(async |app| {
        let (now, most, barrier) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(PLACES)));
        let max = Arc::clone(&most);
        let handlers = Handlers::default().with(
            "together",
            Box::new(move |_, _| {
                let (now, max, barrier) = (Arc::clone(&now), Arc::clone(&max), Arc::clone(&barrier));
                Box::pin(async move {
                    max.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    barrier.wait().await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                })
            }),
        );
        for _ in 0..3 * PLACES {
            enqueue(app, "together").await;
        }
        assert_eq!(outbox::run_due(&app.app, &handlers).await.unwrap(), 3 * PLACES);
        assert_eq!(most.load(Ordering::SeqCst), PLACES);
    });
}

#[test]
fn a_job_that_panics_fails_alone_and_is_dead_after_its_attempts() {
    app_test(async |app| {
        let last_words = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&last_words);
        let handlers = Handlers::default()
            .with(
                "hostile",
                Box::new(|_, job| if job.attempt % 2 == 0 { panic!("at once") } else { Box::pin(async { panic!("in time") }) }),
            )
            .with("good", Box::new(|_, _| Box::pin(async { Ok(()) })))
            .when_dead(
                "hostile",
                Box::new(move |_, _, dead| {
                    heard.lock().push((dead.job.attempt, dead.reason.to_owned()));
                    Box::pin(async { Ok(()) })
                }),
            );
        enqueue(app, "hostile").await;
        enqueue(app, "good").await;
        assert_eq!(outbox::run_due(&app.app, &handlers).await.unwrap(), 2);
        assert_eq!(left(app).await, [("waiting".to_owned(), "a defect of Vedette: in time".to_owned())]);
        for _ in 1..MAX_ATTEMPTS {
            app.clock.advance(TimeDelta::hours(7));
            assert_eq!(outbox::run_due(&app.app, &handlers).await.unwrap(), 1);
        }
        app.clock.advance(TimeDelta::days(7));
        assert_eq!(outbox::run_due(&app.app, &handlers).await.unwrap(), 0);
        assert_eq!(left(app).await, [("dead".to_owned(), "a defect of Vedette: at once".to_owned())]);
        assert_eq!(*last_words.lock(), [(MAX_ATTEMPTS, "a defect of Vedette: at once".to_owned())]);
        forget_dead(app).await;
    });
}

#[test]
fn a_job_during_which_the_process_ended_each_time_is_buried_unrun() {
    app_test(async |app| {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let handlers = Handlers::default().with(
            "deadly",
            Box::new(move |_, _| {
                counted.fetch_add(1, Ordering::SeqCst);
                Box::pin(std::future::pending())
            }),
        );
        let job = enqueue(app, "deadly").await;
        for attempt in 1..=MAX_ATTEMPTS {
            // The process ends in the middle: what it was at is dropped.
            let began = async {
                while runs.load(Ordering::SeqCst) < attempt as usize {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                _ = outbox::run_due(&app.app, &handlers) => panic!("it does not end"),
                () = began => {}
            }
            assert_eq!(outbox::run_due(&app.app, &handlers).await.unwrap(), 0, "the lease holds");
            app.clock.advance(LEASE);
        }
        assert_eq!(outbox::run_due(&app.app, &handlers).await.unwrap(), 1, "buried");
        assert_eq!(runs.load(Ordering::SeqCst), MAX_ATTEMPTS as usize);
        assert_eq!(left(app).await, [("dead".to_owned(), format!("the server ended during each of {MAX_ATTEMPTS} attempts"))]);
        assert!(outbox::revive(&mut app.db().acquire().await.unwrap(), job, app.clock.now()).await.unwrap());
        assert_eq!(left(app).await[0].0, "waiting");
        sqlx::query("delete from outbox").execute(app.db()).await.unwrap();
    });
}

#[test]
fn a_last_word_that_fails_does_not_keep_a_job_alive() {
    app_test(async |app| {
        let handlers = Handlers::default()
            .with("bad", Box::new(|_, _| Box::pin(async { Err(outbox::Failure::Fail(anyhow::anyhow!("never"))) })))
            .when_dead(
                "bad",
                Box::new(|_, db, _| Box::pin(async { Ok(sqlx::query("select no_such_column").execute(db).await.map(|_| ())?) })),
            );
        enqueue(app, "bad").await;
        assert_eq!(outbox::run_due(&app.app, &handlers).await.unwrap(), 1);
        assert_eq!(left(app).await, [("dead".to_owned(), "never".to_owned())]);
        forget_dead(app).await;
    });
}

#[test]
fn at_the_end_of_the_process_what_runs_ends_and_nothing_begins() {
    app_test(async |app| {
        let (began, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let handlers = Handlers::default().with("held", held(&began, &let_go));
        let (tasks, first) = (Tasks::new(), enqueue(app, "held").await);
        outbox::run(app.app.clone(), Arc::new(handlers), &tasks);
        began.notified().await;
        tasks.soft().cancel();
        let second = enqueue(app, "held").await;
        app.app.outbox.wake();
        let_go.notify_one();
        tasks.shut_down(Duration::from_mins(1)).await;
        assert_eq!(tasks.failure(), None);
        let jobs: Vec<(i64, i32)> = sqlx::query_as("select job_id, attempts from outbox").fetch_all(app.db()).await.unwrap();
        assert_eq!(jobs, [(second, 0)], "{first} is done");
        app.expected.waiting_jobs(1);
    });
}
