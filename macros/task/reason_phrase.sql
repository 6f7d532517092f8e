{#-
  A SQL expression: a feature's value told in plain words, from the phrases in the feature's `meta: reason` in the yml
  of its feature view. `{days_since_order}` in a phrase is that feature's value, `{discount_share_365d:%}` the same as a
  percentage; of several phrases the first whose values are all there is used. A feature without a phrase is told by its name.
  The var `holdfast_reason_phrases`, a dict of features and their phrases, comes before the yml: for another language.
-#}
{% macro reason_phrase(feature, features) %}
    {%- set phrases = [] -%}
    {%- set own = holdfast.setting('reason_phrases').get(feature) -%}
    {%- set found = namespace(phrases=[own] if own is string else own) -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and feature in node.columns -%}
        {%- set phrase = node.columns[feature].config.meta.get('reason') or node.columns[feature].meta.get('reason') -%}
        {%- if phrase and found.phrases is none -%}
            {%- set found.phrases = [phrase] if phrase is string else phrase -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for phrase in found.phrases or [] -%}
        {%- set parts = [] -%}
        {%- set usable = namespace(ok=true) -%}
        {%- for part in modules.re.split('(\{[a-z0-9_]+(?::%)?\})', phrase) if part -%}
            {%- if part.startswith('{') and part.endswith('}') -%}
                {%- set name = part[1:-1].split(':')[0] -%}
                {%- set usable.ok = usable.ok and name in features -%}
                {%- do parts.append(holdfast._told_number(name, ':%' in part)) -%}
            {%- else -%}
                {%- do parts.append(holdfast.text(part)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if usable.ok -%}
            {%- do phrases.append(parts | join(' || ')) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set plain = feature | replace('_', ' ') -%}
    {#- put together here, for a name need not look like the names in phrases do -#}
    {%- do phrases.append(holdfast.text(plain ~ ': ') ~ ' || ' ~ holdfast._told_number(feature)) -%}
    {{- return('coalesce(' ~ phrases | join(', ') ~ ', ' ~ holdfast.text(plain ~ ' is unknown') ~ ')') -}}
{% endmacro %}


{#- A SQL expression: the value of a feature as a whole number, or as a percentage. -#}
{% macro _told_number(feature, is_share=false) %}
    {%- set number = holdfast.quoted(feature) ~ (' * 100' if is_share else '') -%}
    {{- return('cast(cast(round(' ~ number ~ ') as bigint) as varchar)' ~ (" || ' %'" if is_share else '')) -}}
{% endmacro %}
