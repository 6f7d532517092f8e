{#-
  The states of a customer's lifecycle, the one place that lists them, in the order in which a customer passes through them.

  `definitions`: the definitions of churn under which a state occurs. `is_keepable`: whether the customer can still be kept; risks
  are about those. `begins`: with an `event` (a registration, a purchase, the start of a subscription), or when a `silence` has
  grown long enough. It decides what is known at the very moment: see state_in_force().
-#}
{% macro lifecycle_states() %}
    {%- set both = ['non_contractual', 'contractual'] -%}
    {{- return([
        {'name': 'never_ordered', 'label': 'Never ordered', 'definitions': both, 'is_keepable': false, 'begins': 'event'},
        {'name': 'new', 'label': 'New', 'definitions': both[:1], 'is_keepable': true, 'begins': 'event'},
        {'name': 'on_rhythm', 'label': 'On rhythm', 'definitions': both[:1], 'is_keepable': true, 'begins': 'event'},
        {'name': 'slipping', 'label': 'Slipping', 'definitions': both[:1], 'is_keepable': true, 'begins': 'silence'},
        {'name': 'running', 'label': 'Running', 'definitions': both[1:], 'is_keepable': true, 'begins': 'event'},
        {'name': 'cancelled_running_out', 'label': 'Cancelled, running out', 'definitions': both[1:], 'is_keepable': true,
            'begins': 'silence'},
        {'name': 'lapsed', 'label': 'Lapsed', 'definitions': both, 'is_keepable': false, 'begins': 'silence'},
    ]) -}}
{% endmacro %}
