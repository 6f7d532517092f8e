{#-
  The select of the lists that are made of scored candidates: repeat (bought before), explore (never bought) and top (both), each
  ranked by score, ties by product. Gives the candidates' own columns, list and rank.

  `candidates` has customer_id, as_of, product_id, score, product_name, category, is_replenishable, times_bought,
  days_since_bought and product_gap_days. What lasts is not bought again at once; one product may have two ids, and the one
  that scores best stands for both; of a category there are at most `holdfast_recommendations_per_category`.
-#}
{% macro recommendation_lists(candidates) -%}
with

in_time as (

    select
        candidates.*,
        candidates.times_bought > 0 as is_repeat,
    from {{ candidates }} as candidates
    where
        -- of what lasts: half of what usually passes between two purchases of it, or a year
        not coalesce(
            candidates.is_replenishable is false
            and candidates.days_since_bought < coalesce(candidates.product_gap_days / 2e0, 365e0), false
        )

),

named as (

    select
        *,
        row_number() over (
            partition by customer_id, as_of, lower(trim(product_name))
            order by score desc nulls last, product_id asc nulls last
        ) as name_place,
    from in_time

),

listed as (

    {% for list, condition in {'repeat': 'is_repeat', 'explore': 'not is_repeat', 'top': 'true'}.items() -%}
    select
        *,
        {{ holdfast.text(list) }} as list,
    from named
    where
        name_place = 1
        and {{ condition }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

in_category as (

    select
        *,
        row_number() over (
            partition by customer_id, as_of, list, coalesce(category, cast(product_id as varchar))
            order by score desc nulls last, product_id asc nulls last
        ) as category_place,
    from listed

)

select
    *,
    row_number() over (
        partition by customer_id, as_of, list
        order by score desc nulls last, product_id asc nulls last
    ) as rank,
from in_category
where
    category is null
    or category_place <= {{ holdfast.setting('recommendations_per_category') }}
{%- endmacro %}
