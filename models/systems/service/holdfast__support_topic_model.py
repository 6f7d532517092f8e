def model(dbt, session):
    """Learn topics of support texts where that is due, and give all models of them."""
    from holdfast.training import update_support_topics

    texts = dbt.ref("holdfast", "holdfast__support_texts")
    settings = dbt.ref("holdfast", "holdfast__support_topic_settings")
    rules = dbt.ref("holdfast", "holdfast__support_topic_rules")
    return update_support_topics(session, texts, settings, rules, dbt.this)
