def model(dbt, session):
    """Choose the offers with the highest expected profit that the limits allow."""
    from holdfast.policies import choose_offers

    candidates = dbt.ref("holdfast", "holdfast__offer_candidates")
    return choose_offers(session, candidates, dbt.ref("holdfast", "holdfast__offer_limits"))
