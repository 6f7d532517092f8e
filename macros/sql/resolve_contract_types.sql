{#-
  Ids keep the type that the user's tables have, and a dbt contract wants a type that is known in advance.
  A column declared `data_type: id` takes the type that the model's query gives it, just before the contract is
  checked; every other column is checked as it is declared. Runs as a pre-hook: it shares the model with the
  materialisation, which the model's own SQL does not.
-#}
{% macro resolve_contract_types() %}
    {%- if execute and model.config.contract.enforced -%}
        {%- set placeholders = [] -%}
        {%- for column in model.columns.values() if column.data_type == 'id' -%}
            {%- do placeholders.append(column.name) -%}
        {%- endfor -%}
        {%- if placeholders -%}
            {%- for column in get_column_schema_from_query(sql) if column.name in placeholders -%}
                {%- do model.columns[column.name].update({'data_type': column.dtype}) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
