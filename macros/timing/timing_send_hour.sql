{#-
  A SQL expression: an hour, or outside `holdfast_quiet_hours` the nearest hour to it; of two as near, the later one, so that
  nobody is woken.
-#}
{% macro timing_send_hour(hour) %}
    {%- set quiet = holdfast.setting('quiet_hours') -%}
    {%- if not quiet -%}
        {{- return(hour) -}}
    {%- endif -%}
    {%- set last = (quiet[0] - 1) % 24 -%}
    {%- set cases = [] -%}
    {%- for step in range((quiet[1] - quiet[0]) % 24) -%}
        {%- set each = (quiet[0] + step) % 24 -%}
        {%- set moved = last if (each - last) % 24 < (quiet[1] - each) % 24 else quiet[1] -%}
        {%- do cases.append('when ' ~ each ~ ' then ' ~ moved) -%}
    {%- endfor -%}
    {{- return('case ' ~ hour ~ ' ' ~ cases | join(' ') ~ ' else ' ~ hour ~ ' end') -}}
{% endmacro %}
