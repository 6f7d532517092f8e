{#-
  A sentence as {sql, when}: a SQL expression of its text, and the condition that all its values are there; none where it
  names a value that the relation does not have. _english.sql tells how sentences are written.
-#}
{% macro sentence(template, columns, values, language) %}
    {%- set parts = [] -%}
    {%- set conditions = [] -%}
    {%- for part in modules.re.split('([{][A-Za-z0-9_]+(?::[^{}]*)?[}])', template) if part -%}
        {%- if part.startswith('{') and part.endswith('}') -%}
            {%- set name, _, format = part[1:-1].partition(':') -%}
            {%- set value = holdfast.filled_condition('{' ~ name ~ '}', columns, values) -%}
            {%- if value is none -%}
                {{- return(none) -}}
            {%- endif -%}
            {%- if value ~ ' is not null' not in conditions -%}
                {%- do conditions.append(value ~ ' is not null') -%}
            {%- endif -%}
            {%- do parts.append(holdfast._told_value(value, format, language)) -%}
        {%- else -%}
            {%- do parts.append(holdfast.text(part)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return({'sql': parts | join(' || '), 'when': conditions | join(' and ')}) -}}
{% endmacro %}


{#- A SQL expression: the text of a number in a format of sentences. -#}
{% macro _told_value(value, format, language) %}
    {%- set whole = 'cast(round(' ~ value ~ ') as bigint)' -%}
    {%- if format == '' -%}
        {{- return(holdfast._told_number(whole, language)) -}}
    {%- elif format == '%' -%}
        {{- return(
            holdfast._told_number('cast(round(100 * ' ~ value ~ ') as bigint)', language) ~ ' || ' ~ holdfast.text(language.percent)
        ) -}}
    {%- elif format == '1' -%}
        {{- return(holdfast._told_decimal(value, 10, language)) -}}
    {%- elif format == 'money' -%}
        {{- return(holdfast._told_money(value, language)) -}}
    {%- elif format == 'date' -%}
        {{- return(holdfast._told_date(whole, language.date, language.months)) -}}
    {%- elif format == 'day' -%}
        {{- return(holdfast._told_date(whole, language.short_date, language.short_months)) -}}
    {%- elif modules.re.search('[#|=]', format) is none -%}
        {%- do exceptions.raise_compiler_error(
            "A phrase writes a number as '" ~ format ~ "', which is not a format; use %, 1, money, date or day, or the forms of a word, such as "
            ~ '{order_count_90d:# order|# orders}.'
        ) -%}
    {%- endif -%}
    {%- set cases = [] -%}
    {%- set forms = [] -%}
    {%- for form in format.split('|') -%}
        {%- set exact = modules.re.match('([0-9]+)=', form) -%}
        {%- if exact -%}
            {%- do cases.append(
                'when ' ~ whole ~ ' = ' ~ exact.group(1) ~ ' then ' ~ holdfast._told_form(form[exact.end():], whole, language)
            ) -%}
        {%- else -%}
            {%- do forms.append(holdfast._told_form(form, whole, language)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set size = 'abs(' ~ whole ~ ')' -%}
    {%- if forms | length > 1 and language.plural == 'one_few_many' -%}
        {%- do cases.append('when ' ~ size ~ ' % 10 = 1 and ' ~ size ~ ' % 100 != 11 then ' ~ forms[0]) -%}
        {%- do cases.append(
            'when ' ~ size ~ ' % 10 between 2 and 4 and ' ~ size ~ ' % 100 not between 12 and 14 then ' ~ forms[1]
        ) -%}
    {%- elif forms | length > 1 -%}
        {%- do cases.append('when ' ~ size ~ ' = 1 then ' ~ forms[0]) -%}
    {%- endif -%}
    {%- set other = forms[-1] if forms else holdfast._told_number(whole, language) -%}
    {{- return('case ' ~ cases | join(' ') ~ ' else ' ~ other ~ ' end' if cases else other) -}}
{% endmacro %}


{#- A SQL expression: a form of a word with the number in the place of #. -#}
{% macro _told_form(form, whole, language) %}
    {%- set parts = [] -%}
    {%- for part in modules.re.split('(#)', form) if part -%}
        {%- do parts.append(holdfast._told_number(whole, language) if part == '#' else holdfast.text(part)) -%}
    {%- endfor -%}
    {{- return('(' ~ parts | join(' || ') ~ ')' if parts else "''") -}}
{% endmacro %}


{#- A SQL expression: a whole number with the language's separator of thousands. -#}
{% macro _told_number(whole, language) %}
    {{- return(
        'case when abs(' ~ whole ~ ') < 1000 then cast(' ~ whole ~ ' as varchar) else '
        ~ adapter.dispatch('_grouped_number', 'holdfast')(whole, language.thousands) ~ ' end'
    ) -}}
{% endmacro %}


{#- A SQL expression: a number in tenths or hundredths; without decimals where they are zero. -#}
{% macro _told_decimal(value, steps, language) %}
    {%- set number = 'cast(round(' ~ steps ~ ' * ' ~ value ~ ') as bigint)' -%}
    {%- set whole = 'cast(floor(abs(' ~ number ~ ') / ' ~ steps ~ 'e0) as bigint)' -%}
    {%- set rest = 'abs(' ~ number ~ ') % ' ~ steps -%}
    {%- set padded = "case when " ~ rest ~ " < 10 then '0' else '' end || " if steps == 100 else '' -%}
    {{- return(
        'case when ' ~ number ~ " < 0 then '-' else '' end || " ~ holdfast._told_number(whole, language) ~ ' || case when '
        ~ rest ~ " = 0 then '' else " ~ holdfast.text(language.decimal) ~ ' || ' ~ padded ~ 'cast(' ~ rest ~ ' as varchar) end'
    ) -}}
{% endmacro %}


{#- A SQL expression: an amount in `holdfast_currency`, in whole units from a hundred on; a number alone without the var. -#}
{% macro _told_money(value, language) %}
    {%- set currency = holdfast.setting('currency') -%}
    {%- set symbols = {
        'EUR': '€', 'USD': '$', 'GBP': '£', 'JPY': '¥', 'CNY': '¥', 'INR': '₹', 'RUB': '₽', 'UAH': '₴', 'KZT': '₸', 'PLN': 'zł', 'CZK': 'Kč',
        'SEK': 'kr', 'NOK': 'kr', 'DKK': 'kr', 'TRY': '₺', 'ILS': '₪', 'KRW': '₩',
    } -%}
    {%- set whole = holdfast._told_number('cast(round(' ~ value ~ ') as bigint)', language) -%}
    {%- set amount = whole if currency in ['JPY', 'KRW'] else '(case when abs(' ~ value ~ ') < 99.995e0 then '
        ~ holdfast._told_decimal(value, 100, language) ~ ' else ' ~ whole ~ ' end)' -%}
    {%- if currency is none -%}
        {{- return(amount) -}}
    {%- elif currency in language.money_first -%}
        {{- return(holdfast.text(language.money_first[currency]) ~ ' || ' ~ amount) -}}
    {%- elif language.money_first -%}
        {{- return(holdfast.text(currency ~ language.money_gap) ~ ' || ' ~ amount) -}}
    {%- endif -%}
    {{- return(amount ~ ' || ' ~ holdfast.text(language.money_gap ~ symbols.get(currency, currency))) -}}
{% endmacro %}


{#- A SQL expression: the day that is a number of days after as_of, in a language's format and names of months. -#}
{% macro _told_date(days, format, months) %}
    {%- set day = 'cast(' ~ holdfast.plus_days('as_of', 'cast(' ~ days ~ ' as integer)') ~ ' as date)' -%}
    {%- set fields = {
        'day': 'cast(day(' ~ day ~ ') as varchar)', 'year': 'cast(year(' ~ day ~ ') as varchar)',
        'month': holdfast.list_item(holdfast.list_of(holdfast._texts(months)), 'month(' ~ day ~ ')'),
    } -%}
    {%- set parts = [] -%}
    {%- for part in modules.re.split('([{][a-z]+[}])', format) if part -%}
        {%- do parts.append(fields[part[1:-1]] if part.startswith('{') else holdfast.text(part)) -%}
    {%- endfor -%}
    {{- return(parts | join(' || ')) -}}
{% endmacro %}
