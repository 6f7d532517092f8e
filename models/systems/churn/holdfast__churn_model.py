def model(dbt, session):
    """Train where it is due, and give all models of the task with the champion among them."""
    from holdfast.training import update_registry

    return update_registry(
        "churn", session, dbt.ref("holdfast", "holdfast__churn_training_set"), dbt.this
    )
