-- why the model thinks a customer will leave: the features that raise the risk most, in words
{{ holdfast.reasons('churn') }}
