-- 0001_accounts_and_projects: who may see, and where events go.
-- Read by accounts/ (users, sessions, one_time_links), projects/ (projects, project_keys, project_members). New tables only: no locks on others.

create table users (
    user_id bigint generated always as identity primary key,
    email text not null,
    -- PHC string (argon2id); null until the person has chosen a password.
    password_hash text,
    is_admin boolean not null default false,
    is_active boolean not null default true,
    created_at timestamptz not null,
    constraint users_email_length check (length(email) between 3 and 254)
);
create unique index users_email_key on users (lower(email));

create table sessions (
    session_id bigint generated always as identity primary key,
    -- SHA-256 of the cookie's random token: who reads this table cannot sign in with it.
    token_hash bytea not null,
    user_id bigint not null references users (user_id) on delete cascade,
    client text not null,
    ip text not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null,
    constraint sessions_token_hash_key unique (token_hash)
);
create index sessions_user_idx on sessions (user_id, last_seen_at desc);
create index sessions_expires_idx on sessions (expires_at);

-- Links that work once: the set-up link of a fresh server.
create table one_time_links (
    token_hash bytea primary key,
    purpose text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint one_time_links_purpose check (purpose in ('set-up'))
);

create table projects (
    project_id int generated always as identity primary key,
    -- The public number, in DSNs: by default the internal one, but a project that moved here keeps its own.
    dsn_id bigint not null,
    slug text not null,
    name text not null,
    -- What short ids begin with: SHOP in SHOP-42.
    short_prefix text not null,
    platform text not null default '',
    next_issue_number int not null default 1,
    next_user_number bigint not null default 0,
    -- Scrubbing, filters and grouping rules, as `projects::ProjectSettings` reads them.
    settings jsonb not null default '{}',
    first_event_at timestamptz,
    created_at timestamptz not null,
    constraint projects_project_id_range check (project_id between 1 and 2097151),
    constraint projects_dsn_id_range check (dsn_id > 0),
    constraint projects_dsn_id_key unique (dsn_id),
    constraint projects_slug_key unique (slug),
    constraint projects_name_length check (length(name) between 1 and 100)
);

create table project_keys (
    key_id int generated always as identity primary key,
    project_id int not null references projects (project_id) on delete cascade,
    -- The 32 hex digits of the DSN.
    public_key uuid not null,
    label text not null default '',
    is_active boolean not null default true,
    -- Pages that may send with this key; empty: all.
    allowed_domains text[] not null default '{}',
    created_at timestamptz not null,
    constraint project_keys_public_key_key unique (public_key)
);
create index project_keys_project_idx on project_keys (project_id);

-- Who sees a project and gets its mails. Administrators see every project, but get the mails only of those they are members of.
create table project_members (
    project_id int not null references projects (project_id) on delete cascade,
    user_id bigint not null references users (user_id) on delete cascade,
    created_at timestamptz not null,
    primary key (project_id, user_id)
);
create index project_members_user_idx on project_members (user_id);

-- Keys and settings live in every process's memory: tell them when something changed (a timer follows for whoever cannot listen).
create function notify_projects_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('projects_changed', '');
    return null;
end $$;
create trigger project_keys_changed after insert or update or delete on project_keys for each statement execute function notify_projects_changed();
create trigger projects_changed after insert or delete or update of dsn_id, slug, name, platform, settings on projects
    for each statement execute function notify_projects_changed();
