with

invoice_lines as (

    select * from {{ ref('stg_invoice_lines') }}

),

purchased_products as (

    select
        invoice_no as order_id,
        stock_code as product_id,
        unit_price,
        quantity,
    from invoice_lines
    where
        has_customer
        and not is_cancellation
        and is_sold
        and is_product

),

-- An invoice may hold an article several times, at one price or at several (with and without a bulk discount).
final as (

    select
        order_id,
        product_id,
        cast(sum(quantity) as bigint) as quantity,
        unit_price,
    from purchased_products
    group by
        order_id,
        product_id,
        unit_price

)

select * from final
