-- People with and without a password, a session, a used link, a project that moved here with its own DSN id, a switched-off key.
insert into users (email, password_hash, is_admin, created_at) values
    ('root@example.test', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA', true, '2026-11-01 08:00:00+00'),
    ('ana@example.test', null, false, '2026-11-01 09:00:00+00');
insert into sessions (token_hash, user_id, client, ip, created_at, last_seen_at, expires_at)
    select '\x00ff', user_id, 'Firefox 140 on Linux', '192.0.2.7', now(), now(), now() + interval '30 days' from users where is_admin;
insert into one_time_links (token_hash, purpose, created_at, expires_at, used_at) values ('\x01', 'set-up', now(), now() + interval '1 day', now());
insert into projects (dsn_id, slug, name, short_prefix, created_at, next_issue_number, next_user_number) values
    (1, 'shop', 'Shop', 'SHOP', '2026-11-01 10:00:00+00', 2, 1),
    (4505000000000001, 'moved', 'Moved', 'MOVED', '2026-11-01 11:00:00+00', 1, 0);
insert into project_keys (project_id, public_key, is_active, allowed_domains, created_at)
    select project_id, md5(slug)::uuid, slug = 'shop', array['*.shop.example'], now() from projects;
insert into project_members (project_id, user_id, created_at)
    select project_id, user_id, now() from projects, users where slug = 'shop' and not is_admin;
