def model(dbt, session):
    """Fit what is expected of customers, for the date that is scored and those it is tested on."""
    from holdfast.training import fit_value_models

    orders = dbt.ref("holdfast", "holdfast__btyd_orders")
    return fit_value_models(session, orders, dbt.ref("holdfast", "holdfast__btyd_dates"))
