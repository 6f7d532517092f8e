-- How often one of ten recommended products was bought, beside simple lists.
select
    list,
    algorithm,
    hit_rate_at_10,
    hit_rate_at_10_lower,
    hit_rate_at_10_upper,
    catalogue_coverage
from recommendation_performance
order by list asc nulls last, place asc nulls last, algorithm asc nulls last
