{{ config(severity='warn') }}
-- a stretch without one order in the whole shop makes everybody look lost before it; most often its load is missing
{% set longest = [holdfast.setting('churn_horizon_days'), 30] | max -%}
{% set silences -%}
select
    day_before,
    day_after,
    {{ holdfast.days_between('day_before', 'day_after') }} as silent_days,
from (
    select
        ordered_on as day_after,
        lag(ordered_on) over (order by ordered_on asc nulls last) as day_before,
    from (
        select distinct cast(cast(ordered_at as date) as timestamp) as ordered_on
        from {{ ref('holdfast', 'stg_holdfast__orders') }}
        where amount > 0
    ) as days
) as neighbours
where {{ holdfast.days_between('day_before', 'day_after') }} > {{ longest }}
{%- endset %}
{% set told -%}
select
    'ordered_at' as column_name,
    max(silent_days) as row_count,
    min(cast(day_before as date)) || ' and ' || max(cast(day_after as date)) as example
from ({{ silences }}) as silences
having count(*) > 0
{%- endset %}
{% do holdfast._tell_problems([told], 'There are stretches without any order between {example}, the longest of {rows} days. Everybody looks '
    ~ 'lost before them. Load what is missing; observation dates whose whole label window is silent teach nothing, and are left out.') -%}
{{ silences }}
