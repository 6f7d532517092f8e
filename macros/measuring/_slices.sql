{#-
  The CTEs that say what is measured together, up to `sliced`: the predictions again with the number of a slice, which
  `slices` (model_id, task, split, segment, scope, slice) explains. A slice is all rows of a model (scope and segment
  NULL), those of one as_of (its scope), or those of one segment.
-#}
{% macro _slices(predictions) %}
scopes as (

    select
        *,
        as_of as scope,
    from {{ predictions }}
    where segment is null

    union all

    select
        *,
        cast(null as timestamp) as scope,
    from {{ predictions }}

),

slices as (

    select
        model_id,
        task,
        split,
        segment,
        scope,
        row_number() over (
            order by
                model_id asc nulls last,
                task asc nulls last,
                split asc nulls last,
                segment asc nulls last,
                scope asc nulls last
        ) as slice,
    from (select distinct model_id, task, split, segment, scope from scopes)

),

sliced as (

    select
        scopes.*,
        slices.slice,
    from scopes
    inner join slices
        on slices.model_id = scopes.model_id
        and slices.task = scopes.task
        and slices.split = scopes.split
        and slices.segment is not distinct from scopes.segment
        and slices.scope is not distinct from scopes.scope

),
{%- endmacro %}
