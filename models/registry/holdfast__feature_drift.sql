-- how far the customers that are scored now differ from those that the champion learned from, feature by feature
with

final as (

    {% for task in holdfast.tasks() if holdfast.task(task).is_watched -%}
    select * from ({{ holdfast.drift(task) }}) as {{ holdfast.quoted(task) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    *,
    {{ holdfast.as_of_date() }} as as_of_date,
from final
