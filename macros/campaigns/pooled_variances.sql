{#-
  The select of the variances of the estimates of a group's variants: columns `by`, arm, is_open, estimate, sample_size,
  pooled_deviation and variance. A variance leans on that of the whole group, which counts as much as 50 sends, so that a
  few sends without a success are not taken for certainty.

  `arms`: see allocation_shares; in it, `deviation` is the variance of the outcome among the sends of the variant (NULL for fewer than
  two), and `added_variance` what the estimate has from elsewhere, such as the mean of its own control (0 for none).
-#}
{% macro pooled_variances(arms, by) %}
    {%- set group_sends = '50e0' -%}
    {%- set key = by | join(', ') -%}
    {%- set all_arms = 'over (partition by ' ~ key ~ ' order by arm asc nulls last rows between unbounded preceding and unbounded following)' -%}
with

measured as (

    select
        {{ key }},
        arm,
        is_open,
        case when sample_size > 0 then estimate end as estimate,
        coalesce(sample_size, 0e0) as sample_size,
        greatest(coalesce(sample_size, 0e0) - 1e0, 0e0) as freedom,
        greatest(coalesce(deviation, 0e0), 0e0) as deviation,
        coalesce(added_variance, 0e0) as added_variance,
    from {{ arms }}

),

pooled as (

    select
        *,
        coalesce(
            nullif(sum(freedom * deviation) {{ all_arms }} / cast(nullif(sum(freedom) {{ all_arms }}, 0) as double), 0e0),
            nullif(power(max(estimate) {{ all_arms }} - min(estimate) {{ all_arms }}, 2), 0e0),
            -- every outcome is the same, so that all variants are alike, whatever the scale
            1e0
        ) as pooled_deviation,
    from measured

)

select
    {{ key }},
    arm,
    is_open,
    estimate,
    sample_size,
    pooled_deviation,
    (freedom * deviation + {{ group_sends }} * pooled_deviation)
    / cast(freedom + {{ group_sends }} as double) / cast(nullif(sample_size, 0) as double) + added_variance as variance,
from pooled
{%- endmacro %}
