{#-
  The select of a relation with a row for each of its quoted columns: `feature`, the name of the column, and `value`. The
  relation has no other columns than these and its `keys`, which every row keeps; a NULL has its row, too.
-#}
{% macro unpivoted(relation, columns, keys=[]) %}
    {{- return(adapter.dispatch('unpivoted', 'holdfast')(relation, columns, keys)) -}}
{% endmacro %}
