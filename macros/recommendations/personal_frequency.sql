{#-
  A SQL expression: what an order adds to a customer's own vector of products, with the group-wise time decay of TIFU-KNN (Hu, He,
  Gao and Zhang, SIGIR 2020, "Modeling Personalized Item Frequency Information for Next-basket Recommendation").

  The orders of a customer form up to `groups` groups of equal size, larger ones last. Within a group an order counts
  `within` times as much as the next later one, and a group `across` times as much as the next later group.
  `position` is 1 for the last of the customer's `orders`. With `whole_history` the decay within a group runs on through all orders, as in
  the program that the authors published, and in Cornac; the paper begins it again in each group.
-#}
{% macro personal_frequency(position, orders, groups=7, within=0.9, across=0.7, whole_history=false) %}
    {%- set count = 'least(' ~ orders ~ ', ' ~ groups ~ ')' -%}
    {%- set size = 'floor(' ~ orders ~ ' / cast(' ~ count ~ ' as double))' -%}
    {%- set larger = '(' ~ orders ~ ' - ' ~ count ~ ' * ' ~ size ~ ')' -%}
    {%- set in_larger = larger ~ ' * (' ~ size ~ ' + 1)' -%}
    {%- set place = '(' ~ position ~ ' - 1)' -%}
    {%- set rest = '(' ~ place ~ ' - ' ~ in_larger ~ ')' -%}
    {%- set weights = [] -%}
    {%- for group, step, length in [
        ['floor(' ~ place ~ ' / cast(' ~ size ~ ' + 1 as double))', place ~ ' % (' ~ size ~ ' + 1)', size ~ ' + 1'],
        [larger ~ ' + floor(' ~ rest ~ ' / cast(' ~ size ~ ' as double))', rest ~ ' % ' ~ size, size],
    ] -%}
        {%- do weights.append(
            'power(' ~ within ~ 'e0, ' ~ (place if whole_history else step) ~ ') * power('
            ~ across ~ 'e0, ' ~ group ~ ') / cast((' ~ length ~ ') * ' ~ count ~ ' as double)'
        ) -%}
    {%- endfor -%}
    {{- return('case when ' ~ place ~ ' < ' ~ in_larger ~ ' then ' ~ weights[0] ~ ' else ' ~ weights[1] ~ ' end') -}}
{% endmacro %}
