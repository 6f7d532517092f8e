{#-
  A task by its name, as it is declared: by Holdfast itself (shipped_tasks) or in the var `holdfast_tasks`. This is the one
  place that reads a declaration; SQL, yml and Python get it from here. See docs/add_a_task.md for the keys.

  Besides the keys of the declaration the dict has name, is_shipped, is_regression, score_column (<name>_probability, or of
  a number <name>_value) and predicted_column (how predictions are called beside what came: probability, or predicted_value).
-#}
{% macro task(name) %}
    {%- set shipped = holdfast.shipped_tasks() -%}
    {%- set declared = holdfast._declared_tasks() -%}
    {%- if name not in shipped and name not in declared -%}
        {%- set known = holdfast.tasks() -%}
        {%- do exceptions.raise_compiler_error(
            'There is no task ' ~ name ~ holdfast._did_you_mean(name, known) ~ '. Declare it in the var `holdfast_tasks`, for example '
            ~ 'holdfast_tasks: {' ~ name ~ ': {label: …, horizon_days: 60}}; the tasks are ' ~ known | join(', ') ~ '.'
        ) -%}
    {%- endif -%}
    {%- set task = {
        'name': name, 'is_shipped': name in shipped, 'enabled': true, 'is_watched': true, 'optional': false, 'has_reasons': true,
        'target': 'classification', 'definition': none, 'event': none,
        'lead_days': 0, 'settling_days': 0, 'eligible': none, 'entity': ['customer_id'], 'features': 'customer_features',
        'baseline_feature': none, 'direction': none, 'bands': none, 'band_column': 'band', 'live': false, 'estimator': none, 'estimator_parameters': {},
        'include_features': [], 'exclude_features': [], 'trusted_features': [],
        'min_rows': holdfast.setting('min_rows'), 'min_events': holdfast.setting('min_events'),
        'test_dates': none, 'max_rows': holdfast.setting('max_training_rows'), 'seed': holdfast.setting('seed'),
        'retrain': holdfast.setting('retrain'), 'retrain_after_days': holdfast.setting('retrain_after_days'), 'fallback': none,
    } -%}
    {%- do task.update(shipped.get(name, {})) -%}
    {%- do holdfast._check_declaration(name, declared.get(name, {}), shipped.get(name, {})) -%}
    {%- do task.update(declared.get(name) or {}) -%}
    {%- if task.enabled and not shipped.get(name, {}).get('enabled', true) -%}
        {%- if name == 'recommendation' -%}
            {%- do holdfast._refuse_task(
                name, 'cannot be enabled without the system: it needs `holdfast_order_items`, and recommendations in `holdfast_systems`'
            ) -%}
        {%- endif -%}
        {%- do holdfast._refuse_task(
            name, 'cannot be enabled with `holdfast_churn_definition: contractual`: customers whose subscription has lapsed are not '
            ~ 'observed, so there is nobody to ask about'
        ) -%}
    {%- endif -%}
    {%- if task.live and task.is_shipped and not shipped[name].get('live', false) -%}
        {%- do holdfast._refuse_task(
            name, 'cannot be `live`: it is shipped without a model that keeps outcomes; value_evaluations measures it on held-out rows'
        ) -%}
    {%- endif -%}
    {%- set is_regression = task.target == 'regression' -%}
    {%- set asks_for_silence = name == 'churn' and task.definition == 'non_contractual' and task.lead_days == 0 and not is_regression -%}
    {%- if task.fallback == 'bg_nbd' and not asks_for_silence -%}
        {%- do holdfast._refuse_task(
            name, 'has `fallback` bg_nbd, which can only tell whether a customer orders nothing from now on: for churn that is '
            ~ 'non-contractual, without lead days or labels of your own. Leave it out'
        ) -%}
    {%- elif task.fallback is none -%}
        {#- features of another table may not hold what customers bought -#}
        {%- do task.update({'fallback': 'bg_nbd' if asks_for_silence and task.features == 'customer_features' else 'none'}) -%}
    {%- endif -%}
    {%- if task.bands and is_regression -%}
        {%- do holdfast._refuse_task(name, 'predicts a number, and `bands` are of probabilities; leave them out') -%}
    {%- endif -%}
    {%- do task.update({
        'is_regression': is_regression,
        'score_column': name ~ ('_value' if is_regression else '_probability'),
        'predicted_column': 'predicted_value' if is_regression else 'probability',
    }) -%}
    {{- return(task) -}}
{% endmacro %}


{#- Checks what a project says of a task, key by key. -#}
{% macro _check_declaration(name, declaration, shipped) %}
    {%- set days = 'a whole number of days' -%}
    {%- set allowed = {
        'label': 'the name of a column', 'target': 'classification or regression', 'definition': 'a word',
        'event': 'a mapping with model, at and, where wanted, where, absent or value',
        'horizon_days': days ~ ', 1 or more', 'lead_days': days ~ ', 0 or more', 'settling_days': days ~ ', 0 or more',
        'eligible': 'a SQL condition on features, a row of the feature table', 'entity': 'a list of columns, customer_id among them',
        'features': 'the name of a model', 'direction': 'risk or gain', 'baseline_feature': 'a column of the features',
        'bands': "two probabilities, {'high': 0.6, 'medium': 0.3}, 0 < medium < high < 1", 'band_column': 'the name of a column',
        'live': 'true or false', 'estimator': 'the name of an estimator', 'estimator_parameters': 'a mapping',
        'include_features': 'a list of features', 'exclude_features': 'a list of features', 'trusted_features': 'a list of features',
        'min_rows': 'a whole number, 1 or more', 'min_events': 'a whole number, 1 or more', 'test_dates': 'a whole number, 1 or more',
        'max_rows': 'a whole number, 1000 or more', 'seed': 'a whole number, 0 or more', 'retrain': 'true or false',
        'retrain_after_days': days ~ ', 1 or more', 'fallback': 'bg_nbd or none',
    } -%}
    {%- if shipped and name != 'churn' -%}
        {#- churn is what the marts are about, and a task of the project's own is off when it is not declared -#}
        {%- do allowed.update({'enabled': 'true or false'}) -%}
    {%- endif -%}
    {%- if declaration is not mapping -%}
        {%- do holdfast._refuse_task(
            name, 'must be declared by a mapping, such as {label: returned, horizon_days: 60}; got: ' ~ declaration
        ) -%}
    {%- endif -%}
    {%- for key in declaration if key not in allowed -%}
        {%- do holdfast._refuse_task(
            name, 'has no setting `' ~ key ~ '`' ~ holdfast._did_you_mean(key, allowed.keys() | list) ~ '; the settings are '
            ~ allowed.keys() | sort | join(', ')
        ) -%}
    {%- endfor -%}
    {%- for key in ['label', 'horizon_days'] if key not in declaration and key not in shipped -%}
        {%- do holdfast._refuse_task(name, 'has no `' ~ key ~ '`; it must be ' ~ allowed[key]) -%}
    {%- endfor -%}
    {%- set least = {
        'horizon_days': 1, 'lead_days': 0, 'settling_days': 0, 'min_rows': 1, 'min_events': 1, 'test_dates': 1, 'max_rows': 1000,
        'seed': 0, 'retrain_after_days': 1,
    } -%}
    {%- for key, value in declaration.items() if value is not none or key in ['label', 'horizon_days'] -%}
        {%- set checked = namespace(ok=true) -%}
        {%- if key in least -%}
            {%- set checked.ok = value is integer and value is not boolean and value >= least[key] -%}
        {%- elif key in ['label', 'band_column', 'baseline_feature', 'definition'] -%}
            {%- set checked.ok = value is string and modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', value) is not none -%}
        {%- elif key in ['features', 'eligible', 'estimator'] -%}
            {%- set checked.ok = value is string and value | trim != '' -%}
        {%- elif key == 'fallback' -%}
            {%- set checked.ok = value in ['bg_nbd', 'none'] -%}
        {%- elif key == 'direction' -%}
            {%- set checked.ok = value in ['risk', 'gain'] -%}
        {%- elif key == 'target' -%}
            {%- set checked.ok = value in ['classification', 'regression'] -%}
        {%- elif key in ['enabled', 'live', 'retrain'] -%}
            {%- set checked.ok = value is boolean -%}
        {%- elif key in ['entity', 'include_features', 'exclude_features', 'trusted_features'] -%}
            {%- set checked.ok = value is sequence and value is not string and value is not mapping
                and value | select('string') | list | length == value | length and (key != 'entity' or 'customer_id' in value) -%}
        {%- elif key == 'estimator_parameters' -%}
            {%- set checked.ok = value is mapping -%}
        {%- elif key == 'bands' -%}
            {%- set checked.ok = value is mapping and value.keys() | sort | list == ['high', 'medium']
                and value.medium is number and value.high is number and 0 < value.medium < value.high < 1 -%}
        {%- elif key == 'event' -%}
            {%- set checked.ok = value is mapping and value.get('model') is string and value.get('at') is string
                and value.keys() | reject('in', ['model', 'at', 'where', 'absent', 'value']) | list | length == 0 -%}
        {%- endif -%}
        {%- if not checked.ok -%}
            {%- do holdfast._refuse_task(name, 'has `' ~ key ~ '` ' ~ value ~ '; it must be ' ~ allowed[key]) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro _refuse_task(name, message) %}
    {%- do exceptions.raise_compiler_error('The task ' ~ name ~ ' in the var `holdfast_tasks` ' ~ message ~ '.') -%}
{% endmacro %}


{#- The relation of the events of a task's label: an input of Holdfast's, such as orders, or a model. -#}
{% macro _events_of(task) %}
    {%- set name = task.event.model -%}
    {%- set inputs = [
        'orders', 'customers', 'order_items', 'products', 'web_events', 'support_tickets', 'campaign_sends', 'subscriptions', 'feedback',
    ] -%}
    {{- return(ref('holdfast', 'stg_holdfast__' ~ name) if name in inputs else holdfast._ref(name)) -}}
{% endmacro %}
