-- how sales answer to prices, in percent of the product's sales relative to its category's per percent of price
{{ config(enabled=holdfast.has_system('pricing')) }}

with

panel as (

    select * from {{ ref('holdfast', 'holdfast__price_panel') }}

),

slopes as (

    {{ holdfast.price_slopes('panel') | indent(4) }}

)

select * from slopes
