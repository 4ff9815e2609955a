campaigns = 📣 Ваши кампании
campaigns-none = 📣 У вас ещё нет кампаний. Создайте первую:
campaigns-row = { $status ->
    [draft] ✏️
    [active] 🟢
    [paused] ⏸
    [completed] 🏁
   *[other] ⚪️
} { $name }
campaign-new = ➕ Новая кампания
campaign = 📣 { $name }

    Номер: { $id }
    Состояние: { $status ->
        [draft] черновик (запустите её, чтобы покупать размещения)
        [active] идёт
        [paused] на паузе: новые посты не публикуются
        [cancelled] отменена
        [completed] завершена
       *[other] { $status }
    }
    Бюджет: { $budget }
    Осталось от бюджета: { $left }
campaign-activate = 🚀 Запустить
campaign-pause = ⏸ Пауза
campaign-resume = ▶️ Продолжить
campaign-ad = 👁 Показать объявление
campaign-cancel = 🗑 Закончить кампанию
campaign-cancel-question = Закончить «{ $name }» навсегда?

    Размещения, которые ждут решения, отзываются. Ещё не опубликованные посты отменяются, деньги за них возвращаются. Опубликованные посты остаются на обещанные часы.
campaign-cancel-sure = 🗑 Да, закончить

campaign-name-ask = ➕ Новая кампания

    Как она называется? Название видите только вы и администраторы.
campaign-ad-ask = Теперь отправьте само объявление в точности так, как оно должно выглядеть: текст с оформлением или одно фото, видео или GIF с подписью.
campaign-button-ask = Нужна ли под объявлением кнопка со ссылкой? Отправьте текст кнопки или пропустите.
campaign-url-ask = Куда ведёт кнопка? Отправьте адрес, например https://example.com
campaign-budget-ask = Какой бюджет у кампании? Все размещения вместе не могут стоить дороже. Например: { $example }
campaign-preview = 👆 Это объявление в точности так, как оно выйдет.

    Кампания: { $name }
    Бюджет: { $budget }

    Всё верно?
ad-kind = Я могу опубликовать текст или одно фото, видео или GIF с подписью. Отправьте что-то из этого, не альбом.
ad-refused = Telegram не принимает это объявление в таком виде. Проверьте оформление и ссылку и отправьте его снова.

buy-campaign = 🛒 Для какой кампании?
buy-no-campaign = 🛒 Сначала нужна идущая кампания: создайте её, запустите и возвращайтесь.
buy-campaign-row = 📣 { $name }
buy-channel = 🛒 { $campaign }

    Осталось от бюджета: { $left }

    { $found ->
        [0] Сейчас каналов в продаже нет. Загляните позже.
       *[other] Выберите канал:
    }
buy-channel-row = { $title } · { $price } · 👥 { $subscribers } · { $hours ->
    [0] 0 ч
   *[other] { $hours } ч
} · { $topic }
buy-when = Когда публиковать?
buy-at-once = ⚡ Сразу после одобрения
buy-later = 🕒 В выбранное время
buy-time-ask = Отправьте дату и время в вашем часовом поясе ({ $zone }), например 31.12.2030 18:00 или 2030-12-31 18:00
time-wrong = Не могу прочитать это как дату и время. Отправьте, например, 31.12.2030 18:00 (час, который пропускается при переводе часов, не существует).
buy-confirm = 🛒 Проверьте, пожалуйста

    Кампания: { $campaign }
    Канал: { $channel }
    Цена: { $price }
    Остаётся: { $hours ->
        [0] без обещанного срока
        [one] { $hours } час
        [few] { $hours } часа
       *[other] { $hours } часов
    }
    Публикация: { $when }

    Осталось от бюджета: { $left }, после этого: { $after }

    Цена удерживается, когда администратор одобрит размещение.
terms-changed = Владелец только что изменил условия. Посмотрите ещё раз:
buy-done = ✅ Отправлено. Администратор проверит.

placements = 📋 Ваши размещения
placements-none = 📋 У вас ещё нет размещений.
placements-row = { $state ->
    [pending] ⏳
    [queued] 📬
    [sending] 📬
    [uncertain] ❔
    [live] 🟢
    [posted] ✅
    [failing] ↩️
    [refunded] ↩️
    [rejected] ❌
   *[other] ⚪️
} #{ $id } · { $channel }
placement = 📋 Размещение #{ $id }

    Кампания: { $campaign }
    Канал: { $channel }
    Цена: { $price }
    Остаётся: { $hours ->
        [0] без обещанного срока
        [one] { $hours } час
        [few] { $hours } часа
       *[other] { $hours } часов
    }
    Публикация: { $when }
    Состояние: { $state }
placement-state = { $state ->
    [pending] ⏳ ждёт администратора
    [queued] 📬 одобрено, ждёт публикации
    [sending] 📬 публикуется
    [uncertain] ❔ выясняем, вышел ли пост
    [live] 🟢 опубликовано
    [posted] ✅ выполнено, владелец получил оплату
    [failing] ↩️ пост не вышел или не остался в канале, деньги возвращаются
    [refunded] ↩️ деньги возвращены
    [rejected] ❌ отклонено
    [withdrawn] отозвано
    [expired] решение не принято вовремя
   *[other] { $state }
}
placement-reason = Причина: { $reason }
placement-escrow = Деньги: { $status ->
    [held] удержаны в эскроу
    [released] выплачены владельцу
    [refunded] снова в вашем кошельке
   *[other] { $status }
}
placement-until = Обещано до: { $at }
placement-withdraw = 🗑 Отозвать
placement-open = 🔗 Открыть пост
placement-card = 📋 Открыть размещение
