-- What customers say in surveys and of tickets, by month: NPS from -100 to 100, CSAT as the share who are satisfied.
select
    month,
    answers,
    nps,
    nps_lower,
    nps_upper,
    csat,
    detractors,
    detractors_without_ticket
from feedback_summary
where segment_by = 'all' and topic_id = 'all' and is_complete
order by month asc nulls last
