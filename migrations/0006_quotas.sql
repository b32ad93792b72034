-- 0006_quotas: limits per key, how far each limit is used up, and what was refused lately.
-- Read and written by projects/ (quotas, recent requests); accounts/ reads which projects are limited now. Locks project_keys for an instant
-- (a column with a constant default); the rest is new.

-- What the key may send, as `projects::quotas` reads it: {"events_minute": 100}. A project's own limits stand in its settings.
alter table project_keys add column limits jsonb not null default '{}';

-- One row per limit that was ever used. Every process adds what it took and dropped, and learns what the others did.
create table quota_states (
    project_id int not null,
    -- The key whose limit it is; 0: the project's.
    key_id int not null,
    -- protocol::quota: events, attachments …; minute, hour, month.
    class text not null,
    period text not null,
    -- How full the bucket is, as of when.
    level double precision not null default 0,
    level_at timestamptz not null,
    -- While the limit drops something: the limit, since when, until when at least, what was dropped.
    max_count bigint not null default 0,
    limited_since timestamptz,
    limited_until timestamptz,
    dropped bigint not null default 0,
    primary key (project_id, key_id, class, period),
    constraint quota_states_limited check ((limited_since is null) = (limited_until is null))
) with (fillfactor = 50);
create index quota_states_limited_idx on quota_states (project_id) where limited_since is not null;

-- The last requests that were refused, or of which something was left out: so that people find out why nothing arrives. No bodies.
create table recent_requests (
    -- 0: nobody's, because the key or project is not known.
    project_id int not null,
    -- What makes a repeat: a hash of everything below but times and number.
    fingerprint uuid not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    repeats bigint not null,
    endpoint text not null,
    status smallint not null,
    -- Why, as the client was told; empty when it was taken in part.
    refusal text not null,
    detail text not null,
    -- What was left out: [[category, outcome, reason, quantity], …]
    left_out jsonb not null,
    -- The DSN as the server understood it, with the beginning of the key only.
    dsn text not null,
    client text not null,
    address text not null,
    primary key (project_id, fingerprint)
) with (fillfactor = 60);
create index recent_requests_last_idx on recent_requests (project_id, last_at desc);
