{#-
  The CTE `draws` (customer_group, replicate, weight) of a Poisson bootstrap; in replicate 0 everyone is there once.

  Customers are drawn, not rows: all rows of a customer stand or fall together. A hash puts customers into 500 groups,
  and groups are drawn with weights of a Poisson distribution of mean 1, hashed too, so that a build draws as the last
  one did.
-#}
{% macro _draws() %}
    {%- set groups = holdfast._customer_groups() -%}
    {%- set replicates = 200 -%}
    {#- how often a Poisson variable of mean 1 is at most 0, 1, 2, … -#}
    {%- set cumulated = [
        '3.6787944117144233e-1', '7.3575888234288467e-1', '9.1969860292860584e-1', '9.8101184312384619e-1',
        '9.9634015317265630e-1', '9.9940581518241836e-1', '9.9991675885076709e-1',
    ] -%}
draws as (

    select
        customer_group,
        replicate,
        {% for bound in cumulated -%}
        cast(draw >= {{ bound }} as integer){{ ' +' if not loop.last }}
        {% endfor -%}
        as weight,
    from (
        select
            groups.customer_group,
            replicates.replicate,
            (md5_number_lower(groups.customer_group || ' in ' || replicates.replicate) % 1000000000)
            / 1e9 as draw,
        from range({{ groups }}) as groups (customer_group)
        cross join range(1, {{ replicates + 1 }}) as replicates (replicate)
    )

    union all

    -- replicate 0: everyone once
    select
        customer_group,
        0 as replicate,
        1 as weight,
    from range({{ groups }}) as groups (customer_group)

),
{%- endmacro %}


{#- How many groups of customers there are to draw. -#}
{% macro _customer_groups() %}
    {{- return(500) -}}
{% endmacro %}


{#- A SQL expression: the group of a customer. -#}
{% macro _customer_group(customer_id) %}
    {{- return(
        'cast(md5_number_lower(cast(' ~ customer_id ~ ' as varchar)) % ' ~ holdfast._customer_groups() ~ ' as integer)'
    ) -}}
{% endmacro %}
