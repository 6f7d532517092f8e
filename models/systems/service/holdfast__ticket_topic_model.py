def model(dbt, session):
    """Learn the topics that people give to tickets where it is due, and give all models of them."""
    from holdfast.training import update_ticket_topics

    tickets = dbt.ref("holdfast", "holdfast__ticket_texts")
    settings = dbt.ref("holdfast", "holdfast__support_topic_settings")
    return update_ticket_topics(session, tickets, settings, dbt.this)
