{#-
  The RFM segments in the order in which they are tried, from the var `holdfast_rfm_segments`: the first whose conditions a customer
  meets is theirs. A segment has a `name` and, each a list, the lifecycle states (`state`), recency scores (`recency`) and value scores
  (`value`) that it takes; without one it takes all. Every customer with a purchase must find a segment.
-#}
{% macro rfm_segments() %}
    {%- set given = holdfast.setting('rfm_segments') -%}
    {%- set shipped = {
        'lifecycle': [
            {'name': 'New customers', 'state': ['new']},
            {'name': 'Champions', 'state': ['on_rhythm'], 'value': [5]},
            {'name': 'Loyal customers', 'state': ['on_rhythm'], 'value': [3, 4]},
            {'name': 'Occasional customers', 'state': ['on_rhythm']},
            {'name': 'Slipping regulars', 'state': ['slipping'], 'value': [4, 5]},
            {'name': 'Slipping', 'state': ['slipping']},
            {'name': 'Lapsed regulars', 'state': ['lapsed'], 'value': [4, 5]},
            {'name': 'Lapsed', 'recency': [2]},
            {'name': 'Lost'},
        ],
        'usual': [
            {'name': 'Champions', 'recency': [5], 'value': [4, 5]},
            {'name': 'Champions', 'recency': [4], 'value': [5]},
            {'name': 'Loyal customers', 'recency': [3, 4], 'value': [4, 5]},
            {'name': 'Potential loyalists', 'recency': [4, 5], 'value': [2, 3]},
            {'name': 'New customers', 'recency': [5], 'state': ['new']},
            {'name': 'Promising', 'recency': [4, 5]},
            {'name': 'Need attention', 'recency': [3], 'value': [3]},
            {'name': 'About to sleep', 'recency': [3]},
            {'name': 'Cannot lose them', 'recency': [1], 'value': [4, 5]},
            {'name': 'At risk', 'value': [3, 4, 5]},
            {'name': 'Hibernating', 'recency': [2]},
            {'name': 'Lost'},
        ],
    } -%}
    {%- set segments = shipped[given] if given is string else given -%}
    {%- set scores = {'5': ['new', 'on_rhythm'], '4': ['new', 'on_rhythm'], '3': ['slipping'], '2': ['lapsed'], '1': ['lapsed']} -%}
    {%- set states = ['new', 'on_rhythm', 'slipping', 'lapsed'] -%}
    {%- for segment in segments -%}
        {%- for key in segment if key not in ['name', 'state', 'recency', 'value'] -%}
            {%- do holdfast._refuse_rfm_segments('gives ' ~ segment.name ~ " the key '" ~ key ~ "'; a segment has name, state, recency and value") -%}
        {%- endfor -%}
        {%- for key in ['state', 'recency', 'value'] if key in segment -%}
            {%- set allowed = states if key == 'state' else [1, 2, 3, 4, 5] -%}
            {%- if segment[key] is string or segment[key] is not sequence or segment[key] | reject('in', allowed) | list or not segment[key] -%}
                {%- do holdfast._refuse_rfm_segments(
                    'gives ' ~ segment.name ~ ' the ' ~ key ~ ' ' ~ segment[key] ~ '; it must be a list of some of ' ~ allowed | join(', ')
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for recency, possible in scores.items() -%}
        {%- for state in possible -%}
            {%- for value in range(1, 6) -%}
                {%- set found = namespace(any=false) -%}
                {%- for segment in segments
                    if state in segment.get('state', states) and recency | int in segment.get('recency', [recency | int])
                    and value in segment.get('value', [value]) -%}
                    {%- set found.any = true -%}
                {%- endfor -%}
                {%- if not found.any -%}
                    {%- do holdfast._refuse_rfm_segments(
                        'has no segment for customers who are ' ~ state ~ ', with recency ' ~ recency ~ ' and value ' ~ value
                        ~ '; a last segment that has only a name takes all that are left'
                    ) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(segments) -}}
{% endmacro %}


{% macro _refuse_rfm_segments(message) %}
    {%- do exceptions.raise_compiler_error('The var `holdfast_rfm_segments` ' ~ message ~ '.') -%}
{% endmacro %}
