-- Tickets and comments by month, for the eight topics with most of them.
with

ranked as (

    select
        topic_id,
        topic,
        rank() over (order by texts desc nulls last, topic_id asc nulls last) as place
    from support_issues
    where topic_id <> 'other'

),

named as (

    select
        cast(date_trunc('month', written.written_at) as date) as month,
        case when ranked.place <= 8 then ranked.topic else 'All others' end as topic
    from support_issue_texts as written
    left join ranked on written.topic_id = ranked.topic_id

)

select
    month,
    topic,
    count(*) as texts
from named
group by month, topic
order by month asc nulls last, topic asc nulls last
