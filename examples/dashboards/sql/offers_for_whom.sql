-- The same by segment: for whom an offer works. The shrunk effect leans on the other segments where one has few customers.
select
    segment,
    offer_id,
    channel,
    outcome,
    treated_customers,
    effect_shrunk,
    effect_shrunk_lower,
    effect_shrunk_upper,
    finding
from offer_effects
where outcome in ('margin', 'revenue') and segment <> 'all'
order by outcome asc nulls last, effect_shrunk desc nulls last, segment asc nulls last, offer_id asc nulls last, channel asc nulls last
