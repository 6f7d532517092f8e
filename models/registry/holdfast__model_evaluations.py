def model(dbt, session):
    """Measure the models that are due, and give their figures beside all former ones."""
    from holdfast.registry import update_evaluations

    return update_evaluations(session, dbt.ref("holdfast", "holdfast__model_predictions"), dbt.this)
