-- A place that made a few issues, and one of which somebody was told, and which somebody dismissed.
insert into noisy_places (project_id, place, words, pattern, rule, window_from, new_issues, last_at, samples)
    values (1, md5('calm')::uuid, 'Boom in shop.pay', '', 'error.type:"Boom" -> "Boom in shop.pay"', now(), 3, now(), '[4294967297]');
insert into noisy_places (project_id, place, words, pattern, rule, window_from, new_issues, last_at, samples,
        noisy_since, noisy_issues, told_at, untold, untold_since, dismissed_at)
    values (1, md5('noisy')::uuid, 'Messages of shop', 'Payment of * failed', 'logger:"shop" message:"Payment of * failed*" -> "Messages of shop: Payment of ? failed"',
        now(), 23, now(), '[4294967297, 4294967298]', now(), 23, now(), 4, now(), now());
