with

invoice_lines as (

    select * from {{ ref('stg_invoice_lines') }}

),

product_category_words as (

    select * from {{ ref('product_category_words') }}

),

-- Lines without a price carry notes of the warehouse in place of a name.
described_sales as (

    select
        stock_code,
        description,
        count(*) as line_count,
        max(invoiced_at) as last_invoiced_at,
    from invoice_lines
    where
        is_product
        and is_sold
        and not is_cancellation
        and description is not null
    group by
        stock_code,
        description

),

-- Names change over the two years: the most usual one stands, the later one at a tie.
names as (

    select
        stock_code as product_id,
        description as product_name,
    from described_sales
    qualify
        row_number() over (
            partition by stock_code
            order by line_count desc, last_invoiced_at desc, description asc
        ) = 1

),

name_words as (

    select
        product_id,
        unnest(regexp_split_to_array(upper(product_name), '[^A-Z]+')) as word,
    from names

),

-- A name that speaks of several categories ("CHRISTMAS CANDLE") goes to the one with the lowest priority number.
categories as (

    select
        name_words.product_id,
        arg_min(
            product_category_words.category,
            (product_category_words.priority, product_category_words.category)
        ) as category,
    from name_words
    inner join product_category_words
        on name_words.word = product_category_words.word
    group by name_words.product_id

),

final as (

    select
        names.product_id,
        names.product_name,
        categories.category,
    from names
    left join categories
        on names.product_id = categories.product_id

)

select * from final
