-- the models beside each other, on the months that none of them had seen and on what came of their scores
{% set with_interval = ['auroc', 'average_precision', 'log_loss', 'brier', 'expected_calibration_error'] -%}
{% set plain = [
    'calibration_slope', 'calibration_intercept', 'precision_at_budget', 'profit_at_budget', 'maximum_profit',
    'maximum_profit_share',
] -%}
{% set of_values = ['rmse', 'mae', 'r2', 'gini'] -%}
{#- of the systems that are no tasks -#}
{% set of_systems = ['accuracy', 'hit_rate_at_10', 'recall_at_10', 'ndcg_at_10', 'coverage_80'] -%}
{% set plain_of_systems = ['total_error', 'total_error_raw'] -%}
{% set means_of_values = ['mean_prediction', 'mean_label'] -%}
{#- what is told of the customers who could still be kept, besides their number -#}
{% set of_keepable = ['auroc', 'log_loss'] -%}
{% set plain_of_keepable = ['base_rate', 'mean_probability', 'expected_calibration_error'] -%}
with

-- what is no task has no row in the registry
systems as (

    select
        *,
        task || ': ' || algorithm as model_id,
    from {{ ref('holdfast', 'holdfast__system_evaluations') }}
    where
        as_of is null
        and segment is null

),

registry as (

    select
        task,
        algorithm,
        stage,
        model_id,
        {{ holdfast.json_text('parameters', 'evaluated_as') }} as evaluated_as,
        case
            when {{ holdfast.json_text('parameters', 'selection') }} = 'held_out_customers' then 'other_customers'
            else 'later_dates'
        end as tested_on,
        trained_at,
        training_from,
        training_to,
    from {{ ref('holdfast', 'holdfast__model_registry') }}

    union all

    select distinct
        task,
        algorithm,
        case stage when 'in_use' then 'champion' when 'candidate' then 'challenger' else stage end as stage,
        model_id,
        cast(null as varchar) as evaluated_as,
        cast(null as varchar) as tested_on,
        cast(null as timestamp) as trained_at,
        cast(null as timestamp) as training_from,
        cast(null as timestamp) as training_to,
    from systems

),

figures as (

    select
        model_id,
        split,
        metric,
        value,
        lower,
        upper,
    from {{ ref('holdfast', 'holdfast__model_evaluations') }}
    where
        as_of is null
        and segment is null

    union all

    select
        model_id,
        split,
        metric,
        value,
        lower,
        upper,
    from systems

    union all

    select
        model_id,
        split,
        'row_count' as metric,
        cast(max(row_count) as double) as value,
        cast(null as double) as lower,
        cast(null as double) as upper,
    from systems
    group by model_id, split

),

evaluations as (

    select
        model_id,
        split,
        max(value) filter (where metric = 'row_count') as row_count,
        max(value) filter (where metric = 'base_rate') as base_rate,
        max(value) filter (where metric = 'mean_probability') as mean_probability,
        {% for metric in with_interval + of_values + of_systems -%}
        max(value) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }},
        max(lower) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }}_lower,
        max(upper) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }}_upper,
        {% endfor -%}
        max(value) filter (where metric = 'lift_decile_1') as top_decile_lift,
        max(lower) filter (where metric = 'lift_decile_1') as top_decile_lift_lower,
        max(upper) filter (where metric = 'lift_decile_1') as top_decile_lift_upper,
        {% for metric in plain + means_of_values + plain_of_systems -%}
        max(value) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }},
        {% endfor -%}
    from figures
    group by model_id, split

),

-- ranking those who have been silent for long is easy: how good a model is where something can be done
keepable as (

    select
        model_id,
        split,
        max(value) filter (where metric = 'row_count') as row_count,
        {% for metric in of_keepable -%}
        max(value) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }},
        max(lower) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }}_lower,
        max(upper) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }}_upper,
        {% endfor -%}
        max(value) filter (where metric = 'lift_decile_1') as top_decile_lift,
        {% for metric in plain_of_keepable -%}
        max(value) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }},
        {% endfor -%}
    from {{ ref('holdfast', 'holdfast__model_evaluations') }}
    where
        as_of is null
        and segment = 'lifecycle: keepable'
    group by model_id, split
    having max(value) filter (where metric = 'row_count') >= {{ holdfast.setting('least_group') }}

),

final as (

    select
        registry.task,
        registry.algorithm,
        registry.stage,
        registry.model_id,
        case when evaluations.split = 'test' then registry.evaluated_as end as evaluated_as,
        registry.trained_at,
        registry.training_from,
        registry.training_to,
        evaluations.split,
        case when evaluations.split = 'test' then registry.tested_on end as tested_on,
        cast(evaluations.row_count as bigint) as row_count,
        evaluations.base_rate,
        evaluations.mean_probability,
        {% for metric in with_interval + ['top_decile_lift'] -%}
        evaluations.{{ metric }},
        evaluations.{{ metric }}_lower,
        evaluations.{{ metric }}_upper,
        {% endfor -%}
        {% for metric in plain -%}
        evaluations.{{ metric }},
        {% endfor -%}
        {% for metric in of_values -%}
        evaluations.{{ metric }},
        evaluations.{{ metric }}_lower,
        evaluations.{{ metric }}_upper,
        {% endfor -%}
        {% for metric in means_of_values -%}
        evaluations.{{ metric }},
        {% endfor -%}
        {% for metric in of_systems -%}
        evaluations.{{ metric }},
        evaluations.{{ metric }}_lower,
        evaluations.{{ metric }}_upper,
        {% endfor -%}
        {% for metric in plain_of_systems -%}
        evaluations.{{ metric }},
        {% endfor -%}
        cast(keepable.row_count as bigint) as keepable_row_count,
        {% for metric in of_keepable -%}
        keepable.{{ metric }} as keepable_{{ metric }},
        keepable.{{ metric }}_lower as keepable_{{ metric }}_lower,
        keepable.{{ metric }}_upper as keepable_{{ metric }}_upper,
        {% endfor -%}
        keepable.top_decile_lift as keepable_top_decile_lift,
        {% for metric in plain_of_keepable -%}
        keepable.{{ metric }} as keepable_{{ metric }},
        {% endfor %}
    from registry
    -- a model fitted again on all rows has no unseen months left: its twin, fitted without them, was tested for it
    inner join evaluations
        on evaluations.model_id = case
            when evaluations.split = 'test' then coalesce(registry.evaluated_as, registry.model_id)
            else registry.model_id
        end
    left join keepable
        on keepable.model_id = evaluations.model_id
        and keepable.split = evaluations.split

)

select * from final
