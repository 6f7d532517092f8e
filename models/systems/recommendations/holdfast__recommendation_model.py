def model(dbt, session):
    """Train where it is due, and give all models of the task with the champion among them."""
    from holdfast.training import update_registry

    training_set = dbt.ref("holdfast", "holdfast__recommendation_training_set")
    return update_registry("recommendation", session, training_set, dbt.this)
