{#-
  On feature_drift: no feature has moved far from where it was in training, beyond the trend that it had there, by its
  population stability index or by how often it is missing. Features that carry less than `importance_share` of what moves the
  champion are left out. Names the features. Meant as a warning (`severity: warn`).
-#}
{% test features_are_stable(model, psi=0.25, missing_rate_change=0.1, importance_share=0.01) %}

{%- set moved -%}
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
    unexpected_psi,
    unexpected_missing_rate_change,
    share
from weighed
where
    coalesce(share >= {{ importance_share }}, true)
    and (
        unexpected_psi >= {{ psi }}
        or abs(unexpected_missing_rate_change) >= {{ missing_rate_change }}
    )
{%- endset -%}
{%- do holdfast._tell_names(
    'select task, feature from (' ~ moved ~ ') as moved order by share desc nulls last, feature asc nulls last',
    'Features that differ from what the champion learned from by more than their trend explains ({rows}): {names}. Check the input '
    ~ "behind each; if the change is real, train on it: dbt build --vars 'holdfast_retrain: true'. feature_drift has the figures."
) -%}
{{ moved }}

{#- never true: dbt gives a test only the macros that it finds named here -#}
{%- if false -%}{{ holdfast._tell_names() }}{%- endif -%}

{% endtest %}
