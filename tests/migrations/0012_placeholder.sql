-- Nothing was made, so there is nothing to insert.
select 1;
