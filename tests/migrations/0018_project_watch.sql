-- Rows as 0018 knows them.
insert into project_watch (project_id, seen_until, last_minute, longest, look_at, stopped_at) values (1, 29000000, 29000000, 12, 29000037, now());
insert into troubles (name, journal, words, since, seen_at, told_at) values ('dead_letters', '6a4f2ad0-6a1e-4b0e-8f2b-0d2f3b1a9c11', '2 dead letters', now(), now(), null);
