-- An issue that is found by its text.
insert into issue_texts (project_id, issue_id, text) values (1, (1::bigint << 32) + 901, 'boom: it broke');
