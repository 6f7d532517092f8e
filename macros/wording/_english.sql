{#-
  What reasons, themes and actions are called in English. In a sentence `{order_count_90d:# order|# orders}` is the number with
  the form that it takes, 0= or 1= before a form is for that number alone; :% is a percentage, :1 one decimal, :money an amount
  in holdfast_currency and :date the day that many days after the as-of date. [window] and [before] are the window's words.
-#}
{% macro _english() %}
    {%- set ago = ':0=less than a day ago|# day ago|# days ago}' -%}
    {%- set every = ':1=every day|every # day|every # days}' -%}
    {{- return({
        'name': 'en', 'decimal': '.', 'thousands': ',', 'percent': '%', 'plural': 'one_other',
        'money_first': {'EUR': '€', 'USD': '$', 'GBP': '£', 'JPY': '¥', 'INR': '₹'}, 'money_gap': '\u00a0',
        'date': '{day} {month} {year}',
        'months': [
            'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December',
        ],
        'window': 'in the last [W] days', 'before': 'in the [W] days before', 'year': 'in the last 12 months',
        'themes': {
            'silence': ['Long silence', 'Time since the last order'], 'fewer_orders': ['Order frequency'],
            'smaller_baskets': ['Basket size'], 'returns': ['Returns'], 'discounts': ['Discounts'], 'price': ['Prices'],
            'habits': ['Shopping habits'], 'range': ['Range of products'], 'browsing': ['Visits and browsing'],
            'service': ['Customer service'], 'satisfaction': ['Satisfaction'], 'campaigns': ['Response to campaigns'],
            'subscription': ['Subscription'], 'tenure': ['New customer', 'Time as a customer'],
        },
        'actions': {
            'silence': 'Send a reminder with the products they usually buy',
            'fewer_orders': 'Offer a reorder reminder; ask what has changed',
            'smaller_baskets': 'Suggest products that go with the last order, or a bundle',
            'returns': 'Find out why they returned the goods; help them choose',
            'discounts': 'Make a personal offer with a deadline',
            'price': 'Show alternatives in their usual price range',
            'habits': 'Send messages at the time they usually shop',
            'range': 'Recommend products from another category',
            'browsing': 'Remind them of products they viewed or left in the cart',
            'service': 'Call them and make sure the problem is solved',
            'satisfaction': 'Contact them in person and ask what went wrong',
            'campaigns': 'Change the channel, or write less often',
            'subscription': 'Talk about the subscription; offer a pause, another plan or a fresh start',
            'tenure': 'Welcome them and help them to a second order',
        },
        'statements': {
            'silence_usual': 'Last order {days_since_order' ~ ago ~ '; usually {mean_order_gap_days' ~ every,
            'silence_few': 'Last order {days_since_order' ~ ago ~ '; {orders_lifetime:# order|# orders} so far',
            'silence_single': 'Only one order so far, {days_since_order' ~ ago,
            'orders': '{order_count_[W]d:0=No orders|# order|# orders} [window], {orders_before_[W]d:0=none|#|#} [before]',
            'orders_year': '{order_count_365d:0=No orders|# order|# orders} in the last 12 months, about {orders_yearly_before} a year before that',
            'rhythm': 'Lately an order {mean_order_gap_days_180d' ~ every ~ '; usually {mean_order_gap_days' ~ every,
            'orders_rare': 'An order {mean_order_gap_days' ~ every ~ ' on average',
            'orders_total': '{orders_lifetime:# order|# orders} so far',
            'season': '{order_count_last_year_90d:0=No orders|# order|# orders} last year in the three months ahead',
            'spending': '{revenue_[W]d:money} spent [window], {revenue_before_[W]d:money} [before]',
            'spending_year': '{revenue_365d:money} spent in the last 12 months, about {revenue_yearly_before:money} a year before that',
            'basket': '{average_order_90d:money} per order in the last 90 days, {basket_before:money} in the nine months before',
            'basket_year': '{basket_365d:money} per order in the last 12 months, {basket_before_365d:money} before that',
            'largest': 'Largest order [window] {largest_order_[W]d:money}; the average of the last 12 months is {average_order_365d:money}',
            'units': '{product_units_per_order_365d:1} items per order in the last 12 months',
            'one_unit': 'One item per order in the last 12 months',
            'returns': '{return_count_[W]d:# return|# returns} and {order_count_[W]d:0=no orders|# order|# orders} [window]',
            'discounts': 'Discounts of {discount_365d:money} in the last 12 months, {discount_share_365d:%} of the price',
            'no_discounts': 'No discounts in the last 12 months',
            'price': 'Average product price {product_mean_price_90d:money} in the last 90 days, '
                ~ '{product_mean_price_365d:money} over the last 12 months',
            'weekend': '{weekend_share_365d:%} of the orders of the last 12 months placed on a weekend',
            'evening': '{evening_share_365d:%} of the orders of the last 12 months placed in the evening',
            'products': '{product_count_90d:# different product|# different products} in the last 90 days, {product_count_365d} in the last 12 months',
            'categories': 'Products from {product_category_count_365d:1=only one category|# category|# categories} in the last 12 months',
            'top_category': '{product_top_category_share_365d:%} of the items of the last 12 months are from one category',
            'new_products': '{product_new_[W]d:0=None|#|#} of {product_count_[W]d:# product|# products} [window] bought for the first time',
            'consumables': '{product_replenishable_share_365d:%} of the items of the last 12 months are consumables',
            'visits': '{web_session_count_[W]d:0=No visits|# visit|# visits} [window], {visits_before_[W]d:0=none|#|#} [before]',
            'views': '{web_view_count_30d:0=No products|# product|# products} viewed in the last 30 days, '
                ~ '{views_before:0=none|#|#} in the 60 days before',
            'carts': '{web_cart_count_30d:0=Nothing|# product|# products} put in the cart in the last 30 days, '
                ~ '{carts_before:0=nothing|# product|# products} in the 60 days before',
            'searches': '{web_search_count_30d:0=No searches|# search|# searches} in the last 30 days, '
                ~ '{searches_before:0=none|#|#} in the 60 days before',
            'cart_since': 'Last put something in the cart {web_days_since_cart' ~ ago,
            'abandoned': '{web_abandoned_cart_count_[W]d:# product|# products} left in the cart [window]',
            'tickets': '{ticket_count_[W]d:# support request|# support requests} [window]',
            'complaints': '{ticket_complaint_count_[W]d:# complaint|# complaints} [window]',
            'complaint_share': '{ticket_complaint_count_365d:# complaint|# complaints} among '
                ~ '{ticket_count_365d:# support request|# support requests} in the last 12 months',
            'open_tickets': '{ticket_open_count:# support request|# support requests} still open',
            'ticket_since': 'Last support request {ticket_days_since' ~ ago,
            'resolution': 'Support took {ticket_resolution_days_[W]d:# day|# days} on average to solve a request [window]',
            'support_rating': 'Rated the last support contact {ticket_csat_last} of 5',
            'support_ratings': 'Rated support {ticket_csat_mean_365d:1} of 5 on average in the last 12 months',
            'ignored': 'The last {campaign_sends_since_open:# campaign message was|# campaign messages were} not opened',
            'opened': 'Opened {campaign_opened_[W]d:0=none|#|#} of {campaign_send_count_[W]d:# campaign message|# campaign messages} [window]',
            'clicked': 'Clicked in {campaign_clicked_[W]d:0=none|#|#} of {campaign_send_count_[W]d:# campaign message|# campaign messages} [window]',
            'led_to_orders': '{campaign_send_count_90d:# campaign message|# campaign messages} in the last 90 days, '
                ~ '{campaign_order_count_90d:0=none|#|#} followed by an order within a week',
            'open_since': 'Last opened a campaign message {campaign_days_since_open' ~ ago,
            'click_since': 'Last clicked in a campaign message {campaign_days_since_click' ~ ago,
            'subscription_ended': 'The subscription ended {subscription_days_since_end' ~ ago,
            'subscription_ended_before': 'An earlier subscription ended {subscription_days_since_end' ~ ago,
            'subscriptions': '{subscription_count:# subscription|# subscriptions} so far, {subscription_lapse_count:0=none|#|#} ended',
            'subscription_fee': 'The subscription brings {subscription_mrr:money} a month',
            'subscription_smaller': 'The current subscription brings {subscription_mrr_less:money} a month less than the one before',
            'subscription_larger': 'The current subscription brings {subscription_mrr_change:money} a month more than the one before',
            'subscription_age': 'Subscribed for {subscription_tenure_days:# day|# days}',
            'renewal': 'The subscription renews in {subscription_days_to_renewal:# day|# days}, on {subscription_days_to_renewal:date}',
            'survey_fell': 'Last survey score {feedback_score_last:1}, {feedback_before:1} on average before',
            'survey_mean': 'Average survey score {feedback_score_mean_180d:1} in the last 180 days, {feedback_score_mean:1} over all answers',
            'survey_last': 'Last survey score {feedback_score_last:1}',
            'first_order': 'First order {first_order_age_days' ~ ago,
            'registered': 'Registered {attribute_tenure_days' ~ ago,
        },
    }) -}}
{% endmacro %}
