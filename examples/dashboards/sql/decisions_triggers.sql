-- What there is to tell customers now. Each customer counts once, with what comes first for them.
select
    trigger,
    count(*) as customers,
    min(expires_at) as first_expires_at
from lifecycle_triggers
where is_open and is_first_choice
group by trigger
order by customers desc nulls last, trigger asc nulls last
