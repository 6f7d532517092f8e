{#-
  The select of a user's own churn labels, from the var `holdfast_churn_labels`: customer_id, as_of, churned and
  horizon_ends_at, joined to the spine. A row of the spine without a label is NULL, and so is a label whose horizon is not
  over at the as-of date. Labels that could mislead a model stop the compile and are named: two for one row, outcomes that
  are neither yes nor no, horizons that end before they begin or are longer than what training keeps as its gap.
-#}
{% macro own_labels(relation, spine) %}
    {%- set horizon_days = holdfast.setting('lead_days') + holdfast.setting('churn_horizon_days') -%}
    {%- set as_of_date = holdfast.as_of_date() -%}
    {%- if not execute -%}
        {{- return('select 1 as parse_only') -}}
    {%- endif -%}
    {%- set found = holdfast._column_types(relation) -%}
    {%- for column in ['customer_id', 'as_of', 'churned', 'horizon_ends_at'] if column not in found -%}
        {%- do holdfast._refuse_own_labels(
            relation, 'has no column ' ~ column ~ '; it needs customer_id, as_of, churned and horizon_ends_at, and has '
            ~ found.keys() | join(', ')
        ) -%}
    {%- endfor -%}
    {%- for column in ['as_of', 'horizon_ends_at'] if found[column] != 'DATE' and 'TIMESTAMP' not in found[column] -%}
        {%- do holdfast._refuse_own_labels(relation, 'has ' ~ column ~ ' as ' ~ found[column] ~ '; it must be a timestamp or a date') -%}
    {%- endfor -%}
    {%- if modules.re.fullmatch('BOOLEAN|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?', found['churned']) is none -%}
        {%- do holdfast._refuse_own_labels(
            relation, 'has churned as ' ~ found['churned'] ~ '; it must be boolean, or a whole number that is 0 or 1'
        ) -%}
    {%- endif -%}
    {%- do holdfast._check_id_type(
        found['customer_id'], 'customer_id', 'The column customer_id in the var `holdfast_churn_labels` (' ~ relation ~ ')'
    ) -%}
    {%- if spine is not string and holdfast.exists(spine) -%}
        {%- set want = holdfast._column_types(spine)['customer_id'] -%}
        {%- if holdfast._is_text_type(found['customer_id']) != holdfast._is_text_type(want) -%}
            {%- do holdfast._refuse_own_labels(
                relation, 'has customer_id as ' ~ found['customer_id'] ~ ', but in the spine it is ' ~ want
                ~ ': cast it, so that the two can be joined'
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {%- set labels -%}
select
        customer_id,
        {{ holdfast._cast_column('as_of', found['as_of'], 'timestamp') }} as as_of,
        {{ holdfast._cast_column('horizon_ends_at', found['horizon_ends_at'], 'timestamp') }} as horizon_ends_at,
        cast(churned as integer) as churned,
    from {{ relation }}
    {%- endset -%}
    {%- do holdfast._check_own_labels(relation, labels, horizon_days) -%}
with

spine as (

    select
        customer_id,
        as_of,
    from {{ spine }}

),

labels as (

    {{ labels }}

),

dated as (

    select
        spine.customer_id,
        spine.as_of,
        coalesce(labels.horizon_ends_at, spine.as_of + interval {{ horizon_days }} day) as horizon_ends_at,
        labels.churned = 1 as churned,
    from spine
    left join labels
        on labels.customer_id = spine.customer_id
        and labels.as_of = spine.as_of

),

final as (

    select
        customer_id,
        as_of,
        horizon_ends_at,
        horizon_ends_at <= {{ as_of_date }} as is_mature,
        case when horizon_ends_at <= {{ as_of_date }} then churned end as churned,
    from dated

)

select * from final
{%- endmacro %}


{#- What only the rows can tell. -#}
{% macro _check_own_labels(relation, labels, horizon_days) %}
    {%- set row = run_query(
        'with labels as (' ~ labels ~ ')
        select
            count(*) - count(distinct (customer_id, as_of)),
            count(*) filter (where churned not in (0, 1)),
            min(churned) filter (where churned not in (0, 1)),
            count(*) filter (where customer_id is null or as_of is null or horizon_ends_at is null),
            count(*) filter (where horizon_ends_at <= as_of),
            cast(ceil(max(epoch(horizon_ends_at - as_of)) / 86400e0) as bigint)
        from labels'
    ).rows[0] -%}
    {%- if row[3] -%}
        {%- do holdfast._refuse_own_labels(relation, 'has ' ~ row[3] ~ ' rows without customer_id, as_of or horizon_ends_at') -%}
    {%- elif row[0] -%}
        {%- do holdfast._refuse_own_labels(relation, 'has ' ~ row[0] ~ ' rows too many: a customer_id and as_of may have one label') -%}
    {%- elif row[1] -%}
        {%- do holdfast._refuse_own_labels(
            relation, 'has ' ~ row[1] ~ ' rows whose churned is neither 0 nor 1 (such as ' ~ row[2]
            ~ '); make it true or false, NULL where it is not known'
        ) -%}
    {%- elif row[4] -%}
        {%- do holdfast._refuse_own_labels(relation, 'has ' ~ row[4] ~ ' rows whose horizon_ends_at is not after as_of') -%}
    {%- elif row[5] is not none and row[5] > horizon_days -%}
        {%- do holdfast._refuse_own_labels(
            relation, 'has horizons of up to ' ~ row[5] ~ ' days, longer than the ' ~ horizon_days ~ ' of `holdfast_lead_days` and '
            ~ '`holdfast_churn_horizon_days`, by which training keeps its parts apart; set `holdfast_churn_horizon_days: '
            ~ (row[5] - holdfast.setting('lead_days')) ~ '`'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro _refuse_own_labels(relation, message) %}
    {%- do exceptions.raise_compiler_error('The relation in the var `holdfast_churn_labels` (' ~ relation ~ ') ' ~ message ~ '.') -%}
{% endmacro %}
