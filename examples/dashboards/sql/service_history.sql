-- When topics appeared, split, were merged, renamed or went away.
select
    history.happened_on,
    history.event,
    coalesce(issues.topic, history.topic_id) as topic,
    history.note
from support_issue_history as history
left join support_issues as issues on history.topic_id = issues.topic_id
where history.event <> 'kept'
order by history.happened_on desc nulls last, topic asc nulls last, history.event asc nulls last
