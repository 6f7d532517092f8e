-- what the model learns from: mature labels of customers with enough history, and the features known at the time
with

features as (

    select * from {{ ref('customer_features') }}

),

labels as (

    select
        customer_id,
        as_of,
        churned,
    from {{ ref('churn_labels') }}
    where is_mature

),

final as (

    select
        labels.churned,
        features.*,
    from labels
    inner join features
        on features.customer_id = labels.customer_id
        and features.as_of = labels.as_of
    where {{ holdfast.has_enough_history('features') }}

)

select * from final
