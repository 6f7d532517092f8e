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
