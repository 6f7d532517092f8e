def model(dbt, session):
    """Set the models of a customer's value beside each other, and say which is in use."""
    from holdfast.measuring import compare_forecasts

    predictions = dbt.ref("holdfast", "holdfast__value_predictions")
    return compare_forecasts(predictions.to_arrow_table())
