{#-
  The select of the profile of a task's champion, from the rows that it learned from: rows of feature_profiles. None where
  the champion has a profile already. A macro of that model, whose table it reads.
-#}
{% macro champion_profile(task) %}
    {%- set steps = holdfast.task(task) -%}
    {%- set registry = holdfast.task_step(steps, 'model') -%}
    {%- set training_set = holdfast.task_step(steps, 'training_set') -%}
    {%- set profiled = 'select model_id from ' ~ this if is_incremental() else "select ''" -%}
    {%- set champions = holdfast.registered_models(
        registry, "stage = 'champion' and model_id not in (" ~ profiled ~ ')'
    ) -%}
    {%- set personal = holdfast.personal_features() -%}
    {%- for champion in champions[:1] %}
        {#- the season of a single day always differs from that of a year -#}
        {%- set names = [] -%}
        {%- for name in champion.feature_names if not name.startswith('calendar_') and name | lower not in personal -%}
            {%- do names.append(name) -%}
        {%- endfor -%}
        {%- set row = ' from ' ~ registry ~ ' where model_id = ' ~ holdfast.text(champion.model_id) ~ ')' -%}
        {{ holdfast.feature_profile(
            '(select * from ' ~ training_set ~ ' where as_of between (select training_from' ~ row
            ~ ' and (select training_to' ~ row ~ ')',
            names,
            present=training_set,
            task=task,
            model_id=champion.model_id,
            entity=steps.entity,
        ) }}
    {%- else %}
select
    {{ holdfast.text(task) }} as task,
    cast(null as varchar) as model_id,
    cast(null as varchar) as feature,
    cast(null as integer) as bin,
    cast(null as double) as upper_edge,
    cast(null as bigint) as row_count,
    cast(null as double) as mean,
    cast(null as bigint) as trend_dates,
    {%- for column in [
        'trend_day', 'trend_spread', 'position_slope', 'position_scatter', 'missing_rate_slope', 'missing_rate_scatter',
        'date_psi',
    ] %}
    cast(null as double) as {{ column }},
    {%- endfor %}
where false
    {%- endfor %}
{%- endmacro %}
