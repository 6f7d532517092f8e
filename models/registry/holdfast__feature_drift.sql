-- how far the customers that are scored now differ from those that the champion learned from, feature by feature
with

final as (

    {% for task in holdfast.tasks() -%}
    select * from ({{ holdfast.drift(task) }}) as {{ holdfast.quoted(task) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
