{#-
  CTEs, each with its comma, for a model that asks what an order today would change: `features_after_order` has the rows of
  `moments`, a CTE before them with customer_id and as_of, and the columns `names`. It is computed by the very feature views,
  over the history and one more order of each customer, so everything that hangs together moves together: recency, counts in
  every window, sums, gaps, trends, categories. The order is the customer's usual one again: of their purchases by value the
  middle one, with its discount and its products, twelve hours before as_of. Views of a project's own move as far as they
  read the staged orders and order items.

  `usual_orders` has that order: customer_id, as_of, order_id, amount.
-#}
{% macro features_after_order(names) %}
    {%- set orders = ref('holdfast', 'stg_holdfast__orders') -%}
    {%- set has_items = holdfast.has_input('order_items') -%}
    {%- set items = ref('holdfast', 'stg_holdfast__order_items') if has_items else none -%}
    {#- by their plain names, as views name them: under --empty a ref is a select -#}
    {%- set exchanged = {} -%}
    {%- if execute -%}
        {%- do exchanged.update({holdfast._relation_of('stg_holdfast__orders', 'holdfast') | string: 'orders_after'}) -%}
        {%- if has_items -%}
            {%- do exchanged.update({holdfast._relation_of('stg_holdfast__order_items', 'holdfast') | string: 'order_items_after'}) -%}
        {%- endif -%}
    {%- endif -%}
    {%- set id = holdfast._id_of_one_more(orders) -%}
    {%- set wanted = names | map('lower') | list -%}
    {#- a project may have a model that is called as a shipped view is -#}
    {%- set full_names = {} -%}
    {%- for view in holdfast.feature_views() -%}
        {%- do full_names.update({holdfast._plain_name(view): view}) -%}
    {%- endfor -%}
    {%- set chosen = [] -%}
    {%- set views = [] -%}
    {%- for feature in holdfast.feature_columns(holdfast.feature_views()) if feature.name | lower in wanted -%}
        {%- do chosen.append(feature) -%}
        {%- if feature.view not in views -%}
            {%- do views.append(feature.view) -%}
        {%- endif -%}
    {%- endfor -%}
purchases_by_value as (

    select
        orders.*,
        moments.as_of,
        row_number() over (
            partition by orders.customer_id
            order by orders.amount asc nulls last, orders.ordered_at asc nulls last, orders.order_id asc nulls last
        ) as position,
        count(*) over (partition by orders.customer_id) as purchase_count,
    from {{ orders }} as orders
    inner join moments on moments.customer_id = orders.customer_id
    where
        orders.amount > 0
        and orders.ordered_at < moments.as_of
        and coalesce(orders.loaded_at, orders.ordered_at) < moments.as_of

),

usual_orders as (

    select
        *,
        {{ id.new }} as new_order_id,
        as_of - interval 12 hour as new_ordered_at,
    from purchases_by_value
    where 2 * position - purchase_count in (0, 1)

),

orders_after as (

    select
        customer_id,
        {{ id.old }} as order_id,
        ordered_at,
        amount,
        discount_amount,
        channel,
        loaded_at,
    from {{ orders }}

    union all

    select
        customer_id,
        new_order_id,
        new_ordered_at,
        amount,
        discount_amount,
        channel,
        cast(null as timestamp),
    from usual_orders

),
{%- if has_items %}

order_items_after as (

    select
        {{ id.old }} as order_id,
        product_id,
        quantity,
        unit_price,
        loaded_at,
    from {{ items }}

    union all

    select
        usual_orders.new_order_id,
        items.product_id,
        items.quantity,
        items.unit_price,
        cast(null as timestamp),
    from {{ items }} as items
    inner join usual_orders on usual_orders.order_id = items.order_id

),
{%- endif %}
{%- for view in views %}

after_{{ loop.index }} as (

    {{ holdfast.render_view(holdfast._node_of(full_names[view]), 'moments', exchanged).sql }}

),
{%- endfor %}

features_after_order as (

    select
        moments.customer_id,
        moments.as_of,
        {%- for feature in chosen %}
        {%- set value = 'after_' ~ (views.index(feature.view) + 1) ~ '.' ~ holdfast.quoted(feature.name) %}
        {{ holdfast.as_feature(value, feature.type) }} as {{ holdfast.quoted(feature.name) }},
        {%- endfor %}
    from moments
    {%- for view in views %}
    left join after_{{ loop.index }}
        on after_{{ loop.index }}.customer_id = moments.customer_id
        and after_{{ loop.index }}.as_of = moments.as_of
    {%- endfor %}

),
{%- endmacro %}


{#-
  SQL for the id of an order that is not there, and for those that are, of the same type: {new, old}. Whole numbers become wide,
  so that one more than the greatest is always a number.
-#}
{% macro _id_of_one_more(orders) %}
    {%- set type = holdfast._column_types(orders).get('order_id', 'BIGINT') if execute and holdfast.exists(orders) else 'BIGINT' -%}
    {%- if type == 'UUID' -%}
        {{- return({'new': "cast(md5('one more ' || cast(order_id as varchar)) as uuid)", 'old': 'order_id'}) -}}
    {%- elif holdfast._is_text_type(type) -%}
        {{- return({'new': "order_id || ' once more'", 'old': 'order_id'}) -}}
    {%- endif -%}
    {%- set wide = 'cast(%s as decimal(38, 0))' -%}
    {{- return({
        'new': wide | format('(select max(order_id) from ' ~ orders ~ ')') ~ ' + row_number() over (order by customer_id asc nulls last)',
        'old': wide | format('order_id'),
    }) -}}
{% endmacro %}
