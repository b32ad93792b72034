-- A project whose prefix begins like another's.
insert into projects (dsn_id, slug, name, short_prefix, created_at, next_issue_number, next_user_number)
    values (77, 'shop-2', 'Shop', 'SHOP2', '2026-11-02 10:00:00+00', 1, 0);
