-- How old each table is.
select
    table_name,
    row_count,
    as_of_date,
    published_at,
    model_id,
    holdfast_version
from holdfast_manifest
order by table_name asc nulls last
