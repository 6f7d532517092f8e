def model(dbt, session):
    """Train where it is due, and give all models of the task with the champion among them."""
    from holdfast.training import update_registry

    training_set = dbt.ref("holdfast", "holdfast__future_spend_training_set")
    return update_registry("future_spend", session, training_set, dbt.this)
