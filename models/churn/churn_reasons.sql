-- why the model thinks a customer will leave: the features that raise the risk most, in words
{{ holdfast.reasons('churn', eligible=holdfast.churn_eligible('features')) }}
