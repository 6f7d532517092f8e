{{ config(materialized='view', meta={'tasks': holdfast.training_of_tasks()}) }}
-- every model of every task
{% for task in holdfast.tasks() -%}
select
    model_id,
    task,
    algorithm,
    stage,
    trained_at,
    training_from,
    training_to,
    row_count,
    positive_count,
    feature_names,
    feature_hash,
    parameters,
    metrics,
    onnx,
    onnx_sha256,
    score_sql,
    library_versions,
from {{ holdfast.task_step(holdfast.task(task), 'model') }}
{{ 'union all' if not loop.last }}
{% endfor %}
