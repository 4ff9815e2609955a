story = 📖 Что произошло
story-of = 📖 Размещение #{ $id }: что произошло
story-earlier = … раньше { $count ->
    [one] был ещё { $count } шаг
    [few] были ещё { $count } шага
   *[other] было ещё { $count } шагов
}
story-open = 📖 Вся история
story-line = { $at } · { $what }
story-step = { $what ->
    [submitted] отправлено
    [changed] объявление или условия изменены: версия { $version }
    [asked] { $who ->
        [owner] владелец попросил изменить
       *[moderator] администратор попросил изменить
    }: { $reason }
    [accepted] { $who ->
        [owner] владелец согласился
        [manager] менеджер канала согласился
       *[rule] согласие по правилу канала
    }{ $version ->
        [1] {""}
       *[other] {" "}(версия { $version })
    }
    [declined] { $who ->
        [owner] владелец отклонил
       *[manager] менеджер канала отклонил
    }: { $reason }
    [approved] одобрено администратором, цена удержана
    [rejected] отклонено администратором: { $reason }
    [withdrawn] отозвано рекламодателем
    [expired] закончилось: решение не принято вовремя
    [cancelled] отменено рекламодателем: { $reason }
    [published] 🟢 опубликовано
    [gone] 🗑 бот убедился, что поста нет
    [republishing] владелец поручил боту опубликовать пост снова
    [republished] 🟢 опубликовано снова, обещанный срок начался заново
    [covered] ⬆️ слишком рано вышла запись поверх него
    [checked] { $count ->
        [one] { $count } проверка
        [few] { $count } проверки, последняя здесь
       *[other] { $count } проверок, последняя здесь
    }: { $reason }
    [ended] обещанные { $count } ч прошли
    [paid] ✅ { $to ->
        [owner] вы получили { $amount }
       *[advertiser] владелец получил оплату
    }
    [refunded] ↩️ { $amount } вернулось { $to ->
        [owner] рекламодателю
       *[advertiser] вам
    }: { $reason }
    [taken_down] { $reason ->
        [done] бот удалил пост
       *[refused] бот не смог удалить пост
    }
   *[other] { $what }
}
story-verdict = { $verdict ->
    [present] пост на месте, без изменений
    [altered] пост был изменён
    [gone] поста не было
    [stayed] пост простоял до конца
   *[unknown] Telegram не дал ясного ответа
}
story-wish = { $kind ->
    [format] другой формат
    [price] другая цена
    [time] другое время
   *[words] { $wish }
}
refund-reason = { $reason ->
    [cancelled] размещение отменено
    [stopped] кампания закончилась, или её рекламодатель заблокирован
    [removed] пост удалили слишком рано
    [breach] обещание о посте нарушено
    [decided] так решил администратор
    [split] после жалобы цену разделили
   *[unpublished] пост не вышел
}
placement-copy = 📄 Пришлите копию поста
placement-copy-failed = Скопировать пост сейчас нельзя: его уже нет в канале, или я потерял там права.
