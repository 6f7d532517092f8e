{#- The value of one var of Holdfast, checked; see settings() for the defaults. -#}
{% macro setting(name) %}
    {%- set settings = holdfast.settings() -%}
    {%- if name not in settings -%}
        {%- do exceptions.raise_compiler_error(
            "holdfast.setting: there is no setting '" ~ name ~ "'; the settings are " ~ (settings.keys() | sort | join(', '))
        ) -%}
    {%- endif -%}

    {%- set spec = settings[name] -%}
    {%- set value = var('holdfast_' ~ name, spec.default) -%}
    {%- if name == 'as_of_date' and value is none and execute and not holdfast._is_unit_test() -%}
        {#- asked while models are built, not while dbt parses: other vars than those of its last run cost a whole parse -#}
        {%- set value = env_var('HOLDFAST_AS_OF_DATE', '') | trim or none -%}
    {%- endif -%}
    {%- set checked = namespace(ok=true, value=value) -%}

    {%- if value is none and spec.default is none or value == 'auto' == spec.default -%}
    {%- elif spec.least is defined -%}
        {%- set checked.ok = value is integer and value is not boolean and value >= spec.least -%}
        {%- if value is string and value | trim | int(-1) | string == value | trim -%}
            {%- set checked.value = value | trim | int -%}
            {%- set checked.ok = checked.value >= spec.least -%}
        {%- endif -%}
    {%- elif spec.number is defined -%}
        {%- set checked.ok = value is number and value is not boolean and spec.number[0] <= value <= spec.number[1] -%}
    {%- elif spec.words is defined -%}
        {%- set checked.ok = value is sequence and value is not string and value is not mapping
            and value | reject('in', spec.words) | list | length == 0 and value | unique | list | length == value | length -%}
    {%- elif name == 'contact_budget' -%}
        {%- set checked.ok = value is number and value is not boolean and value > 0 and (value < 1 or value == value | int) -%}
    {%- elif name == 'segment_budgets' -%}
        {%- set checked.ok = value is mapping -%}
        {%- for most in (value.values() if checked.ok else []) -%}
            {%- set checked.ok = checked.ok and most is number and most is not boolean and most >= 0 and (most < 1 or most == most | int) -%}
        {%- endfor -%}
    {%- elif name in ['segments', 'context_columns', 'features', 'exclude_features', 'trusted_features'] -%}
        {%- set checked.ok = value is sequence and value is not string and value is not mapping
            and value | select('string') | list | length == value | length -%}
    {%- elif name == 'contact_caps' -%}
        {%- set checked.ok = value is mapping -%}
        {%- for cap in (value.values() if checked.ok else []) -%}
            {%- set checked.ok = checked.ok and cap is sequence and cap is not string and cap is not mapping and cap | length == 2
                and cap | select('integer') | reject('boolean') | select('ge', 1) | list | length == 2 -%}
        {%- endfor -%}
    {%- elif name in ['decision_owner', 'holdout_salt'] -%}
        {%- set checked.ok = value is string and value | trim != '' -%}
    {%- elif name == 'review' -%}
        {%- set checked.ok = value in ['all', 'none'] if value is string else value is sequence and value is not mapping
            and value | reject('boolean') | select('integer') | list | length + value | select('string') | list | length == value | length -%}
    {%- elif name in ['contact_without_consent', 'publish', 'publish_empty', 'rebuild_changed', 'reset', 'retrain', 'test_everything', 'time_spine', 'timing_uses_opens'] -%}
        {%- set checked.ok = value is boolean or value | string | lower in ['true', 'false'] -%}
        {%- set checked.value = value | string | lower == 'true' -%}
    {%- elif name == 'as_of_date' and value is not none -%}
        {%- set checked.value = value | string -%}
        {%- set checked.ok = holdfast._is_date(checked.value) -%}
    {%- elif name == 'quiet_hours' -%}
        {%- set checked.ok = value is sequence and value is not string and value is not mapping and value | length in [0, 2]
            and value | select('integer') | reject('boolean') | select('ge', 0) | select('le', 23) | unique | list | length == value | length -%}
    {%- elif name == 'time_zone' -%}
        {%- set checked.ok = value in modules.pytz.all_timezones -%}
    {%- elif name == 'publish_path' and value is not none -%}
        {%- set checked.ok = value is string and value | trim != '' -%}
    {%- elif name == 'estimator' -%}
        {%- set checked.ok = value is none or value in ['logistic_regression', 'hist_gradient_boosting', 'blend']
            or modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*', value | string) is not none -%}
    {%- elif name == 'estimator_parameters' -%}
        {%- set checked.ok = value is mapping -%}
    {%- elif name == 'campaign_goal' -%}
        {%- set checked.ok = value in ['profit', 'revenue', 'response'] -%}
    {%- elif name == 'churn_definition' -%}
        {%- set checked.ok = value in ['non_contractual', 'contractual'] -%}
    {%- elif name == 'observation_interval' -%}
        {%- set checked.ok = modules.re.fullmatch('[1-9][0-9]* (day|week|month)s?', value | string) is not none -%}
    {%- elif name == 'risk_bands' -%}
        {%- set checked.ok = value is mapping and value.keys() | sort | list == ['high', 'medium']
            and value.medium is number and value.high is number and 0 < value.medium < value.high < 1 -%}
    {%- elif name == 'price_rules' -%}
        {%- set checked.ok = value is mapping and value.keys() | reject('in', spec.default) | list | length == 0 -%}
        {%- if checked.ok -%}
            {%- set checked.value = dict(spec.default, **value) -%}
            {%- set rules = checked.value -%}
            {%- set checked.ok = rules.min_margin is number and rules.min_margin is not boolean and -1 <= rules.min_margin < 1
                and rules.max_step is number and rules.max_step is not boolean and 0 < rules.max_step <= 0.5
                and rules.endings is sequence and rules.endings is not string and rules.endings is not mapping
                and rules.endings | select('number') | select('ge', 0) | select('lt', 1) | list | length == rules.endings | length
                and rules.min_days is integer and rules.min_days is not boolean and rules.min_days >= 0
                and rules.competitor_days is integer and rules.competitor_days is not boolean and rules.competitor_days >= 1 -%}
        {%- endif -%}
    {%- elif name == 'rfm_segments' -%}
        {%- set checked.ok = value in ['lifecycle', 'usual'] if value is string else value is sequence and value is not mapping and value
            and value | select('mapping') | selectattr('name', 'defined') | selectattr('name', 'string') | list | length == value | length -%}
    {%- elif name == 'reason_phrases' -%}
        {%- set checked.ok = value is mapping and value.values() | select('sequence') | list | length == value | length -%}
        {%- for phrases in (value.values() if checked.ok else []) -%}
            {%- for phrase in ([phrases] if phrases is string or phrases is mapping else phrases) -%}
                {%- set checked.ok = checked.ok and (phrase is string or (phrase is mapping and phrase.say is string
                    and (phrase.when is not defined or phrase.when is string))) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- elif name == 'currency' and value is not none -%}
        {%- set checked.ok = value is string and modules.re.fullmatch('[A-Z]{3}', value) is not none -%}
    {%- elif name == 'locale' -%}
        {%- set checked.ok = value in ['en', 'de', 'ru'] -%}
    {%- elif name == 'theme_labels' -%}
        {%- set checked.ok = value is mapping and value.values() | select('string') | list | length == value | length -%}
    {%- elif name in ['topic_rules', 'trigger_rules'] -%}
        {%- set checked.ok = value is string and value | trim != '' -%}
    {%- elif name == 'web_event_types' -%}
        {%- set checked.ok = value is mapping and value.keys() | reject('in', ['view', 'cart']) | list | length == 0 -%}
        {%- for types in (value.values() if checked.ok else []) -%}
            {%- set checked.ok = checked.ok and types is sequence and types is not mapping and types | length > 0
                and (types is string or types | select('string') | list | length == types | length) -%}
        {%- endfor -%}
    {%- elif name == 'theme_actions' -%}
        {%- set checked.ok = (value is string and value | trim != '') or value is mapping -%}
    {%- endif -%}
    {%- if name == 'segments' and checked.ok -%}
        {#- a column that is named twice would be one split with every customer in it twice -#}
        {%- set checked.ok = value | map('lower') | unique | list | length == value | length -%}
    {%- endif -%}

    {%- if not checked.ok -%}
        {%- do exceptions.raise_compiler_error(
            "The var `holdfast_" ~ name ~ "` must be " ~ spec.allowed ~ "; got: " ~ value
        ) -%}
    {%- endif -%}
    {{- return(checked.value) -}}
{% endmacro %}


{#- Whether a text is a day of the calendar, written YYYY-MM-DD. -#}
{% macro _is_date(text) %}
    {%- set match = modules.re.fullmatch('([0-9]{4})-([0-9]{2})-([0-9]{2})', text) -%}
    {%- if match is none or match.group(1) == '0000' or not 1 <= match.group(2) | int <= 12 -%}
        {{- return(false) -}}
    {%- endif -%}
    {%- set first = modules.datetime.date(match.group(1) | int, match.group(2) | int, 1) -%}
    {%- set day = first + modules.datetime.timedelta(days=match.group(3) | int - 1) -%}
    {{- return(day.strftime('%Y-%m-%d') == text) -}}
{% endmacro %}
