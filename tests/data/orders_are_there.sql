-- an empty orders table would make every table after it empty, in silence
select 'holdfast_orders has no rows' as problem
where not exists (select 1 from {{ ref('holdfast', 'stg_holdfast__orders') }})
