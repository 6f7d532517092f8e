-- Price changes worth a look, with what they are expected to add per week.
select
    product_id,
    product_name,
    category,
    current_price,
    suggested_price,
    contribution_change,
    contribution_change_lower,
    contribution_change_upper,
    reason
from price_suggestions
where suggested_price is not null
order by contribution_change desc nulls last, product_id asc nulls last
