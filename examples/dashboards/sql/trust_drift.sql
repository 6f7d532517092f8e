-- The 50 features in which today's customers differ most from those that a model was trained on.
select
    task,
    feature,
    drift,
    psi,
    unexpected_psi,
    importance,
    missing_rate_change
from feature_drift
order by unexpected_psi desc nulls last, task asc nulls last, feature asc nulls last
limit 50
