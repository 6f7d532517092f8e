{{ config(severity='warn', fail_calc='coalesce(sum(row_count), 0)') }}
-- an order counts from when it was loaded; load times that a new sync has written anew hide the past from all features
-- depends_on: {{ ref('holdfast', 'stg_holdfast__orders') }}
{{ holdfast._late_orders(['build', 'test']) }}
