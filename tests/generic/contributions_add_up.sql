{#-
  The contributions of the champion add up to its scores: the log-odds less their sum is one number for all customers, the
  model's base value. Asked of the first thousand customers that it scored; probabilities whose float32 says little about
  their log-odds are left out.
-#}
{% test contributions_add_up(model, task) %}

{%- set registry = ref(task ~ '_model') -%}
{%- set features = ref('holdfast', 'customer_features') -%}
{%- set champion = holdfast.champion(registry) %}
{%- if champion and champion.parameters.get('is_explained', true) %}
with

scored as (

    select
        features.*,
        scores.{{ task }}_probability as probability,
    from {{ model }} as scores
    inner join {{ features }} as features
        on features.customer_id = scores.customer_id
        and features.as_of = scores.as_of
    where
        scores.as_of = (select max(as_of) from {{ model }})
        and scores.model_id = '{{ champion.model_id }}'
        and scores.{{ task }}_probability between 1e-3 and 0.999e0
    order by features.customer_id
    limit 1000

),

explained as (

    select
        ln(probability / (1 - probability)) - list_sum({{ holdfast.contributions(registry, champion, features) }}) as base_value,
    from scored

)

select
    min(base_value) as least,
    max(base_value) as most,
from explained
having max(base_value) - min(base_value) > 1e-3
{%- else %}
select 1 as no_champion
where false
{%- endif %}

{% endtest %}
