-- A purchase is an invoice with a customer, not cancelled, by its lines with a quantity and a price above zero. That is
-- the definition of the quality benchmark on these data, and it keeps postage, fees and manual entries: they are money
-- that a customer paid. Only order_items and products leave them out.
--
-- A cancellation does not name the invoice it takes back. It stays an event of its own, with a negative amount at the
-- time it happened, and the order it belongs to is left as it was: that is also all that was known at the time.

with

invoice_lines as (

    -- Without a customer a line says nothing about anyone's return. Most of these lines are the shop's own (stock
    -- corrections, bad debt) or sales through other shops, whose buyers have no number here.
    select * from {{ ref('stg_invoice_lines') }}
    where has_customer

),

purchases as (

    select
        customer_id,
        invoice_no as order_id,
        min(invoiced_at) as ordered_at,
        sum(line_amount) as amount,
    from invoice_lines
    where
        not is_cancellation
        and is_sold
    group by
        customer_id,
        invoice_no

),

returns as (

    select
        customer_id,
        invoice_no as order_id,
        min(invoiced_at) as ordered_at,
        sum(line_amount) as amount,
    from invoice_lines
    where is_cancellation
    group by
        customer_id,
        invoice_no

),

purchases_and_returns as (

    select * from purchases
    union all
    select * from returns

),

final as (

    select
        customer_id,
        order_id,
        ordered_at,
        cast(amount as decimal(18, 2)) as amount,
    from purchases_and_returns

)

select * from final
