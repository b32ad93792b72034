-- 0012_placeholder: keeps the number free for a migration that is made beside this one. Does nothing, locks nothing.
select 1;
