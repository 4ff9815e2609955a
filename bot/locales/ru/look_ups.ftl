card-advertiser = 👤 Рекламодатель, с { $since }: размещений простояло до конца: { $kept }, с возвратом денег: { $refunded }, отклонено: { $rejected }, отозвано: { $withdrawn }{ $taken_back ->
    [0] .
   *[other] . Платежей, отозванных вне площадки: { $taken_back }.
}
card-waiting = ⏱ Ждёт { $age }.
card-new-advertiser = ⚠️ Новый рекламодатель: ни одно его объявление ещё не простояло до конца.
card-price-jump = ⚠️ Цена хотя бы вдвое выше обычной для этого канала ({ $usual }).
card-new-link = ⚠️ Первое объявление этого рекламодателя со ссылкой на { $words }.
card-watched = ⚠️ Слова, за которыми вы следите: { $words }
card-take = 👀 Я его читаю
card-give-back = 👋 Пусть читают другие
card-reader = 👀 { $by } читает его до { $until }.
card-taken = { $taken ->
    [yes] Коллеги видят, что вы его читаете.
   *[no] Его читает другой администратор. Решить вы всё равно можете.
}
reject-usage = Напишите номер размещения и причину, например: /reject 12 Ссылка не работает
look-up-usage = { $what ->
    [user] Никто не найден. Напишите номер в Telegram или # и номер человека здесь: /user 123456789 или /user #12
    [campaign] Кампания не найдена. Напишите её номер: /campaign 12
    [placement] Размещение не найдено. Напишите его номер: /placement 12
   *[channel] Канал не найден. Напишите его номер, имя или ссылку: /channel 12 или /channel @daily
}
look-up-person = 👤 Человек #{ $id }

    Номер в Telegram: { $telegram_id }
    С { $since }
    Язык: { $language }
    Роли: { $roles ->
        [none] нет
       *[other] { $roles }
    }
    { $blocked ->
        [yes] ⛔ Заблокирован
       *[no] Не заблокирован
    }

    Доступно: { $available }
    Удержано: { $held }
    Выводится: { $leaving }
    Долг: { $loss ->
        [none] нет
       *[other] { $loss }
    }
look-up-person-row = 👤 Человек
look-up-campaign-row = 📣 #{ $id } · { $name }
look-up-channel-row = 📺 #{ $id } · { $title }
look-up-placement-row = #{ $id } · { $channel } · { $price } · { $status ->
    [pending] ⏳ ждёт
    [approved] ✅ одобрено
    [posted] ✅ оплачено
    [refunded] ↩️ возврат
    [rejected] ❌ отклонено
    [withdrawn] отозвано
   *[expired] истекло
}
look-up-campaign = 📣 Кампания #{ $id }: { $name }

    Рекламодатель: { $advertiser }
    { $status ->
        [draft] Черновик
        [active] Активна
        [paused] На паузе
        [completed] Завершена
       *[cancelled] Отменена
    }, с { $since }
    Бюджет: { $budget }, осталось { $left }
look-up-channel = 📺 Канал #{ $id }: { $title } ({ $address ->
        [private] закрытый
       *[other] t.me/{ $address }
    })

    Владелец: { $owner }
    { $status ->
        [pending] Ещё не продаётся
        [active] Продаётся
        [paused] На паузе
        [suspended] Приостановлен
       *[removed] Удалён
    }, с { $since }
    Цена: { $price ->
        [none] ещё нет
       *[other] { $price }
    }
    Подписчиков: { $subscribers }
watched-words = 👁 Карточка размещения предупреждает об этих словах в объявлении, на кнопке и в ссылках. Нажмите на слово, чтобы убрать его. Добавить: /watch казино
watched-words-none = 👁 Слов, за которыми вы следите, нет. Карточка размещения может предупреждать о словах в объявлении, на кнопке и в ссылках: /watch казино
watched-word-remove = 🗑 { $word }
command-reject = Отклонить размещение своими словами
command-user = Найти человека
command-campaign = Найти кампанию
command-placement = Найти размещение
command-channel = Найти канал
command-watch = Слова для предупреждений
