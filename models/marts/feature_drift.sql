-- how far the customers that are scored now differ from those that the champion learned from, feature by feature
with

final as (

    {% for task in holdfast.setting('tasks') -%}
    {% set eligible = holdfast.churn_eligible('features') if task == 'churn' else none -%}
    select * from ({{ holdfast.drift(task, eligible=eligible) }}) as {{ task }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
