def model(dbt, session):
    """Train the churn models and give their registry rows; keep the champion where nothing calls for training."""
    from holdfast.training import train

    return train(
        session,
        training_set=dbt.ref("churn_training_set"),
        former=str(dbt.this) if dbt.is_incremental else None,
        settings=dbt.config.meta_get("training"),
    )
