{#-
  The pre-hook of tables that keep rows from build to build: where a column's type has changed since, the table's column
  takes the type that holds both, before rows are added. Ids that have outgrown 32 bits, or a label that was a whole number
  and is a fraction now, are such. What no type holds without becoming something else (numbers and text) stops the build,
  and says what to do. `drop_others` drops the columns that the model does not have any more, as feature views want it; dbt's
  own sync_all_columns would change types, too, also to smaller ones, and fails within the transaction.
-#}
{% macro widen_columns(drop_others=false) %}
    {%- if execute and model.config.materialized == 'incremental' and model.language == 'sql' and not should_full_refresh() -%}
        {%- set existing = load_relation(this) -%}
        {%- if existing is not none and existing.is_table -%}
            {{- adapter.dispatch('_widen', 'holdfast')(existing, sql, drop_others) -}}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- The type that holds the values of both, or none where they would become something else. -#}
{% macro _common_type(one, other) %}
    {%- set kinds = [] -%}
    {%- for type in [one, other] -%}
        {%- if type == '"NULL"' -%}
            {%- do kinds.append('any') -%}
        {%- elif holdfast._is_number_type(type) or type == 'BOOLEAN' -%}
            {%- do kinds.append('number') -%}
        {%- elif holdfast._is_time_type(type) -%}
            {%- do kinds.append('time ' ~ ('TIME ZONE' in type)) -%}
        {%- elif holdfast._is_text_type(type) -%}
            {%- do kinds.append('text') -%}
        {%- else -%}
            {%- do kinds.append(type) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if 'any' not in kinds and kinds[0] != kinds[1] -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- if (holdfast._is_float_type(one) or holdfast._is_float_type(other)) and 'any' not in kinds and one != other -%}
        {{- return('DOUBLE') -}}
    {%- endif -%}
    {%- set both = get_column_schema_from_query('select cast(null as ' ~ one ~ ') as both union all select cast(null as ' ~ other ~ ')')[0].dtype -%}
    {{- return(both) -}}
{% endmacro %}


{% macro _refuse_type(existing, column, was, is_now) %}
    {%- set begin_anew = "dbt build --full-refresh --vars '{holdfast_reset: true}'" if model.config.full_refresh is false
        or model.config.meta.get('keeps_history', false) else 'dbt build --full-refresh --select ' ~ model.name ~ '+' -%}
    {%- do exceptions.raise_compiler_error(
        column ~ ' is ' ~ is_now ~ ' now, and ' ~ was ~ ' in ' ~ existing ~ ', which keeps the rows of earlier builds. Cast it to ' ~ was
        ~ ' in your inputs, or rebuild the table'
        ~ (', which deletes all earlier models, scores and evaluations' if 'holdfast_reset' in begin_anew else '') ~ ': ' ~ begin_anew ~ '.'
    ) -%}
{% endmacro %}
