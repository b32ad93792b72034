//! A day of one project: which mails people get, in which order, and what the log says of everything else.

use chrono::TimeDelta;
use vedette::web::urls;

use crate::harness::fake_smtp::{Behaviour, Received, Stage};
use crate::harness::{Project, TestApp, app_test_with_smtp, error};

/// Minutes that pass, each with so many events of a kind, and all that the server does by itself.
async fn minutes(app: &TestApp, (shop, kind): (&Project, &str), counts: &[u32]) {
    for count in counts {
        app.hear();
        for _ in 0..*count {
            app.sdk(shop).capture(error(kind)).await.assert_ok();
        }
        app.digest_all().await;
        app.run_jobs().await;
        app.clock.advance(TimeDelta::minutes(1));
        app.watch().await;
        app.run_jobs().await;
    }
}

fn header(mail: &Received, name: &str) -> String {
    let line = mail.text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {}", mail.text)).to_owned()
}

/// Subjects of what has come since the last time, cut where they are long.
fn new_mails(app: &TestApp, seen: &mut usize) -> Vec<String> {
    let all = app.smtp.as_ref().unwrap().mails();
    let new = all[*seen..].iter().map(|mail| header(mail, "Subject").chars().take(34).collect()).collect();
    *seen = all.len();
    new
}

#[test]
fn a_day_with_all_that_happens_yields_the_mails_it_should_and_the_log_explains_the_rest() {
    app_test_with_smtp(async |app| {
        let smtp = app.smtp.as_ref().unwrap();
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let (quiet, mut seen) = ((&shop, "Trickle"), 0);

        // A trickle that has been there for thirty hours when the day begins.
        let now = app.clock.now();
        for n in (1..=60).rev() {
            app.sdk(&shop).capture(error("Trickle").at(now - TimeDelta::minutes(30 * n))).await.assert_ok();
        }
        minutes(app, quiet, &[0; 10]).await;
        assert_eq!(new_mails(app, &mut seen), ["[shop] New: Trickle: it broke"]);
        let issue = app.only_issue(&shop).await;

        // A deploy with fifty new issues: the first at once, the others in one mail.
        for number in 1..=50_u32 {
            app.sdk(&shop).capture(error(&format!("Deploy{number}")).release("2.0.0")).await.assert_ok();
        }
        app.digest_all().await;
        app.run_jobs().await;
        let at_once = new_mails(app, &mut seen);
        assert!(at_once.len() == 1 && at_once[0].starts_with("[shop] New: Deploy"), "{at_once:?}");
        minutes(app, quiet, &[0; 6]).await;
        assert_eq!(new_mails(app, &mut seen), ["[shop] 49 new issues in 2.0.0, mos"]);

        // A spike of what trickled. Its end gets no mail of its own.
        minutes(app, quiet, &[0; 30]).await;
        minutes(app, quiet, &[9; 8]).await;
        let spike = new_mails(app, &mut seen);
        assert!(spike.len() == 1 && spike[0].starts_with("[shop] Spike: "), "{spike:?}");
        ana.page("/mails").await.assert_reads("An issue has many more events than usual.");
        minutes(app, quiet, &[0; 90]).await;
        assert_eq!(new_mails(app, &mut seen), [""; 0]);

        // Resolved, and it comes back, while the mail server is away for ten minutes.
        ana.post(&urls::issue_action(issue, "resolve"), &[]).await.assert_status(303);
        minutes(app, quiet, &[0; 10]).await;
        smtp.behave(Behaviour::Refuse(Stage::Rcpt, "451 4.3.0 not now"));
        minutes(app, quiet, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await;
        assert_eq!(new_mails(app, &mut seen), [""; 0]);
        ana.page("/mails").await.assert_reads("(451): 4.3.0 not now");
        smtp.behave(Behaviour::Accept);
        minutes(app, quiet, &[0; 10]).await;
        let back = new_mails(app, &mut seen);
        // The end of the spike came along with what was gathered in the meantime, or waits for it.
        assert!(back.len() == 1 && back[0].starts_with("[shop] Back"), "{back:?}");

        // A server that takes a mail and is gone before it says so, as when we end before we could note it: the same mail once more, told by its id.
        smtp.behave(Behaviour::DropAfterText);
        minutes(app, quiet, &[0; 30]).await;
        app.sdk(&shop).capture(error("Evening")).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        smtp.behave(Behaviour::Accept);
        minutes(app, quiet, &[0; 3]).await;
        let all = smtp.mails();
        let [.., first, again] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(header(first, "Message-ID"), header(again, "Message-ID"));
        assert!(header(again, "Subject").starts_with("[shop] New: Evening"), "{}", again.text);
        let mut ids: Vec<String> = all.iter().map(|mail| header(mail, "Message-ID")).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all.len() - 1, "every other mail came once");

        // The log: 52 new issues, one spike and its end, one regression, each with what became of it.
        let kinds: Vec<(String, String, i64)> = sqlx::query_as(
            "select f.kind, d.status, count(*) from alert_facts f join alert_decisions d using (project_id, fact_id) group by 1, 2 order by 1, 2",
        )
        .fetch_all(app.db())
        .await
        .unwrap();
        let kinds: Vec<String> = kinds.iter().map(|(kind, status, count)| format!("{count} {kind} {status}")).collect();
        assert_eq!(kinds, ["52 new_issue told", "1 regression told", "1 spike told", "1 spike_over gathered"]);
        let statuses: Vec<String> = app.mails().await.into_iter().map(|mail| mail.status).collect();
        assert_eq!(statuses, ["sent"; 6]);
    });
}
