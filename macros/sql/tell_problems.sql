{#- Says in the log what a test has found, in words: its result is but a number. -#}
{% macro _tell_problems(selects, message, commands=['build', 'test']) %}
    {%- if execute and selects and flags.WHICH in commands -%}
        {%- for row in run_query(selects | join(' union all ')).rows -%}
            {%- do exceptions.warn(
                message | replace('{column}', row[0]) | replace('{rows}', '{:,}'.format(row[1])) | replace('{example}', row[2] | string)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{#-
  Says in the log which rows a test has found, by the values of the columns of a query: `{names}` in the message are the first
  ten, `{rows}` the number of all. Nothing is said where there are none.
-#}
{% macro _tell_names(query, message, commands=['build', 'test']) %}
    {%- if execute and flags.WHICH in commands -%}
        {%- set names = [] -%}
        {%- for row in run_query(query).rows -%}
            {%- do names.append(row.values() | join('.')) -%}
        {%- endfor -%}
        {%- if names -%}
            {%- set more = ' and ' ~ (names | length - 10) ~ ' more' if names | length > 10 else '' -%}
            {%- do exceptions.warn(
                message | replace('{rows}', '{:,}'.format(names | length)) | replace('{names}', names[:10] | join(', ') ~ more)
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
