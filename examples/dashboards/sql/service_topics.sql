-- What customers write about, and a typical text, masked.
select
    topic,
    texts,
    customers,
    share,
    first_seen_at,
    last_seen_at,
    typical_text
from support_issues
where status = 'current'
order by texts desc nulls last, topic asc nulls last
