{#-
  A SQL expression: why a product is recommended to a customer, one sentence in the language of `holdfast_locale`, with its
  evidence. The sentence is the first that is true of the row; that of the candidate's own source comes before all others. NULL
  where there is no evidence for any.

  `evidence` says where the evidence stands: a dict of the names below and SQL expressions over the row. What it leaves out is
  not told, and so is what is NULL.

  source                the source to tell first: cart, viewed, rhythm, repeat, bought_with, neighbours, category, popular_segment,
                        popular; popular is told of this source only
  times_bought, days_since_bought, usual_gap_days    the customer's own orders with the product; the usual gap from three on
  carts_7d, views_7d    events of the last 7 days
  product, share        a product of the customer's, by name, and the share of its buyers who also bought this one
  neighbours, neighbours_who_bought    the most similar customers, and those among them who bought it
  category, category_share    the product's category, and the share of the customer's purchases that are from it
  segment               the segment in which it is popular
-#}
{% macro recommendation_reason(evidence, recent_days=28) %}
    {%- set language = holdfast.language() -%}
    {%- set told = [
        ['cart', '{carts_7d} >= 1'], ['rhythm', '{times_bought} >= 3 and {usual_gap_days} >= 0.5 and {days_since_bought} >= 0'],
        ['viewed', '{views_7d} >= 1'], ['repeat', '{times_bought} >= 1 and {days_since_bought} >= 0'], ['bought_with', '{share} >= 0.005'],
        ['neighbours', '{neighbours_who_bought} >= 1'], ['category', '{category_share} >= 0.005'], ['popular_segment', 'true'],
        ['popular', 'false'],
    ] -%}
    {%- set values = {} -%}
    {%- for name, expression in evidence.items() if name not in ['source', 'product', 'category', 'segment'] -%}
        {%- do values.update({name: 'cast(' ~ expression ~ ' as double)'}) -%}
    {%- endfor -%}
    {%- set of_source = [] -%}
    {%- set of_any = [] -%}
    {%- for name, condition in told -%}
        {%- set sentence = holdfast._reason_sentence(language.recommendations[name] | replace('[W]', recent_days), evidence, values, language) -%}
        {%- set when = holdfast.filled_condition(condition, {}, values) -%}
        {%- if sentence is not none and when is not none -%}
            {%- set whole = [sentence.when, when] | reject('in', ['', 'true']) | join(' and ') -%}
            {%- if evidence.source -%}
                {%- set is_source = evidence.source ~ ' = ' ~ holdfast.text(name) -%}
                {%- do of_source.append('when ' ~ [is_source, whole if when != 'false' else ''] | select | join(' and ') ~ ' then ' ~ sentence.sql) -%}
            {%- endif -%}
            {%- if when != 'false' -%}
                {%- do of_any.append('when ' ~ whole ~ ' then ' ~ sentence.sql) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set cases = of_source + of_any -%}
    {{- return('case ' ~ cases | join('\n        ') ~ ' end' if cases else 'cast(null as varchar)') -}}
{% endmacro %}


{#- A sentence that may hold names besides numbers, as {sql, when}; none where the evidence lacks a value. -#}
{% macro _reason_sentence(template, evidence, values, language) %}
    {%- set parts = [] -%}
    {%- set conditions = [] -%}
    {%- for part in modules.re.split('(\\[[a-z]+\\])', template) if part -%}
        {%- if part.startswith('[') -%}
            {%- set name = part[1:-1] -%}
            {%- if name not in evidence -%}
                {{- return(none) -}}
            {%- endif -%}
            {%- do parts.append(evidence[name]) -%}
            {%- do conditions.append(evidence[name] ~ ' is not null') -%}
        {%- else -%}
            {%- set sentence = holdfast.sentence(part, {}, values, language) -%}
            {%- if sentence is none -%}
                {{- return(none) -}}
            {%- endif -%}
            {%- do parts.append(sentence.sql) -%}
            {%- do conditions.append(sentence.when) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return({'sql': parts | join(' || '), 'when': conditions | select | join(' and ')}) -}}
{% endmacro %}
