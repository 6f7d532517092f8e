{{ config(enabled=holdfast.has_input('feedback')) }}
with

feedback_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=ref('holdfast', 'stg_holdfast__feedback'),
        event_at='answered_at',
        known_at=false,
        windows=[180],
        features={
            'feedback_score_mean': {'sql': 'avg(score)'},
            'feedback_count': {'sql': 'count(*)', 'empty': 0},
        },
        lifetime={
            'feedback_count': {'sql': 'count(*)', 'empty': 0},
            'feedback_score_mean': {'sql': 'avg(score)'},
            'scores': {'sql': 'count(score)', 'empty': 0},
            'score_sum': {'sql': 'sum(score)'},
            'feedback_score_last': {'sql': holdfast.value_at_max('score', '(answered_at, score)'), 'where': 'score is not null'},
        },
        recency={
            'feedback_days_since': 'answered_at',
        },
    ) | indent(4) }}

),

final as (

    select
        {{ holdfast.all_but(['scores', 'score_sum']) }},
        feedback_score_last
        - (score_sum - feedback_score_last) / cast(nullif(scores - 1, 0) as double) as feedback_score_trend,
    from feedback_features

)

select * from final
