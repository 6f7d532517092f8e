{#-
  On feature_drift: no feature has moved far from where it was in training, by its population stability index or by how
  often it is missing. Features that carry less than `importance_share` of what moves the champion are left out. Meant as a
  warning (`severity: warn`).
-#}
{% test features_are_stable(model, psi=0.25, missing_rate_change=0.1, importance_share=0.01) %}

with

weighed as (

    select
        *,
        importance / cast(nullif(sum(importance) over (partition by task), 0) as double) as share,
    from {{ model }}

)

select
    task,
    feature,
    psi,
    missing_rate_change,
    share
from weighed
where
    coalesce(share >= {{ importance_share }}, true)
    and (
        psi >= {{ psi }}
        or abs(missing_rate_change) >= {{ missing_rate_change }}
    )

{% endtest %}
