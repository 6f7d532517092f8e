-- the dates for which the future is predicted: the one that is scored, and those that the prediction is tested on
{% set horizon_days = 90 -%}
with

-- as for tasks: the latest fifth of the dates whose horizon is over, three where twice as many lie well before them
mature as (

    select
        as_of,
        row_number() over (order by as_of desc nulls last) as place,
        count(*) over () as date_count,
    from (
        select distinct as_of
        from {{ ref('holdfast', 'holdfast__customer_spine') }}
    ) as dates
    where
        {{ holdfast.plus_days('as_of', horizon_days) }} <= {{ holdfast.known_until() }}
        -- of a spine that ends in the past: what is scored there is fitted without what came, too
        and as_of != {{ holdfast.scoring_as_of() }}

),

first_tested as (

    select
        tested.as_of,
        tested.place,
        greatest(1, round(tested.date_count * 0.2e0)) as fifth,
        count(earlier.as_of) as earlier_count,
    from mature as tested
    left join mature as earlier on {{ holdfast.plus_days('earlier.as_of', horizon_days) }} <= tested.as_of
    group by tested.as_of, tested.place, tested.date_count

),

held_out as (

    select
        max(place) as date_count,
        min(as_of) as fitted_as_of,
    from first_tested
    where
        place <= greatest(fifth, 3)
        and earlier_count >= case when place <= fifth then 1 else 2 * place end

),

final as (

    select
        {{ holdfast.scoring_as_of() }} as as_of,
        'scoring' as role,
        {{ holdfast.scoring_as_of() }} as fitted_as_of,

    union all

    select
        mature.as_of,
        'held_out' as role,
        held_out.fitted_as_of,
    from mature
    inner join held_out on mature.place <= held_out.date_count

)

select * from final
where as_of is not null
