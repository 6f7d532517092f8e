{#-
  A text as a SQL literal, whatever it holds. Every value that stands as text in SQL goes through here: what is put between
  quotes by hand becomes SQL where it holds a quote itself.
-#}
{% macro text(value) %}
    {{- return(adapter.dispatch('text', 'holdfast')(value | string)) -}}
{% endmacro %}
