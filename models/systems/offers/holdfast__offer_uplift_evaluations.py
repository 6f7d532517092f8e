def model(dbt, session):
    """Measure on the latest campaigns what a model of the ones before says of them."""
    from holdfast.training import evaluate_offers

    trials = dbt.ref("holdfast", "holdfast__offer_trials")
    return evaluate_offers(session, trials, dbt.ref("holdfast", "holdfast__offer_settings"))
