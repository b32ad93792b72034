-- 0019_search: what finds issues by what their events said. Written by digest (events/pairs.rs, issues/texts.rs), read by the search of issues/.
-- Old code keeps working: events it stores are not found by tags, issues it makes not by their stacks. Locks: none that anybody holds (new tables; pg_trgm is an
-- extension that PostgreSQL trusts: the database's owner may add it).

create extension if not exists pg_trgm;

-- Which issues had an event with a tag of this value, by the day; a row per issue and value, not per event. It goes with its day.
create table event_pairs (
    project_id int not null,
    day date not null,
    -- events::pairs::hash of key and value.
    pair bigint not null,
    issue_id bigint not null,
    primary key (project_id, pair, issue_id, day)
) partition by range (day);
-- The days that are there: what waits in journals may belong to any of them.
do $$
declare
    partition record;
begin
    for partition in
        select substring(c.relname from '_([0-9]{8})$') as day from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'events'::regclass and c.relname ~ '^events_[0-9]{8}$'
    loop
        execute format('create table event_pairs_%s partition of event_pairs for values from (%L) to (%L)', partition.day,
            to_date(partition.day, 'YYYYMMDD'), to_date(partition.day, 'YYYYMMDD') + 1);
    end loop;
end $$;

-- Lower-cased text of an issue's first event: title, culprit, exceptions, files and functions of its stack, transaction.
create table issue_texts (
    project_id int not null,
    issue_id bigint not null,
    text text not null,
    primary key (project_id, issue_id)
);
create index issue_texts_text_idx on issue_texts using gin (text gin_trgm_ops);
