//! # Sessions: a random token in a cookie, its hash in a row
//! **Promise.** A session ends when its person ends it, when the password changes elsewhere, or [`LIFETIME`] after its last use. Who reads the
//! table cannot sign in. **How.** One query per page finds session, person and visible projects; use is written down every [`SEEN_EVERY`].
//! **When it breaks.** A cookie that is no token, or whose session has ended, is nobody.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderValue, header};
use sqlx::PgConnection;

use super::client::Client;
use super::{ProjectId, SessionId, UserId, Viewer, VisibleProject, secret};
use crate::platform::App;
use crate::web::{HttpError, prefix};

/// How long a session lives without being used.
const LIFETIME: TimeDelta = TimeDelta::days(30);
/// How old the last written use may be: a write per page would cost more than it tells.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(5);
/// Projects that a page offers. The one that the path names is always among them.
const MAX_PROJECTS: i64 = 1000;
/// Sessions that a person may have; the account page lists them all.
const MAX_SESSIONS: i64 = 50;
/// Ended sessions removed at each sign-in.
const SWEPT: i64 = 1000;
/// What browsers keep cookies for at most; the server decides earlier.
const COOKIE_SECONDS: i64 = 400 * 24 * 3600;
const TOKEN_LENGTH: usize = 64;

/// The project that a request's path names, by slug or number: among the visible ones it comes first, should there be too many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) slug: String,
    pub(super) id: i32,
}

/// Whoever the cookie's session belongs to, if it has not ended.
pub(super) async fn viewer(app: &App, headers: &HeaderMap, named: &Named) -> anyhow::Result<Option<Viewer>> {
    let Some(token) = token(app, headers) else { return Ok(None) };
    let now = app.clock.now();
    let rows = sqlx::query!(
        r#"select s.session_id, s.user_id, s.last_seen_at, u.email, u.is_admin,
            p.project_id as "project_id?", p.slug as "slug?", p.name as "name?", p.short_prefix as "short_prefix?",
            p.limited_since as "limited_since?", p.dropped as "dropped?", p.is_failing as "is_failing?",
            p.is_muted as "is_muted?", p.muted_until as "muted_until?"
        from sessions s
        join users u on u.user_id = s.user_id and u.is_active
        left join lateral ( -- joins: projects, quota_states, channels, alert_mutes
            select project_id, slug, name, short_prefix,
                (select coalesce(m.until > $2, true) from alert_mutes m where m.project_id = a.project_id) as is_muted,
                (select m.until from alert_mutes m where m.project_id = a.project_id) as muted_until,
                (select min(q.limited_since) from quota_states q
                    where q.project_id = a.project_id and q.limited_since is not null) as limited_since,
                (select sum(q.dropped)::bigint from quota_states q
                    where q.project_id = a.project_id and q.limited_since is not null) as dropped,
                exists (select from channels c where c.project_id = a.project_id and c.is_on and c.failing_since is not null) as is_failing
            from projects a
            where u.is_admin or exists (select 1 from project_members m where m.project_id = a.project_id and m.user_id = u.user_id)
            order by (slug = $3 or project_id = $4) desc, lower(name), project_id
            limit $5) p on true
        where s.token_hash = $1 and s.expires_at > $2
        order by lower(p.name), p.project_id"#,
        secret::hash(token),
        now,
        named.slug,
        named.id,
        MAX_PROJECTS
    )
    .fetch_all(&app.db)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let session = SessionId(first.session_id);
    let (user, email, is_admin) = (UserId(first.user_id), first.email.clone(), first.is_admin);
    if now - first.last_seen_at >= SEEN_EVERY {
        seen(app, session, now).await?;
    }
    let projects = rows.into_iter().filter_map(|row| {
        let limited = row.limited_since.zip(row.dropped);
        let muted = row.is_muted.unwrap_or_default().then_some(row.muted_until);
        Some(VisibleProject {
            id: ProjectId(row.project_id?),
            slug: row.slug?,
            name: row.name?,
            short_prefix: row.short_prefix?,
            limited,
            is_failing: row.is_failing.unwrap_or_default(),
            muted,
        })
    });
    let projects = projects.collect();
    Ok(Some(Viewer::new(user, email, is_admin, session, projects)))
}

/// Who is signed in, on a page that anybody may see.
pub async fn signed_in(app: &App, headers: &HeaderMap) -> Result<Option<UserId>, HttpError> {
    Ok(viewer(app, headers, &Named::default()).await?.map(|viewer| viewer.user_id))
}

/// Writes a use down, and with it how much longer the session lives.
async fn seen(app: &App, session: SessionId, now: DateTime<Utc>) -> sqlx::Result<()> {
    let seen = sqlx::query!("update sessions set last_seen_at = $2, expires_at = $3 where session_id = $1", session.0, now, now + LIFETIME);
    seen.execute(&app.db).await.map(|_| ())
}

/// Begins a session; the cookie that carries it. Removes ended sessions on the way, and the longest unused beyond [`MAX_SESSIONS`].
pub(super) async fn begin(db: &mut PgConnection, app: &App, user: UserId, client: &Client) -> anyhow::Result<HeaderValue> {
    let now = app.clock.now();
    let token = app.ids.secret();
    sqlx::query!(
        "insert into sessions (token_hash, user_id, client, ip, created_at, last_seen_at, expires_at) values ($1, $2, $3, $4, $5, $5, $6)",
        secret::hash(&token),
        user.0,
        client.name,
        client.ip(),
        now,
        now + LIFETIME
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from sessions where session_id in (
            (select session_id from sessions where expires_at <= $2 limit $3)
            union all
            (select session_id from sessions where user_id = $1 order by last_seen_at desc, session_id desc offset $4 limit $3))",
        user.0,
        now,
        SWEPT,
        MAX_SESSIONS
    )
    .execute(&mut *db)
    .await?;
    cookie(app, &token, COOKIE_SECONDS)
}

