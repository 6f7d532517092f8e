{#- The model has exactly the rows of its spine: none lost, none added. -#}
{% test rows_of_spine(model, spine, entity=['customer_id']) %}

{%- set keys = holdfast._quoted(entity + ['as_of']) %}

with

model_rows as (

    select {{ keys | join(', ') }} from {{ model }}

),

spine_rows as (

    select {{ keys | join(', ') }} from {{ spine }}

),

lost as (

    select * from spine_rows
    except all
    select * from model_rows

),

added as (

    select * from model_rows
    except all
    select * from spine_rows

)

select 'lost' as difference, * from lost
union all
select 'added' as difference, * from added

{% endtest %}
