-- a feature that nobody described is a feature that nobody will trust
select
    feature_view,
    feature,
from {{ ref('feature_registry') }}
where description is null
