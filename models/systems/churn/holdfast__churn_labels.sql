-- whether the customer left: one of three definitions, see macros/labels
{{ holdfast.churn_labels_at(ref('holdfast', 'holdfast__customer_spine')) }}
