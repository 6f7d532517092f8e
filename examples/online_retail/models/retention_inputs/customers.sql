with

invoice_lines as (

    select * from {{ ref('stg_invoice_lines') }}
    where has_customer

),

final as (

    select
        customer_id,
        min(invoiced_at) as created_at,
        -- A customer with invoices of two countries at one minute would get the later name of the alphabet.
        arg_max(country, (invoiced_at, country)) filter (where country is not null) as country,
    from invoice_lines
    group by customer_id

)

select * from final
