-- How good each model in use is, on months that it has not seen and on scores whose outcome is known.
select
    task,
    algorithm,
    split,
    row_count,
    auroc,
    auroc_lower,
    auroc_upper,
    expected_calibration_error,
    r2,
    hit_rate_at_10,
    accuracy,
    mean_probability,
    base_rate,
    trained_at
from model_performance
where stage = 'champion'
order by task asc nulls last, split asc nulls last, trained_at desc nulls last
