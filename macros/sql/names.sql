{#- Stops the compile where something that names tables or columns is no plain word. -#}
{% macro _check_name(what, name) %}
    {%- if name is not string or modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', name) is none -%}
        {%- do exceptions.raise_compiler_error(what ~ ' must be letters, digits and _; got: ' ~ name) -%}
    {%- endif -%}
{% endmacro %}


{#-
  The end of a sentence that offers the known name most like a wrong one, or ''. Two names are alike by the pairs of letters
  that they share (Dice's coefficient).
-#}
{% macro _did_you_mean(name, known) %}
    {%- set best = namespace(name=none, likeness=0.5) -%}
    {%- set asked = holdfast._letter_pairs(name) -%}
    {%- for other in known -%}
        {%- set pairs = holdfast._letter_pairs(other) -%}
        {%- set left = pairs | list -%}
        {%- set shared = namespace(count=0) -%}
        {%- for pair in asked if pair in left -%}
            {%- do left.remove(pair) -%}
            {%- set shared.count = shared.count + 1 -%}
        {%- endfor -%}
        {%- set likeness = 2 * shared.count / (asked | length + pairs | length) -%}
        {%- if likeness > best.likeness -%}
            {%- set best.name = other -%}
            {%- set best.likeness = likeness -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return('; did you mean ' ~ best.name ~ '?' if best.name else '') -}}
{% endmacro %}


{% macro _letter_pairs(name) %}
    {%- set text = '^' ~ name | string | lower ~ '$' -%}
    {%- set pairs = [] -%}
    {%- for i in range(text | length - 1) -%}
        {%- do pairs.append(text[i:i + 2]) -%}
    {%- endfor -%}
    {{- return(pairs) -}}
{% endmacro %}
