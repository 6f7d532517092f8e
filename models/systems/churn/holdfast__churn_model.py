def model(dbt, session):
    """Train where it is due, and give all models of the task with the champion among them."""
    from holdfast.training import update_registry

    training_set = dbt.ref("holdfast", "holdfast__churn_training_set")
    # what customers have done so far, for the fallback: it needs no label
    features = dbt.ref("holdfast", "holdfast__customer_features")
    return update_registry("churn", session, training_set, dbt.this, features)
