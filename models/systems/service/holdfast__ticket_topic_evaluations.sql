{{ config(enabled=holdfast.has_system('service') and holdfast.has_input('support_tickets')) }}
-- how often the topic of a ticket is named right, on tickets later than those learned from, beside the commonest topic
with

models as (

    select
        held_out_count,
        accuracy,
        baseline_accuracy,
    from {{ ref('holdfast', 'holdfast__ticket_topic_model') }}
    where
        stage = 'current'
        and status = 'fitted'

),

-- all scripts together; a share times its rows is a whole number
counted as (

    select
        'logistic_regression' as algorithm,
        'in_use' as stage,
        cast(sum(cast(round(accuracy * held_out_count) as bigint)) as bigint) as hits,
        cast(sum(held_out_count) as bigint) as row_count,
    from models

    union all

    select
        'commonest_topic' as algorithm,
        'baseline' as stage,
        cast(sum(cast(round(baseline_accuracy * held_out_count) as bigint)) as bigint) as hits,
        cast(sum(held_out_count) as bigint) as row_count,
    from models

),

final as (

    select
        'ticket_topic' as task,
        algorithm,
        stage,
        'test' as split,
        cast(null as timestamp) as as_of,
        cast(null as varchar) as segment,
        'accuracy' as metric,
        hits / cast(row_count as double) as value,
        {{ holdfast.wilson_bound('hits', 'row_count', 'lower') }} as lower,
        {{ holdfast.wilson_bound('hits', 'row_count', 'upper') }} as upper,
        row_count,
    from counted
    where row_count > 0

)

select * from final
