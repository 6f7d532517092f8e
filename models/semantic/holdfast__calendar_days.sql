-- every day from the first order to the as-of date, by which the semantic layer fills gaps
with

bounds as (

    select
        cast(min(ordered_at) as date) as first_day,
        {{ holdfast.as_of_date() }} as last_day,
    from {{ ref('holdfast', 'stg_holdfast__orders') }}

),

numbered as (

    select
        first_day,
        {{ holdfast.whole_numbers('last_day - first_day') }} as days_since,
    from bounds

),

final as (

    select cast(first_day + cast(days_since as integer) as date) as day
    from numbered

)

select * from final
