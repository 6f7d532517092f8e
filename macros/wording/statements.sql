{#-
  What reasons may say, the same in all languages: which statements tell a feature, when each of them is true, and when it
  speaks for losing a customer (`risk`) or for winning one (`gain`). The words are in the catalogue of the language.

  In a condition `{order_count_90d}` is a feature or one of the `values` below; [W] is the window of the feature that is told,
  and orders@90 is a statement about that window whatever the feature's own is. A statement without `risk` or `gain` says
  nothing about the direction, so it is told only where its own feature raises the score. A comparison with the customer's own past
  is told before a level (`is_level`) of the same theme.

  An empty window says what the silence says already. So what is told of a window needs an order in it, and orders have
  fallen only where there are fewer than in the part of the window before the silence would be expected.
-#}
{% macro statements(horizon_days=90) %}
    {#- a subscription that ended within the allowed gap counts as active, too -#}
    {%- set runs = '{subscription_count} > {subscription_lapse_count}' -%}
    {%- set last_days = '([W] - {days_since_order})' -%}
    {%- set statements = {
        'silence_usual': {
            'when': '{orders_lifetime} >= 4 and {mean_order_gap_days} >= 0.5',
            'risk': '{days_since_order} > 1.25 * {mean_order_gap_days} and {days_since_order} >= {mean_order_gap_days} + 1',
            'gain': '{days_since_order} <= greatest({mean_order_gap_days}, ' ~ 2 * horizon_days ~ ')',
        },
        'silence_few': {
            'when': '{orders_lifetime} between 2 and 3',
            'risk': '3 * {days_since_order} >= ' ~ horizon_days, 'gain': '{days_since_order} <= ' ~ 2 * horizon_days,
        },
        'silence_single': {
            'when': '{orders_lifetime} = 1',
            'risk': '3 * {days_since_order} >= ' ~ horizon_days, 'gain': '{days_since_order} <= ' ~ 2 * horizon_days,
        },
        'orders': {
            'when': '{order_count_[W]d} + {orders_before_[W]d} > 0',
            'risk': '{order_count_[W]d} >= 1 and {order_count_[W]d} * [W] < 0.8 * {orders_before_[W]d} * ' ~ last_days,
            'gain': '{order_count_[W]d} > {orders_before_[W]d}',
        },
        'orders_year': {
            'when': '{first_order_age_days} >= 730 and {orders_yearly_before} >= 1',
            'risk': '{order_count_365d} >= 1 and {order_count_365d} * 365 < 0.8 * {orders_yearly_before} * (365 - {days_since_order})',
            'gain': '{order_count_365d} > {orders_yearly_before}',
        },
        'orders_before': {
            'when': '{first_order_age_days} between 456 and 729 and {orders_earlier} >= 1',
            'risk': '{order_count_365d} between 1 and {orders_earlier} - 1'
                ~ ' and {order_count_365d} * 365 < 0.8 * {orders_yearly_before} * (365 - {days_since_order})',
            'gain': '{order_count_365d} > {orders_yearly_before}',
        },
        'rhythm': {
            'when': '{orders_lifetime} >= 4 and {order_count_180d} >= 2 and {mean_order_gap_days} >= 0.5',
            'risk': '{mean_order_gap_days_180d} > 1.25 * {mean_order_gap_days} and {mean_order_gap_days_180d} >= {mean_order_gap_days} + 1',
            'gain': '{mean_order_gap_days_180d} >= 0.5 and {mean_order_gap_days_180d} <= {mean_order_gap_days} - 1',
        },
        'orders_rare': {
            'when': '{orders_lifetime} >= 4 and {mean_order_gap_days} >= 0.5 and {days_since_order} <= 1.25 * {mean_order_gap_days}',
            'risk': '2 * {mean_order_gap_days} >= ' ~ horizon_days, 'gain': '2 * {mean_order_gap_days} < ' ~ horizon_days, 'is_level': true,
        },
        'orders_few': {
            'when': '{orders_lifetime} between 2 and 3 and {first_order_age_days} >= ' ~ horizon_days,
            'risk': '3 * {days_since_order} < ' ~ horizon_days, 'gain': 'false', 'is_level': true,
        },
        'orders_total': {'when': '{orders_lifetime} >= 1', 'risk': 'false', 'gain': '{orders_lifetime} >= 5', 'is_level': true},
        'season': {'risk': '{order_count_last_year_90d} = 0', 'gain': '{order_count_last_year_90d} >= 1', 'is_level': true},
        'spending': {
            'when': '{revenue_[W]d} >= 0 and {revenue_before_[W]d} >= 0 and {revenue_[W]d} + {revenue_before_[W]d} > 0',
            'risk': '{order_count_[W]d} >= 1 and {revenue_[W]d} * [W] < 0.8 * {revenue_before_[W]d} * ' ~ last_days,
            'gain': '{revenue_[W]d} > {revenue_before_[W]d}',
        },
        'spending_year': {
            'when': '{first_order_age_days} >= 730 and {revenue_365d} > 0 and {revenue_yearly_before} > 0',
            'risk': '{order_count_365d} >= 1 and {revenue_365d} * 365 < 0.8 * {revenue_yearly_before} * (365 - {days_since_order})',
            'gain': '{revenue_365d} > {revenue_yearly_before}',
        },
        'basket': {
            'when': '{order_count_90d} >= 1 and {order_count_365d} - {order_count_90d} >= 2',
            'risk': '{average_order_90d} < 0.8 * {basket_before}', 'gain': '{average_order_90d} > 1.1 * {basket_before}',
        },
        'basket_year': {
            'when': '{order_count_365d} >= 2 and {orders_lifetime} - {order_count_365d} >= 3 and {basket_365d} > 0 and {basket_before_365d} > 0',
            'risk': '{basket_365d} < 0.8 * {basket_before_365d}', 'gain': '{basket_365d} > 1.1 * {basket_before_365d}',
        },
        'largest': {
            'when': '{order_count_365d} >= 3 and [W] < 365',
            'risk': '{largest_order_[W]d} < 0.7 * {average_order_365d}', 'gain': '{largest_order_[W]d} > 1.1 * {average_order_365d}',
            'is_level': true,
        },
        'units': {
            'when': '{product_units_per_order_365d} >= 1.05',
            'risk': '{product_units_per_order_365d} < 1.75', 'gain': '{product_units_per_order_365d} > 2', 'is_level': true,
        },
        'one_unit': {
            'when': '{product_units_per_order_365d} < 1.05 and {order_count_365d} >= 2', 'risk': 'true', 'gain': 'false', 'is_level': true,
        },
        'returns': {'when': '{return_count_[W]d} > 0', 'risk': 'true', 'gain': 'false'},
        'discounts': {'when': '{discount_365d} > 0 and {discount_share_365d} >= 0.02'},
        'no_discounts': {'when': '{discount_365d} = 0 and {order_count_365d} >= 2'},
        'price': {'when': '{order_count_365d} >= 3 and abs({product_mean_price_90d} - {product_mean_price_365d}) >= 0.2 * {product_mean_price_365d}'},
        'weekend': {'when': '{order_count_365d} >= 4 and {weekend_share_365d} >= 0.5'},
        'evening': {'when': '{order_count_365d} >= 4 and {evening_share_365d} >= 0.5'},
        'products': {
            'when': '{product_count_90d} >= 1 and {product_count_365d} > {product_count_90d}',
            'risk': '{product_count_90d} * 365 < 0.8 * {product_count_365d} * (90 - {days_since_order})',
            'gain': '{product_count_90d} * 365 > 90 * {product_count_365d}',
        },
        'categories': {
            'when': '{product_category_count_365d} >= 1 and {order_count_365d} >= 2',
            'risk': '{product_category_count_365d} <= 2', 'gain': '{product_category_count_365d} >= 3', 'is_level': true,
        },
        'top_category': {
            'when': '{order_count_365d} >= 2',
            'risk': '{product_top_category_share_365d} >= 0.6 and {product_category_count_365d} >= 2',
            'gain': '{product_top_category_share_365d} < 0.4', 'is_level': true,
        },
        'new_products': {
            'when': '{product_count_[W]d} >= 3 and {orders_lifetime} - {order_count_[W]d} >= 2 and not {product_new_share_[W]d} between 0.2 and 0.8',
            'is_level': true,
        },
        'consumables': {
            'when': '{order_count_365d} >= 2',
            'risk': '{product_replenishable_share_365d} <= 0.3', 'gain': '{product_replenishable_share_365d} >= 0.5', 'is_level': true,
        },
        'visits': {
            'when': '{web_session_count_[W]d} + {visits_before_[W]d} > 0',
            'risk': '{visits_before_[W]d} >= 3 and {web_session_count_[W]d} <= 0.6 * {visits_before_[W]d}',
            'gain': '{web_session_count_[W]d} > {visits_before_[W]d}',
        },
        'views': {
            'when': '{web_view_count_90d} > 0',
            'risk': '{views_before} >= 5 and {web_view_count_30d} < 0.3 * {views_before}', 'gain': '2 * {web_view_count_30d} > {views_before}',
        },
        'carts': {
            'when': '{web_cart_count_90d} > 0',
            'risk': '{carts_before} >= 3 and {web_cart_count_30d} < 0.3 * {carts_before}', 'gain': '2 * {web_cart_count_30d} > {carts_before}',
        },
        'searches': {
            'when': '{web_search_count_90d} > 0',
            'risk': '{searches_before} >= 5 and {web_search_count_30d} < 0.3 * {searches_before}', 'gain': '2 * {web_search_count_30d} > {searches_before}',
        },
        'cart_since': {
            'risk': '{web_days_since_cart} >= 30 and {web_days_since_cart} + 1 < {days_since_order}', 'gain': '{web_days_since_cart} < 30',
            'is_level': true,
        },
        'abandoned': {'when': '{web_abandoned_cart_count_[W]d} > 0', 'is_level': true},
        'tickets': {'when': '{ticket_count_[W]d} > 0', 'risk': 'true', 'gain': 'false'},
        'complaints': {'when': '{ticket_complaint_count_[W]d} > 0', 'risk': 'true', 'gain': 'false'},
        'complaint_share': {'when': '{ticket_complaint_count_365d} between 1 and {ticket_count_365d} - 1', 'risk': 'true', 'gain': 'false'},
        'open_tickets': {'when': '{ticket_open_count} > 0', 'risk': 'true', 'gain': 'false'},
        'ticket_since': {'risk': '{ticket_days_since} <= 90', 'gain': '{ticket_days_since} > 90', 'is_level': true},
        'resolution': {
            'when': '{ticket_resolution_days_[W]d} >= 0.5',
            'risk': '{ticket_resolution_days_[W]d} >= 2.5', 'gain': '{ticket_resolution_days_[W]d} < 1.5',
        },
        'support_rating': {'risk': '{ticket_csat_last} <= 3', 'gain': '{ticket_csat_last} >= 4'},
        'support_ratings': {'risk': '{ticket_csat_mean_365d} <= 3.5', 'gain': '{ticket_csat_mean_365d} >= 4'},
        'ignored': {'when': '{campaign_sends_since_open} >= 3', 'risk': 'true', 'gain': 'false'},
        'opened': {
            'when': '{campaign_send_count_[W]d} >= 3',
            'risk': '{campaign_open_rate_[W]d} < 0.25', 'gain': '{campaign_open_rate_[W]d} >= 0.25',
        },
        'clicked': {
            'when': '{campaign_send_count_[W]d} >= 5',
            'risk': '{campaign_click_rate_[W]d} < 0.1', 'gain': '{campaign_click_rate_[W]d} >= 0.1',
        },
        'led_to_orders': {
            'when': '{campaign_send_count_90d} >= 5 and {campaign_order_count_90d} <= {campaign_send_count_90d}',
            'risk': '{campaign_order_count_90d} = 0 and {days_since_order} >= 7 and {days_since_order} < 90',
            'gain': '{campaign_order_count_90d} > 0',
        },
        'open_since': {
            'risk': '{campaign_days_since_open} >= 30 and {campaign_send_count_30d} > 0', 'gain': '{campaign_days_since_open} < 30', 'is_level': true,
        },
        'click_since': {
            'risk': '{campaign_days_since_click} >= 30 and {campaign_send_count_30d} > 0', 'gain': '{campaign_days_since_click} < 30', 'is_level': true,
        },
        'subscription_ended': {
            'when': '{subscription_count} = {subscription_lapse_count}', 'risk': 'true', 'gain': '{subscription_days_since_end} < 90',
        },
        'subscription_ended_before': {'when': runs},
        'subscriptions': {'when': '{subscription_count} > 1', 'is_level': true},
        'subscription_fee': {'when': '{subscription_mrr} > 0 and ' ~ runs, 'is_level': true},
        'subscription_smaller': {'when': '{subscription_mrr_change} < 0 and ' ~ runs, 'risk': 'true', 'gain': 'false'},
        'subscription_larger': {'when': '{subscription_mrr_change} > 0 and ' ~ runs, 'risk': 'false', 'gain': 'true'},
        'subscription_age': {
            'when': runs, 'risk': '{subscription_tenure_days} < 180', 'gain': '{subscription_tenure_days} >= 180', 'is_level': true,
        },
        'renewal': {'when': '{subscription_days_to_renewal} >= 1 and ' ~ runs, 'risk': '{subscription_days_to_renewal} <= 14'},
        'survey_fell': {'risk': '{feedback_score_last} <= 0.8 * {feedback_before}', 'gain': '{feedback_score_trend} > 0'},
        'survey_mean': {
            'when': '{feedback_count} > {feedback_count_180d}',
            'risk': '{feedback_score_mean_180d} <= 0.9 * {feedback_score_mean}', 'gain': '{feedback_score_mean_180d} > {feedback_score_mean}',
        },
        'survey_last': {'risk': '{feedback_score_last} <= 3', 'gain': '{feedback_score_last} >= 9'},
        'first_order': {
            'when': '{orders_lifetime} >= 2', 'risk': '{first_order_age_days} <= 120', 'gain': '{first_order_age_days} >= 365',
        },
        'registered': {'when': '{orders_lifetime} >= 2', 'risk': '{attribute_tenure_days} <= 120', 'gain': '{attribute_tenure_days} >= 365'},
    } -%}
    {%- set silence = ['silence_usual', 'silence_few', 'silence_single'] -%}
    {%- set year = ['orders_year', 'orders_before', 'orders_rare', 'orders_few', 'orders_total'] -%}
    {%- set features = {
        'days_since_order': silence, 'days_since_order_per_gap': silence, 'order_gap_std_days': silence, 'order_gap_variation': silence,
        'order_count_[W]d': ['orders'] + year, 'order_count_trend_[W]d': ['orders'], 'order_count_recent_share_[W]d': ['orders'],
        'purchase_days_[W]d': ['orders@30'] + year, 'active_weeks_[W]d': ['orders@90'] + year,
        'active_months_365d': year, 'orders_lifetime': year, 'order_count_last_year_90d': ['season'],
        'mean_order_gap_days': ['rhythm'] + year, 'mean_order_gap_days_180d': ['rhythm'], 'order_gap_change_180d': ['rhythm'],
        'revenue_[W]d': ['spending', 'spending_year'], 'revenue_trend_[W]d': ['spending'], 'spending_recent_share_[W]d': ['spending'],
        'revenue_lifetime': ['spending_year', 'orders_total'],
        'average_order_value': ['basket_year', 'basket'], 'average_order_90d': ['basket'], 'average_order_365d': ['basket', 'basket_year'],
        'largest_order_[W]d': ['largest', 'basket'], 'product_units_per_order_365d': ['units', 'one_unit'],
        'return_count_[W]d': ['returns'], 'return_share_365d': ['returns@365'],
        'discount_365d': ['discounts', 'no_discounts'], 'discount_share_365d': ['discounts', 'no_discounts'],
        'product_mean_price_[W]d': ['price'], 'weekend_share_365d': ['weekend'], 'evening_share_365d': ['evening'],
        'product_count_[W]d': ['products'], 'product_category_count_[W]d': ['categories'],
        'product_top_category_share_365d': ['top_category', 'categories'],
        'product_category_concentration_365d': ['top_category', 'categories'],
        'product_new_share_[W]d': ['new_products'], 'product_replenishable_share_365d': ['consumables'],
        'web_session_count_7d': ['visits@30'], 'web_session_count_[W]d': ['visits'],
        'web_session_trend_[W]d': ['visits'], 'web_session_recent_share_[W]d': ['visits'], 'web_days_since_visit': silence,
        'web_view_count_[W]d': ['views'], 'web_cart_count_[W]d': ['carts'], 'web_search_count_[W]d': ['searches'],
        'web_days_since_cart': ['cart_since'], 'web_abandoned_cart_count_[W]d': ['abandoned'],
        'web_abandoned_cart_share_90d': ['abandoned'],
        'ticket_count_[W]d': ['tickets'], 'ticket_open_count': ['open_tickets'], 'ticket_complaint_count_[W]d': ['complaints'],
        'ticket_complaint_share_365d': ['complaint_share', 'complaints'], 'ticket_days_since': ['ticket_since'],
        'ticket_resolution_days_[W]d': ['resolution'], 'ticket_csat_last': ['support_rating'], 'ticket_csat_mean_365d': ['support_ratings'],
        'campaign_send_count_30d': ['opened@90', 'ignored'], 'campaign_send_count_[W]d': ['opened', 'ignored'],
        'campaign_open_count_[W]d': ['opened@90', 'ignored'], 'campaign_open_rate_[W]d': ['opened', 'ignored'],
        'campaign_click_count_[W]d': ['clicked@90'], 'campaign_click_rate_[W]d': ['clicked'],
        'campaign_order_count_90d': ['led_to_orders'], 'campaign_order_rate_365d': ['led_to_orders'],
        'campaign_sends_since_open': ['ignored'], 'campaign_days_since_open': ['open_since', 'ignored'],
        'campaign_days_since_click': ['click_since'],
        'subscription_is_active': ['subscription_ended'], 'subscription_mrr': ['subscription_fee', 'subscription_ended'],
        'subscription_mrr_change': ['subscription_smaller', 'subscription_larger'], 'subscription_tenure_days': ['subscription_age'],
        'subscription_renewal_count': ['subscription_age'], 'subscription_days_to_renewal': ['renewal'],
        'subscription_count': ['subscription_ended', 'subscriptions'],
        'subscription_lapse_count': ['subscription_ended', 'subscription_ended_before'],
        'subscription_days_since_end': ['subscription_ended', 'subscription_ended_before'],
        'feedback_score_mean_180d': ['survey_mean', 'survey_fell'], 'feedback_count_180d': ['survey_fell', 'survey_last'],
        'feedback_count': ['survey_fell', 'survey_last'],
        'feedback_score_mean': ['survey_mean', 'survey_last'], 'feedback_score_last': ['survey_fell', 'survey_last'],
        'feedback_days_since': ['survey_fell', 'survey_last'], 'feedback_score_trend': ['survey_fell'],
        'first_order_age_days': year, 'attribute_tenure_days': ['first_order', 'registered'],
    } -%}
    {%- set before_a_year = ' * 365 / cast(nullif(greatest({first_order_age_days} - 365, 0), 0) as double)' -%}
    {%- set values = {
        'orders_yearly_before': '({orders_lifetime} - {order_count_365d})' ~ before_a_year,
        'revenue_yearly_before': '({revenue_lifetime} - {revenue_365d})' ~ before_a_year,
        'basket_before': '({average_order_365d} * {order_count_365d} - {average_order_90d} * {order_count_90d})'
            ~ ' / cast(nullif({order_count_365d} - {order_count_90d}, 0) as double)',
        'orders_earlier': '{orders_lifetime} - {order_count_365d}',
        'basket_365d': '{revenue_365d} / cast(nullif({order_count_365d}, 0) as double)',
        'basket_before_365d': '({revenue_lifetime} - {revenue_365d}) / cast(nullif({orders_lifetime} - {order_count_365d}, 0) as double)',
        'views_before': '{web_view_count_90d} - {web_view_count_30d}',
        'carts_before': '{web_cart_count_90d} - {web_cart_count_30d}',
        'searches_before': '{web_search_count_90d} - {web_search_count_30d}',
        'subscription_mrr_less': '-{subscription_mrr_change}',
        'feedback_before': '{feedback_score_last} - {feedback_score_trend}',
    } -%}
    {%- for days in ['30d', '90d'] -%}
        {%- do values.update({
            'orders_before_' ~ days: '{order_count_' ~ days ~ '} - {order_count_trend_' ~ days ~ '}',
            'revenue_before_' ~ days: '{revenue_' ~ days ~ '} - {revenue_trend_' ~ days ~ '}',
            'visits_before_' ~ days: '{web_session_count_' ~ days ~ '} - {web_session_trend_' ~ days ~ '}',
        }) -%}
    {%- endfor -%}
    {%- for days in ['90d', '365d'] -%}
        {%- do values.update({
            'campaign_opened_' ~ days: '{campaign_open_rate_' ~ days ~ '} * {campaign_send_count_' ~ days ~ '}',
            'campaign_clicked_' ~ days: '{campaign_click_rate_' ~ days ~ '} * {campaign_send_count_' ~ days ~ '}',
            'product_new_' ~ days: '{product_new_share_' ~ days ~ '} * {product_count_' ~ days ~ '}',
        }) -%}
    {%- endfor -%}
    {{- return({'statements': statements, 'features': features, 'values': values}) -}}
{% endmacro %}
