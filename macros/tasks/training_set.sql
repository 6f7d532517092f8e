{#-
  The select of what a task learns from: the labels that are known, of customers with enough history, with the features as
  they were known at the observation. `labels` is a relation with customer_id, as_of and the label, a boolean column or a number.
-#}
{% macro training_set(labels, label) %}
    {%- do holdfast._check_task_name('training_set', 'label', label) -%}
    {{- config(materialized='table') -}}
with

features as (

    select * from {{ ref('holdfast', 'customer_features') }}

),

labels as (

    select
        customer_id,
        as_of,
        {{ label }},
    from {{ labels }}
    where {{ label }} is not null

),

final as (

    select
        labels.{{ label }},
        features.*,
    from labels
    inner join features
        on features.customer_id = labels.customer_id
        and features.as_of = labels.as_of
    where {{ holdfast.has_enough_history('features') }}

)

select * from final
{%- endmacro %}


{#- A task and its label name tables and columns, so they are plain words. -#}
{% macro _check_task_name(macro, argument, name) %}
    {%- if name is not string or modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', name) is none -%}
        {%- do exceptions.raise_compiler_error(
            'holdfast.' ~ macro ~ ': `' ~ argument ~ '` must be letters, digits and _; got: ' ~ name
        ) -%}
    {%- endif -%}
{% endmacro %}
