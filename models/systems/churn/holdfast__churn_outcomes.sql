-- what came of the churn scores, once their horizon is over: the live truth that models are measured by
{{ holdfast.outcomes(
    'churn',
    labels=holdfast.churn_labels_at(holdfast.scored_rows('churn')),
    any_horizon=var('holdfast_churn_labels', none) is not none,
) }}
