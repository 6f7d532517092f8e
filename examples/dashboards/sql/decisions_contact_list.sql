-- What goes out now.
select
    system,
    channel,
    coalesce(offer_name, action) as proposal,
    count(*) as contacts,
    min(send_at) as first_send_at
from contact_list
group by system, channel, coalesce(offer_name, action)
order by contacts desc nulls last, system asc nulls last, channel asc nulls last, proposal asc nulls last
