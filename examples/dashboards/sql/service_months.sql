-- Tickets and comments by topic and month.
select
    cast(date_trunc('month', written.written_at) as date) as month,
    issues.topic,
    count(*) as texts
from support_issue_texts as written
inner join support_issues as issues on written.topic_id = issues.topic_id
group by cast(date_trunc('month', written.written_at) as date), issues.topic
order by month asc nulls last, issues.topic asc nulls last
