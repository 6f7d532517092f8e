{#-
  A condition or expression with SQL in the place of each `{name}`: a column of the relation, or one of the `values` that are made
  of columns. None where the relation lacks one. `columns` is a dict of names in lower case and columns.
-#}
{% macro filled_condition(condition, columns, values) %}
    {%- set parts = [] -%}
    {%- for part in modules.re.split('([{][A-Za-z0-9_]+[}])', condition) if part -%}
        {%- if part.startswith('{') and part.endswith('}') -%}
            {%- set name = part[1:-1] -%}
            {%- if name | lower in columns -%}
                {%- do parts.append('cast(' ~ holdfast.quoted(columns[name | lower]) ~ ' as double)') -%}
            {%- else -%}
                {%- set value = holdfast.filled_condition(values[name], columns, values) if name in values else none -%}
                {%- if value is none -%}
                    {{- return(none) -}}
                {%- endif -%}
                {%- do parts.append('(' ~ value ~ ')') -%}
            {%- endif -%}
        {%- else -%}
            {%- do parts.append(part) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(parts | join) -}}
{% endmacro %}
