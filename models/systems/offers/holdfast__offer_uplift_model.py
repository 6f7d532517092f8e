def model(dbt, session):
    """Learn what offers change where that is due, and give all models, those in use among them."""
    from holdfast.training import update_offer_models

    trials = dbt.ref("holdfast", "holdfast__offer_trials")
    settings = dbt.ref("holdfast", "holdfast__offer_settings")
    return update_offer_models(session, trials, settings, dbt.this)
