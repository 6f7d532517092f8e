{#-
  The select of what model_evaluations, incremental, knows from former builds: model_id, split, row_count, mean_outcome and
  settings. No rows at the first build; nor of a table of a former version, which is measured anew.
-#}
{% macro former_evaluations(relation) %}
    {%- if is_incremental() and 'segment' in holdfast._column_types(relation) %}
select
        model_id,
        split,
        max(value) filter (where metric = 'row_count') as row_count,
        max(value) filter (where metric in ('base_rate', 'mean_label')) as mean_outcome,
        max(value) filter (where metric = 'settings') as settings,
    from {{ relation }}
    where
        as_of is null
        and segment is null
    group by model_id, split
    {%- else %}
select
        cast(null as varchar) as model_id,
        cast(null as varchar) as split,
        cast(null as double) as row_count,
        cast(null as double) as mean_outcome,
        cast(null as double) as settings,
    where false
    {%- endif %}
{%- endmacro %}
