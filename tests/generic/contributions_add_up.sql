{#-
  The contributions of the champion add up to its scores: the log-odds of a probability, or a value itself, less their sum
  is one number for all customers, the model's base value. Asked of the first thousand customers that it scored;
  probabilities whose float32 says little about their log-odds are left out.
-#}
{% test contributions_add_up(model, task) %}

{%- set declared = holdfast.task(task) -%}
{%- set registry = holdfast.task_step(declared, 'model') -%}
{%- set features = holdfast.task_features(declared) -%}
{%- set keys = holdfast._quoted(declared.entity) -%}
{%- set champion = holdfast.champion(registry) %}
{%- if champion and champion.parameters.get('is_explained', true) %}
with

scored as (

    select
        features.*,
        {%- if declared.is_regression %}
        scores.{{ declared.score_column }} as score,
        {%- else %}
        ln(scores.{{ declared.score_column }} / cast(1 - scores.{{ declared.score_column }} as double)) as score,
        {%- endif %}
    from {{ model }} as scores
    inner join {{ features }} as features
        on {{ holdfast._same_keys('features', 'scores', keys + ['as_of']) }}
    where
        scores.as_of = (select max(as_of) from {{ model }})
        and scores.model_id = {{ holdfast.text(champion.model_id) }}
        {%- if declared.is_regression %}
        and scores.{{ declared.score_column }} is not null
        {%- else %}
        and scores.{{ declared.score_column }} between 1e-3 and 0.999e0
        {%- endif %}
    order by {{ holdfast._key_list('features.', keys) | trim | trim(',') }}
    limit 1000

),

explained as (

    select
        score,
        score - list_sum({{ holdfast.contributions(registry, champion, features) }}) as base_value,
    from scored

)

select
    min(base_value) as least,
    max(base_value) as most,
from explained
-- a value is of any size, and holds seven digits
having max(base_value) - min(base_value) > {{ '1e-4 * greatest(max(abs(score)), 1)' if declared.is_regression else '1e-3' }}
{%- else %}
select 1 as no_champion
where false
{%- endif %}

{% endtest %}
