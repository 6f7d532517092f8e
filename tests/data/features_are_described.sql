-- a feature that nobody described is a feature that nobody will trust
select
    feature_view,
    feature,
from {{ ref('holdfast', 'holdfast__feature_registry') }}
where description is null
