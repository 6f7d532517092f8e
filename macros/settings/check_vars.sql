{#-
  Refuses vars that begin with holdfast_ and are none of Holdfast's, and vars that reach only some models: those below the
  name of a package. Jinja knows no list of the vars that are set; Python reads the project's files and the command line.
-#}
{% macro check_vars() %}
    {%- if not holdfast.has_plugin() -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set known = holdfast.known_vars() -%}
    {%- set short = [] -%}
    {%- for name in known -%}
        {%- do short.append(name[9:]) -%}
    {%- endfor -%}
    {%- for found in fromjson(run_query('select holdfast_vars()').columns[0].values()[0]) -%}
        {%- if found.name not in known -%}
            {%- set guess = holdfast._did_you_mean(found.name[9:], short) | replace('did you mean ', 'did you mean holdfast_') -%}
            {%- do exceptions.raise_compiler_error(
                'Holdfast has no var `' ~ found.name ~ '`, which is set in ' ~ found.place ~ guess ~ (' ' if guess else '. ')
                ~ 'Its vars are listed in README.md; names that begin with holdfast_ are reserved for them.'
            ) -%}
        {%- elif found.scope -%}
            {%- do exceptions.raise_compiler_error(
                'The var `' ~ found.name ~ '` is set in ' ~ found.place ~ ' where only the package ' ~ found.scope
                ~ ' reads it; Holdfast and your own models would take different values. Move it to the top of `vars:` in '
                ~ "your project's dbt_project.yml."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
