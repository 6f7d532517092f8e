{#-
  What can be said of a feature, best first: a list of {sql, when, needs_weight, is_level}. A statement without a direction, or of a task
  without one, needs the feature's own contribution to be positive. Phrases come from the var `holdfast_reason_phrases`, else from the feature's
  `meta: {reason: …}`, else from the language's catalogue; a feature without any is told by its name.
-#}
{% macro feature_statements(feature, phrases, columns, direction, known, language) %}
    {%- set found = [] -%}
    {%- set own = holdfast.setting('reason_phrases').get(feature) or phrases -%}
    {%- set base, window = holdfast._family(feature) -%}
    {%- set shipped = known.features.get(feature, known.features.get(base)) -%}
    {%- if own -%}
        {%- for phrase in ([own] if own is string or own is mapping else own) -%}
            {%- set say = phrase.say if phrase is mapping else phrase -%}
            {%- set sentence = holdfast.sentence(say, columns, known['values'], language) -%}
            {%- set when = holdfast.filled_condition(phrase.when, columns, known['values']) if phrase is mapping and phrase.when
                else 'cast(' ~ holdfast.quoted(feature) ~ ' as double) is not null' -%}
            {%- if sentence is not none and when is not none -%}
                {%- do found.append({
                    'sql': sentence.sql, 'needs_weight': true, 'is_level': false,
                    'when': [sentence.when, '(' ~ when ~ ')'] | select | join(' and '),
                }) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- elif shipped -%}
        {%- for item in shipped -%}
            {%- set name, _, of_days = item.partition('@') -%}
            {%- set days = of_days or window or '90' -%}
            {%- set statement = known.statements[name] -%}
            {%- set template = language.statements[name]
                | replace('[window]', language.year if days == '365' else language.window) | replace('[before]', language.before)
                | replace('[W]', days) -%}
            {%- set sentence = holdfast.sentence(template, columns, known['values'], language) -%}
            {%- set condition = [statement.get('when'), statement.get(direction)] | select | join(' and ') | replace('[W]', days) -%}
            {%- set when = holdfast.filled_condition(condition or 'true', columns, known['values']) -%}
            {%- if sentence is not none and when is not none -%}
                {%- do found.append({
                    'sql': sentence.sql, 'needs_weight': not statement.get(direction), 'is_level': statement.get('is_level', false),
                    'when': [when, sentence.when] | select | join(' and '),
                }) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {%- set plain = feature | replace('_', ' ') -%}
        {%- set value = 'cast(' ~ holdfast.quoted(feature) ~ ' as double)' -%}
        {%- do found.append({
            'sql': holdfast.text(plain[:1] | upper ~ plain[1:] ~ ': ') ~ ' || ' ~ holdfast._told_value(value, '', language),
            'needs_weight': true, 'is_level': true, 'when': value ~ ' is not null',
        }) -%}
    {%- endif -%}
    {#- in the order in which they are told: comparisons first, and first what needs no weight -#}
    {%- set ordered = [] -%}
    {%- for is_level in [false, true] -%}
        {%- for needs_weight in [false, true] -%}
            {%- do ordered.extend(found | selectattr('is_level', 'equalto', is_level) | selectattr('needs_weight', 'equalto', needs_weight)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(ordered) -}}
{% endmacro %}


{#- A feature's name with [W] in the place of its window's days, and the days; the name alone where it has no window. -#}
{% macro _family(feature) %}
    {%- set match = modules.re.fullmatch('(.*)_([0-9]+)d', feature) -%}
    {{- return([match.group(1) ~ '_[W]d', match.group(2)] if match else [feature, none]) -}}
{% endmacro %}
