with

invoice_lines as (

    select * from {{ source('online_retail_ii', 'invoice_lines') }}

),

non_product_codes as (

    select * from {{ ref('non_product_codes') }}

),

typed as (

    select
        cast(customer_id as bigint) as customer_id,
        trim(invoice_no) as invoice_no,
        -- The same article is written 85123A and 85123a, and one code ends in a space.
        upper(trim(stock_code)) as stock_code,
        -- Notes were read as numbers somewhere before publication: an empty cell became the text 'nan'.
        case
            when lower(trim(description)) not in ('nan', '')
                then regexp_replace(trim(description), '\s+', ' ', 'g')
        end as description,
        quantity,
        -- No price has more than three decimals. As decimals, sums do not depend on the order of the lines.
        cast(unit_price as decimal(18, 3)) as unit_price,
        cast(invoiced_at as timestamp) as invoiced_at,
        nullif(trim(country), 'Unspecified') as country,
    from invoice_lines

),

final as (

    select
        typed.customer_id,
        typed.invoice_no,
        typed.stock_code,
        typed.description,
        typed.quantity,
        typed.unit_price,
        cast(typed.quantity * typed.unit_price as decimal(18, 3)) as line_amount,
        typed.invoiced_at,
        typed.country,
        typed.customer_id is not null as has_customer,
        starts_with(typed.invoice_no, 'C') as is_cancellation,
        typed.quantity > 0 and typed.unit_price > 0 as is_sold,
        non_product_codes.stock_code is null as is_product,
    from typed
    left join non_product_codes
        on typed.stock_code = non_product_codes.stock_code

)

select * from final
