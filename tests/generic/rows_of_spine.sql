{#-
  The model has exactly the rows of its spine: none lost, none added. The rows themselves are compared only for dates whose
  numbers of rows or sums of the keys' hashes differ, which reads each table once and sorts nothing.
-#}
{% test rows_of_spine(model, spine, entity=['customer_id']) %}

{#- dbt also selects tests of models that a build of a part leaves out -#}
{%- if execute and not holdfast.exists(model) %}
select 1 as nothing_to_check where false
{%- else %}
{%- set keys = holdfast._quoted(entity + ['as_of']) %}
{%- set states = 'count(*) as row_count, sum(' ~ holdfast.row_hash(keys) ~ ') as keys_hash' %}

with

model_dates as (

    select as_of, {{ states }} from {{ model }} group by as_of

),

spine_dates as (

    select as_of, {{ states }} from {{ spine }} group by as_of

),

differing as (

    select coalesce(model_dates.as_of, spine_dates.as_of) as as_of
    from model_dates
    full join spine_dates on spine_dates.as_of = model_dates.as_of
    where
        model_dates.row_count is distinct from spine_dates.row_count
        or model_dates.keys_hash is distinct from spine_dates.keys_hash

),

model_rows as (

    select {{ keys | join(', ') }}
    from {{ model }} as model
    where exists (select 1 from differing where differing.as_of is not distinct from model.as_of)

),

spine_rows as (

    select {{ keys | join(', ') }}
    from {{ spine }} as spine
    where exists (select 1 from differing where differing.as_of is not distinct from spine.as_of)

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
{%- endif %}

{% endtest %}
