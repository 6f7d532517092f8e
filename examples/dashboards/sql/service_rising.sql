-- The latest weeks in which there were more texts on a topic than usual.
select
    week,
    topic,
    judged_texts,
    expected_texts,
    upper_bound,
    customers,
    median_hours_to_resolve,
    first_seen_at
from support_issue_trends
where is_unusual
order by week desc nulls last, judged_texts desc nulls last, topic asc nulls last
limit 100
