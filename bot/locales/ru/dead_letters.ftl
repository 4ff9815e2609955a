dead-letters = ☠️ Окончательно не вышедшие посты, сначала новые:
dead-letters-none = ✅ Таких постов нет.
dead-letters-row = #{ $id } · { $channel } · { $error }
dead-letter = ☠️ Размещение #{ $id }

    Кампания: { $campaign }
    Канал: { $channel }
    Цена: { $price }
    Не вышло: { $when }
    Попыток: { $attempts }
    Ошибка: { $error }
    Деньги: { $escrow ->
        [held] удержаны, возвращаются рекламодателю
        [refunded] возвращены рекламодателю
       *[other] { $escrow }
    }
dead-letter-late = не вышел вовремя
dead-letter-open = Повторно не предлагалось.
dead-letter-offered = Рекламодателю предложено повторить.
dead-letter-retried = Рекламодатель повторил: размещение #{ $again }.
dead-letter-offer = 🔁 Предложить повторить
retry-offer = 🔁 Размещение #{ $id } в { $channel } не состоялось, его можно повторить. Сегодня оно стоит { $price } (остаётся: { $stays }) и проходит модерацию, как любое другое размещение. Деньги удерживаются при одобрении.
retry-gone = 🔁 Размещение #{ $id } в { $channel } не состоялось. Канал больше не продаёт такой формат, поэтому повторить его нельзя. Выберите другое размещение: нажмите 🛒.
retry-button = 🔁 Повторить за { $price }
command-dlq = Окончательно не вышедшие посты
error-terms-changed = Владелец изменил условия: теперь { $price }, и объявление остаётся { $promised_hours ->
    [0] без обещанного срока
    [one] на { $promised_hours } час
    [few] на { $promised_hours } часа
   *[other] на { $promised_hours } часов
}. Ничего не изменилось.
