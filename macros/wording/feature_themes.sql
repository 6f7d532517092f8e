{#-
  The theme of each feature and what its own yml says of it: a dict of features and {theme, tell, phrases}. A column's
  `meta: {theme, tell, reason}` comes before those of its view; without a theme the view's name is one. What nobody can change,
  the attributes of a customer, is told only where a phrase in the var `holdfast_reason_phrases` asks for it.
-#}
{% macro feature_themes(features, relation_name='customer_features') %}
    {%- set found = {} -%}
    {%- set views = holdfast.feature_views() -%}
    {%- set nodes = [] -%}
    {%- if execute -%}
        {%- for view in views -%}
            {%- do nodes.append(holdfast._node_of(view)) -%}
        {%- endfor -%}
        {%- if relation_name != 'customer_features' -%}
            {%- do nodes.insert(0, holdfast._node_of(relation_name)) -%}
        {%- endif -%}
    {%- endif -%}
    {%- set unnamed = [] -%}
    {%- for feature in features -%}
        {%- set told = {'theme': none, 'tell': none, 'phrases': none} -%}
        {%- for node in nodes if told.theme is none and feature in node.columns -%}
            {%- set column = node.columns[feature] -%}
            {%- set meta = {} -%}
            {%- do meta.update(node.config.get('meta') or {}) -%}
            {%- do meta.update(column.get('meta') or {}) -%}
            {%- do meta.update((column.get('config') or {}).get('meta') or {}) -%}
            {%- do told.update({
                'theme': meta.get('theme') or holdfast._plain_name(node.name), 'tell': meta.get('tell', true), 'phrases': meta.get('reason'),
            }) -%}
        {%- endfor -%}
        {%- if told.theme is none -%}
            {%- do unnamed.append(feature) -%}
        {%- endif -%}
        {%- do found.update({feature: told}) -%}
    {%- endfor -%}
    {%- set places = {} -%}
    {%- if unnamed -%}
        {%- for view in views if execute -%}
            {%- set relation = holdfast._relation_of(view) -%}
            {%- if holdfast.exists(relation) -%}
                {%- for column in adapter.get_columns_in_relation(relation) -%}
                    {%- do places.update({column.name: holdfast._plain_name(view)}) -%}
                {%- endfor -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {#- the data decides which features of events there are, so no yml can say how they are told -#}
    {%- set of_events = holdfast.event_features() if unnamed else {} -%}
    {%- for feature in unnamed -%}
        {%- if feature in of_events -%}
            {%- do found[feature].update({'phrases': of_events[feature].say}) -%}
        {%- endif -%}
        {%- set view = places.get(feature, relation_name) -%}
        {%- set meta = (holdfast._node_of(view).config.get('meta') or {}) if execute else {} -%}
        {%- do found[feature].update({'theme': meta.get('theme') or view, 'tell': meta.get('tell', true)}) -%}
    {%- endfor -%}
    {%- for feature in features if holdfast.setting('reason_phrases').get(feature) -%}
        {%- do found[feature].update({'tell': true}) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}
