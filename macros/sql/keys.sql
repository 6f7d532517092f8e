{#- The columns of an entity, quoted. -#}
{% macro _quoted(columns) %}
    {%- set quoted = [] -%}
    {%- for column in columns -%}
        {%- do quoted.append(holdfast.quoted(column)) -%}
    {%- endfor -%}
    {{- return(quoted) -}}
{% endmacro %}


{#- Quoted columns of a relation for a select list, each with its comma. -#}
{% macro _key_list(prefix, keys) %}
    {%- for key in keys -%}
        {{ prefix }}{{ key }},{{ ' ' if not loop.last }}
    {%- endfor -%}
{% endmacro %}


{#- A SQL expression: the quoted keys of a row as one text. -#}
{% macro _key_text(keys) %}
    {{- return(keys | join(" || ' ' || ")) -}}
{% endmacro %}


{#- The condition that two relations have the same quoted keys. -#}
{% macro _same_keys(left, right, keys) %}
    {%- set terms = [] -%}
    {%- for key in keys -%}
        {%- do terms.append(left ~ '.' ~ key ~ ' = ' ~ right ~ '.' ~ key) -%}
    {%- endfor -%}
    {{- return(terms | join(' and ')) -}}
{% endmacro %}
