{#- What reasons, themes and actions are called in Russian; _english.sql tells how sentences are written. -#}
{% macro _russian() %}
    {%- set ago = ':0=менее суток назад|# день назад|# дня назад|# дней назад}' -%}
    {%- set every = ':1=каждый день|каждый # день|каждые # дня|каждые # дней}' -%}
    {%- set orders = ':# заказ|# заказа|# заказов}' -%}
    {%- set some_orders = ':0=Ни одного заказа|# заказ|# заказа|# заказов}' -%}
    {%- set of_messages = ':# рекламного сообщения|# рекламных сообщений|# рекламных сообщений}' -%}
    {{- return({
        'name': 'ru', 'decimal': ',', 'thousands': '\u00a0', 'percent': '\u00a0%', 'plural': 'one_few_many',
        'money_first': {}, 'money_gap': '\u00a0',
        'date': '{day} {month} {year} г.',
        'months': [
            'января', 'февраля', 'марта', 'апреля', 'мая', 'июня', 'июля', 'августа', 'сентября', 'октября', 'ноября', 'декабря',
        ],
        'window': 'за последние [W] дней', 'before': 'за предыдущие [W] дней', 'year': 'за последние 12 месяцев',
        'other': 'Прочее',
        'themes': {
            'silence': ['Давно нет заказов', 'Время с последнего заказа'], 'fewer_orders': ['Частота заказов'],
            'smaller_baskets': ['Размер заказа'], 'returns': ['Возвраты'], 'discounts': ['Скидки'], 'price': ['Цены'],
            'habits': ['Привычки покупателя'], 'range': ['Ассортимент покупок'], 'browsing': ['Посещения сайта'],
            'service': ['Служба поддержки'], 'satisfaction': ['Удовлетворённость'], 'campaigns': ['Отклик на рассылки'],
            'subscription': ['Подписка'], 'tenure': ['Новый клиент', 'Стаж клиента'],
        },
        'actions': {
            'silence': 'Напомнить о себе подборкой привычных товаров',
            'fewer_orders': 'Предложить напоминание о повторном заказе; спросить, что изменилось',
            'smaller_baskets': 'Предложить товары к последнему заказу или набор',
            'returns': 'Выяснить причину возвратов и помочь с выбором',
            'discounts': 'Сделать личное предложение с ограниченным сроком',
            'price': 'Показать варианты в привычной ценовой категории',
            'habits': 'Писать в то время, когда клиент обычно покупает',
            'range': 'Порекомендовать товары из другой категории',
            'browsing': 'Напомнить о просмотренных или оставленных в корзине товарах',
            'service': 'Позвонить и убедиться, что вопрос решён',
            'satisfaction': 'Связаться лично и спросить, что не понравилось',
            'campaigns': 'Сменить канал или писать реже',
            'subscription': 'Поговорить о подписке; предложить паузу, другой тариф или новый старт',
            'tenure': 'Поприветствовать и помочь со вторым заказом',
        },
        'replenishment': {
            'own': 'Куплено {purchase_count:# раз|# раза|# раз}, обычно {cycle_days' ~ every ~ ', последний раз {silence_days' ~ ago,
            'others': 'Куплено {purchase_count:1=один раз,|# раз, последний раз|# раза, последний раз|# раз, последний раз} {silence_days' ~ ago
                ~ '; другие покупают снова {cycle_days' ~ every,
            'no_rhythm': 'Куплено {purchase_count:1=один раз,|# раз, последний раз|# раза, последний раз|# раз, последний раз} {silence_days' ~ ago,
            'status': {
                'suppressed_bought_since': '; уже куплено снова',
                'suppressed_bought_elsewhere_in_category': '; вместо этого куплено: <other>, {other_days' ~ ago,
                'out_of_stock': '; нет в наличии', 'delisted': '; больше не продаётся', 'stopped': '; видимо, больше не нужно',
                'customer_lapsed': '; заказов в последнее время нет вообще',
            },
        },
        'triggers': {
            'first_order_follow_up': 'Первый заказ {first_days' ~ ago ~ ', второго пока нет',
            'overdue': 'Последний заказ {first_days' ~ ago ~ '; обычно {second_number' ~ every,
            'at_risk': 'Последний заказ {first_days' ~ ago ~ ': пауза дольше обычной ({second_number:# день|# дня|# дней}) более чем в {first_number:1} раза',
            'at_risk_subscription': 'Подписка отменена {first_days' ~ ago,
            'win_back': 'Последний заказ {first_days' ~ ago ~ '; до этого {first_number' ~ orders,
            'win_back_subscription': 'Подписка закончилась {first_days' ~ ago,
            'browse_without_cart': '{first_number:# просмотр|# просмотра|# просмотров} товаров {first_day:date}, в корзину ничего не положено',
            'cart_without_order': 'В корзине {first_number:остался # товар|осталось # товара|осталось # товаров} {first_day:date}',
            'price_drop': '<product>: теперь {first_number:money} вместо {second_number:money}; просмотр {first_days' ~ ago,
            'back_in_stock': '<product>: снова в наличии; последний просмотр или покупка {first_days' ~ ago,
            'renewal': 'Подписка продлевается {first_number:0=сегодня|через # день|через # дня|через # дней}, {first_day:date}',
            'anniversary': 'Первый заказ {first_number:# год|# года|# лет} назад, {first_day:date}',
            'product': ': <product>',
        },
        'statements': {
            'silence_usual': 'Последний заказ {days_since_order' ~ ago ~ '; обычно {mean_order_gap_days' ~ every,
            'silence_few': 'Последний заказ {days_since_order' ~ ago ~ '; всего {orders_lifetime' ~ orders,
            'silence_single': 'Пока только один заказ, {days_since_order' ~ ago,
            'orders': '{order_count_[W]d' ~ some_orders ~ ' [window], {orders_before_[W]d:0=ни одного|#|#|#} [before]',
            'orders_year': '{order_count_365d' ~ some_orders ~ ' за последние 12 месяцев, раньше — около {orders_yearly_before} в год',
            'rhythm': 'В последнее время заказ {mean_order_gap_days_180d' ~ every ~ '; обычно {mean_order_gap_days' ~ every,
            'orders_rare': 'В среднем заказ {mean_order_gap_days' ~ every,
            'orders_before': '{order_count_365d' ~ some_orders ~ ' за последние 12 месяцев, раньше — {orders_earlier:0=ни одного|#|#|#}',
            'orders_few': '{orders_lifetime' ~ orders ~ ' за {first_order_age_days:# день|# дня|# дней} с момента первого',
            'orders_total': 'Всего {orders_lifetime' ~ orders,
            'season': 'Год назад в предстоящие три месяца: {order_count_last_year_90d:0=ни одного заказа|# заказ|# заказа|# заказов}',
            'spending': 'Покупки на {revenue_[W]d:money} [window], на {revenue_before_[W]d:money} [before]',
            'spending_year': 'Покупки на {revenue_365d:money} за последние 12 месяцев, раньше — около {revenue_yearly_before:money} в год',
            'basket': 'Средний чек {average_order_90d:money} за последние 90 дней, {basket_before:money} за девять месяцев до этого',
            'basket_year': 'Средний чек {basket_365d:money} за последние 12 месяцев, раньше — {basket_before_365d:money}',
            'largest': 'Самый крупный заказ [window] — {largest_order_[W]d:money}; средний чек за последние 12 месяцев — {average_order_365d:money}',
            'units': 'В среднем {product_units_per_order_365d:1} шт. в заказе за последние 12 месяцев',
            'one_unit': 'По одному товару в заказе за последние 12 месяцев',
            'returns': '{return_count_[W]d:# возврат|# возврата|# возвратов}{order_count_[W]d:0=| и # заказ| и # заказа| и # заказов} [window]',
            'discounts': 'Скидки на {discount_365d:money} за последние 12 месяцев — {discount_share_365d:%} от цены',
            'no_discounts': 'Ни одной скидки за последние 12 месяцев',
            'price': 'Средняя цена товара {product_mean_price_90d:money} за последние 90 дней, '
                ~ '{product_mean_price_365d:money} за последние 12 месяцев',
            'weekend': '{weekend_share_365d:%} заказов за последние 12 месяцев сделано в выходные',
            'evening': '{evening_share_365d:%} заказов за последние 12 месяцев сделано вечером',
            'products': '{product_count_90d:# разный товар|# разных товара|# разных товаров} за последние 90 дней, '
                ~ '{product_count_365d} за последние 12 месяцев',
            'categories': 'Товары {product_category_count_365d:1=только из одной категории|из # категории|из # категорий|из # категорий} '
                ~ 'за последние 12 месяцев',
            'top_category': '{product_top_category_share_365d:%} товаров за последние 12 месяцев — из одной категории',
            'new_products': '{product_new_[W]d} из {product_count_[W]d:# товара|# товаров|# товаров} [window] куплено впервые',
            'consumables': '{product_replenishable_share_365d:%} товаров за последние 12 месяцев — расходные',
            'visits': '{web_session_count_[W]d:0=Ни одного посещения|# посещение|# посещения|# посещений} [window], '
                ~ '{visits_before_[W]d:0=ни одного|#|#|#} [before]',
            'views': '{web_view_count_30d:0=Ни одного просмотра|# просмотр|# просмотра|# просмотров} товаров за последние 30 дней, '
                ~ '{views_before:0=ни одного|#|#|#} за 60 дней до этого',
            'carts': '{web_cart_count_30d:0=Ни одного товара|# товар|# товара|# товаров} в корзине за последние 30 дней, '
                ~ '{carts_before:0=ни одного|#|#|#} за 60 дней до этого',
            'searches': '{web_search_count_30d:0=Ни одного поиска|# поиск|# поиска|# поисков} за последние 30 дней, '
                ~ '{searches_before:0=ни одного|#|#|#} за 60 дней до этого',
            'cart_since': 'Последний товар положен в корзину {web_days_since_cart' ~ ago,
            'abandoned': '{web_abandoned_cart_count_[W]d:# товар оставлен|# товара оставлено|# товаров оставлено} в корзине [window]',
            'tickets': '{ticket_count_[W]d:# обращение|# обращения|# обращений} в поддержку [window]',
            'complaints': '{ticket_complaint_count_[W]d:# жалоба|# жалобы|# жалоб} [window]',
            'complaint_share': '{ticket_complaint_count_365d:# жалоба|# жалобы|# жалоб} среди '
                ~ '{ticket_count_365d:# обращения|# обращений|# обращений} в поддержку за последние 12 месяцев',
            'open_tickets': '{ticket_open_count:# обращение в поддержку ещё открыто|# обращения в поддержку ещё открыты'
                ~ '|# обращений в поддержку ещё открыто}',
            'ticket_since': 'Последнее обращение в поддержку {ticket_days_since' ~ ago,
            'resolution': 'Поддержка решала обращения в среднем за {ticket_resolution_days_[W]d:# день|# дня|# дней} ([window])',
            'support_rating': 'Последняя оценка поддержки — {ticket_csat_last} из 5',
            'support_ratings': 'Средняя оценка поддержки за последние 12 месяцев — {ticket_csat_mean_365d:1} из 5',
            'ignored': '{campaign_sends_since_open:# последнее рекламное сообщение не открыто|# последних рекламных сообщения не открыты'
                ~ '|# последних рекламных сообщений не открыты}',
            'opened': '{campaign_opened_[W]d:0=Не открыто ни одно|Открыто #|Открыто #|Открыто #} из {campaign_send_count_[W]d' ~ of_messages ~ ' [window]',
            'clicked': 'Переходы по ссылкам: {campaign_clicked_[W]d:0=ни в одном|в #|в #|в #} из {campaign_send_count_[W]d' ~ of_messages ~ ' [window]',
            'led_to_orders': '{campaign_send_count_90d:# рекламное сообщение|# рекламных сообщения|# рекламных сообщений} за последние 90 дней, '
                ~ 'заказ в течение недели — после {campaign_order_count_90d}',
            'open_since': 'Последнее рекламное сообщение открыто {campaign_days_since_open' ~ ago,
            'click_since': 'Последний переход из рекламного сообщения {campaign_days_since_click' ~ ago,
            'subscription_ended': 'Подписка закончилась {subscription_days_since_end' ~ ago,
            'subscription_ended_before': 'Прежняя подписка закончилась {subscription_days_since_end' ~ ago,
            'subscriptions': 'Всего {subscription_count:# подписка|# подписки|# подписок}, завершено {subscription_lapse_count}',
            'subscription_fee': 'Подписка приносит {subscription_mrr:money} в месяц',
            'subscription_smaller': 'Текущая подписка приносит на {subscription_mrr_less:money} в месяц меньше прежней',
            'subscription_larger': 'Текущая подписка приносит на {subscription_mrr_change:money} в месяц больше прежней',
            'subscription_age': 'Подписка действует {subscription_tenure_days:# день|# дня|# дней}',
            'renewal': 'Подписка продлевается через {subscription_days_to_renewal:# день|# дня|# дней}, {subscription_days_to_renewal:date}',
            'survey_fell': 'Последняя оценка в опросе — {feedback_score_last:1}, раньше в среднем {feedback_before:1}',
            'survey_mean': 'Средняя оценка в опросах за последние 180 дней — {feedback_score_mean_180d:1}, за всё время — {feedback_score_mean:1}',
            'survey_last': 'Последняя оценка в опросе — {feedback_score_last:1}',
            'first_order': 'Первый заказ {first_order_age_days' ~ ago,
            'registered': 'Регистрация {attribute_tenure_days' ~ ago,
        },
    }) -}}
{% endmacro %}
