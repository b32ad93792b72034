-- 0004_short_prefixes: a short id such as SHOP-42 names one issue, so no two projects may begin theirs alike.
-- Locks projects for the time of the update and the index; there are few projects.
update projects p set short_prefix = p.short_prefix || p.project_id
where exists (select 1 from projects o where upper(o.short_prefix) = upper(p.short_prefix) and o.project_id < p.project_id);
create unique index projects_short_prefix_key on projects (upper(short_prefix));
