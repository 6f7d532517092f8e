-- The shop's own codes are five digits with up to two letters, or begin with DCGS; SP1002 is a single exception.
-- Any other code must be listed in the seed non_product_codes.
select distinct stock_code
from {{ ref('stg_invoice_lines') }}
where
    is_product
    and not regexp_full_match(stock_code, '[0-9]{5}[A-Z]{0,2}|DCGS[A-Z0-9]+|SP1002')
