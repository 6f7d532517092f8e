{#-
  The columns of `holdfast_segments` that are no personal data: groups of one customer, or of a few, would tell about them. What
  is left out is said in the log.
-#}
{% macro segment_names() %}
    {%- set names = [] -%}
    {%- set personal = holdfast.personal_columns('customers') + holdfast.personal_features() if holdfast.setting('segments') else [] -%}
    {%- for name in holdfast.setting('segments') -%}
        {%- if name | lower in personal -%}
            {%- if flags.WHICH in ['build', 'run'] -%}
                {%- do exceptions.warn(
                    'The var `holdfast_segments` names ' ~ name ~ ', which is marked `meta: {pii: true}`: it is left out, because segments are '
                    ~ 'published. Name a coarser column instead.'
                ) -%}
            {%- endif -%}
        {%- else -%}
            {%- do names.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(names) -}}
{% endmacro %}
