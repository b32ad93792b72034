-- 0017_personal: what one person wants to hear of, issues that are ignored until something happens, and the key of the links in mails. Snoozes are
-- written by issues/snoozes.rs (people, digest, a periodic task), the rest by alerts/personal and alerts/links. Old code keeps working: it tells
-- everybody of everything, and leaves a snooze behind when it reopens an issue (the next change of the issue's state removes it).
-- Locks: issue_activity for an instant (a constraint, not checked at once).

-- Until when an ignored issue is ignored; no row: for good. Exactly one of the three.
create table issue_snoozes (
    project_id int not null,
    issue_id bigint not null,
    until timestamptz,
    -- Of `asked`, how many are still to come.
    events_left bigint,
    users_left bigint,
    asked bigint not null default 0,
    primary key (project_id, issue_id),
    constraint issue_snoozes_one check (num_nonnulls(until, events_left, users_left) = 1)
);
create index issue_snoozes_until_idx on issue_snoozes (until) where until is not null;

alter table issue_activity drop constraint issue_activity_kind;
alter table issue_activity add constraint issue_activity_kind
    check (kind in ('appeared', 'resolved', 'ignored', 'reopened', 'regressed', 'merged', 'split', 'regrouped', 'undone', 'spiked', 'calmed', 'unignored'))
    not valid;
alter table issue_activity validate constraint issue_activity_kind;

-- How somebody wants to be told; no row: at once, at any time.
create table personal_settings (
    user_id bigint primary key references users (user_id) on delete cascade,
    pace text not null default 'instant',
    -- The hour of the daily mail, and the minutes of the day between which it is quiet, in the person's time zone.
    digest_hour smallint not null default 9,
    quiet_from smallint,
    quiet_until smallint,
    time_zone text not null default 'UTC',
    constraint personal_settings_pace check (pace in ('instant', 'hourly', 'daily')),
    constraint personal_settings_hour check (digest_hour between 0 and 23),
    constraint personal_settings_quiet check (num_nulls(quiet_from, quiet_until) in (0, 2) and quiet_from between 0 and 1439 and quiet_until between 0 and 1439)
);

-- What somebody does not want to be told of a project: a kind of fact, or '*' for all.
create table personal_off (
    project_id int not null,
    user_id bigint not null references users (user_id) on delete cascade,
    kind text not null,
    primary key (project_id, user_id, kind)
);
create index personal_off_user_idx on personal_off (user_id);

-- Issues that somebody does not want to be told of.
create table personal_mutes (
    project_id int not null,
    issue_id bigint not null,
    user_id bigint not null references users (user_id) on delete cascade,
    muted_at timestamptz not null,
    primary key (project_id, issue_id, user_id)
);
create index personal_mutes_user_idx on personal_mutes (user_id, muted_at desc);

-- Keys that all processes share; each is made when it is first needed.
create table server_keys (
    name text primary key,
    key bytea not null
);
