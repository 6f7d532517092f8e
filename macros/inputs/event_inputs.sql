{#-
  The inputs of `holdfast_events` by name, a dict of names and {relation, types, var}: one relation is the input `events`, a mapping
  names several. `types` are the event types that its user has listed, none where they are chosen by what the input holds. dbt
  renders a var that is text and leaves those in a mapping as they are, so a ref in one is rendered here, also while dbt parses, for
  models that read the relations (`reads`); others may only name what they have said that they depend on.
-#}
{% macro event_inputs(reads=false) %}
    {%- set told = var('holdfast_events', none) -%}
    {%- set inputs = {} -%}
    {%- if told is none or not told | string | trim -%}
        {{- return(inputs) -}}
    {%- endif -%}
    {%- if told is not mapping and told is not string -%}
        {%- do holdfast._refuse_events('it names one relation, or several as a mapping of names and relations; got: ' ~ told) -%}
    {%- elif told is not mapping -%}
        {{- return({'events': {'relation': told, 'types': none, 'var': 'holdfast_events'}}) -}}
    {%- endif -%}
    {%- for name, spec in told.items() -%}
        {%- set relation = spec.get('relation') if spec is mapping else spec -%}
        {%- set types = spec.get('types') if spec is mapping else none -%}
        {%- if name is not string or modules.re.fullmatch('[a-z][a-z0-9_]{0,29}', name) is none or name in ['events', 'web_events'] -%}
            {%- do holdfast._refuse_events(
                "an input is named '" ~ name ~ "': a name is lower-case letters, digits and _, begins with a letter, has 30 "
                ~ 'characters at most and is neither events nor web_events'
            ) -%}
        {%- elif spec is mapping and spec.keys() | reject('in', ['relation', 'types']) | list -%}
            {%- do holdfast._refuse_events('the input ' ~ name ~ ' takes `relation` and `types`; got: ' ~ spec.keys() | join(', ')) -%}
        {%- elif relation is not string or not relation | trim -%}
            {%- do holdfast._refuse_events('the input ' ~ name ~ ' has no relation') -%}
        {%- elif types is not none and (types is string or types is mapping or types is not sequence or not types
            or types | select('string') | map('trim') | select | list | length != types | length or types | length > 50) -%}
            {%- do holdfast._refuse_events('`types` of the input ' ~ name ~ ' must be a list of 1 to 50 texts; got: ' ~ types) -%}
        {%- endif -%}
        {%- for other in inputs if (name ~ '_').startswith(other ~ '_') or (other ~ '_').startswith(name ~ '_') -%}
            {%- do holdfast._refuse_events(
                'features of the inputs ' ~ other ~ ' and ' ~ name ~ ' could get the same names; rename one, so that neither begins with the other and _'
            ) -%}
        {%- endfor -%}
        {%- do inputs.update({name: {
            'relation': render(relation) if reads and relation is string else relation, 'types': types, 'var': 'holdfast_events: ' ~ name,
        }}) -%}
    {%- endfor -%}
    {{- return(inputs) -}}
{% endmacro %}


{% macro _refuse_events(message) %}
    {%- do exceptions.raise_compiler_error('The var `holdfast_events`: ' ~ message ~ '.') -%}
{% endmacro %}