/// Ends the session of these cookies, if there is one; the cookie that removes theirs.
pub(super) async fn end_this(app: &App, headers: &HeaderMap) -> anyhow::Result<HeaderValue> {
    if let Some(token) = token(app, headers) {
        sqlx::query!("delete from sessions where token_hash = $1", secret::hash(token)).execute(&app.db).await?;
    }
    cookie(app, "", 0)
}

/// Ends one session of a person; whether they had it.
pub(super) async fn end(db: &mut PgConnection, user: UserId, session: SessionId) -> sqlx::Result<bool> {
    let ended = sqlx::query!("delete from sessions where user_id = $1 and session_id = $2", user.0, session.0);
    Ok(ended.execute(db).await?.rows_affected() == 1)
}

/// Ends all sessions of a person but one; how many.
pub(super) async fn end_others(db: &mut PgConnection, user: UserId, kept: SessionId) -> sqlx::Result<u64> {
    let ended = sqlx::query!("delete from sessions where user_id = $1 and session_id <> $2", user.0, kept.0);
    Ok(ended.execute(db).await?.rows_affected())
}

/// A session, for its person.
pub(super) struct Listed {
    pub(super) session_id: SessionId,
    pub(super) client: String,
    pub(super) ip: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_seen_at: DateTime<Utc>,
}

/// A person's sessions, the one used last first.
pub(super) async fn list(db: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as!(
        Listed,
        r#"select session_id as "session_id: SessionId", client, ip, created_at, last_seen_at
        from sessions where user_id = $1 and expires_at > $2
        order by last_seen_at desc, session_id desc limit $3"#,
        user.0,
        now,
        MAX_SESSIONS
    )
    .fetch_all(db)
    .await
}

/// The cookie's name: over https one that no other host of the domain can set.
fn cookie_name(app: &App) -> &'static str {
    match (is_secure(app), prefix::of(&app.url)) {
        (true, "") => "__Host-vedette",
        // Browsers take the other name for the whole host only.
        (true, _) => "__Secure-vedette",
        (false, _) => "vedette",
    }
}

fn is_secure(app: &App) -> bool {
    app.url.scheme() == "https"
}

fn cookie(app: &App, token: &str, seconds: i64) -> anyhow::Result<HeaderValue> {
    let secure = if is_secure(app) { "; Secure" } else { "" };
    let path = Some(prefix::of(&app.url)).filter(|path| !path.is_empty()).unwrap_or("/");
    let text = format!("{}={token}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", cookie_name(app));
    Ok(HeaderValue::from_str(&text)?)
}

/// The token in the request's cookies, if it has the shape of one.
fn token<'h>(app: &App, headers: &'h HeaderMap) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut named = cookies.filter_map(|cookie| cookie.trim().split_once('=')).filter(|(name, _)| *name == cookie_name(app));
    named.find_map(|(_, value)| (value.len() == TOKEN_LENGTH && value.bytes().all(|b| b.is_ascii_hexdigit())).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Parts;
    use crate::platform::blobs::Blobs;
    use crate::platform::clock::Clock;
    use crate::platform::db::{DbOptions, pool};
    use crate::platform::fetch::Fetch;
    use crate::platform::ids::Ids;
    use crate::platform::mail::Mailer;
    use crate::platform::outbox::Wake;
    use crate::platform::seal::Seal;

    fn app(url: &str) -> App {
        let db = pool("postgres://nobody@127.0.0.1:1/none", &DbOptions::default()).unwrap();
        let clock = Clock::fake(DateTime::UNIX_EPOCH);
        let (mailer, outbox) = (Mailer::Kept, Wake::default());
        let blobs = Blobs::local(std::path::PathBuf::from("/nonexistent"));
        let (fetch, seal) = (Fetch::default(), Seal::new(&"0".repeat(64).into()).unwrap());
        App::new(Parts { db, clock, ids: Ids::seeded(1), blobs, mailer, fetch, seal, outbox, url: url.parse().unwrap() })
    }

    #[tokio::test]
    async fn cookies_are_bound_to_the_host_where_that_is_possible() {
        let token_text = "ab".repeat(32);
        for (url, expected) in [
            ("https://errors.example", format!("__Host-vedette={token_text}; Path=/; Max-Age=9; HttpOnly; SameSite=Lax; Secure")),
            (
                "https://example.org/errors/",
                format!("__Secure-vedette={token_text}; Path=/errors; Max-Age=9; HttpOnly; SameSite=Lax; Secure"),
            ),
            ("http://127.0.0.1:8000", format!("vedette={token_text}; Path=/; Max-Age=9; HttpOnly; SameSite=Lax")),
        ] {
            let app = app(url);
            let set = cookie(&app, &token_text, 9).unwrap();
            assert_eq!(set.to_str().unwrap(), expected);
            let pair = expected.split(';').next().unwrap();
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&format!("a=b; {pair}")).unwrap())]);
            assert_eq!(token(&app, &headers), Some(token_text.as_str()));
        }
    }

    #[tokio::test]
    async fn what_is_no_token_is_nobody_and_asks_no_database() {
        let app = app("http://127.0.0.1:8000");
        for cookies in [
            "",
            "vedette=",
            "vedette=abc",
            "other=x",
            "vedette=zz",
            "__Host-vedette=abababababababababababababababababababababababababababababababab",
        ] {
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(cookies))]);
            assert!(viewer(&app, &headers, &Named::default()).await.unwrap().is_none(), "{cookies}");
        }
    }
}
