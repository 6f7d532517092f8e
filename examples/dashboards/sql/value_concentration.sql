-- How much of the expected spend comes from which tenth of the customers; 1 is the tenth that spends most.
with

ranked as (

    select
        expected_spend_365d,
        ntile(10) over (order by expected_spend_365d desc nulls last, customer_id asc nulls last) as tenth
    from customer_value
    where expected_spend_365d is not null

)

select
    tenth,
    count(*) as customers,
    sum(expected_spend_365d) as expected_spend_365d
from ranked
group by tenth
order by tenth asc nulls last
