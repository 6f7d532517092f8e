{#-
  The select of the customers whose purchases are most like those of each customer: as_of, customer_id, neighbour_id, similarity
  and place, 1 being the nearest. `customers` and `reference` have as_of, customer_id and product_id, each combination once.

  The similarity is the asymmetric cosine of UP-CF@r (Faggioli, Polato and Aiolli, UMAP 2020, "Recency Aware Collaborative Filtering for
  Next Basket Recommendation"): the products in common, divided by the number of the customer's products to the power of
  `alpha` and of the neighbour's products to the power of 1 - `alpha`.

  The join stays small because `reference` is a sample, and because a product that more than `most_buyers` of the reference bought
  brings nobody together; without a limit the similarity is exact.
-#}
{% macro nearest_customers(customers, reference, k=25, alpha=0.25, most_buyers=none) -%}
with

neighbours as (

    select
        as_of,
        customer_id as neighbour_id,
        product_id,
        count(*) over (partition by as_of, customer_id) as neighbour_products,
        count(*) over (partition by as_of, product_id) as buyers,
    from {{ reference }} as reference

),

asking as (

    select
        as_of,
        customer_id,
        product_id,
        count(*) over (partition by as_of, customer_id) as products,
    from {{ customers }} as customers

),

shared as (

    select
        asking.as_of,
        asking.customer_id,
        neighbours.neighbour_id,
        count(*) / cast(
            power(cast(max(asking.products) as double), {{ alpha }}e0)
            * power(cast(max(neighbours.neighbour_products) as double), 1e0 - {{ alpha }}e0) as double
        ) as similarity,
    from asking
    inner join neighbours
        on neighbours.as_of = asking.as_of
        and neighbours.product_id = asking.product_id
        and neighbours.neighbour_id <> asking.customer_id
    {%- if most_buyers is not none %}
    where neighbours.buyers <= {{ most_buyers }}
    {%- endif %}
    group by asking.as_of, asking.customer_id, neighbours.neighbour_id

),

placed as (

    select
        *,
        row_number() over (
            partition by as_of, customer_id
            order by similarity desc nulls last, neighbour_id asc nulls last
        ) as place,
    from shared

)

select * from placed
where place <= {{ k }}
{%- endmacro %}
