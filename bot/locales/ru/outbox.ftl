outbox-target-approved = ✅ Размещение #{ $id } одобрено. { $price } удержано, пока пост не простоит обещанное.
    Канал: { $channel }. Публикация: { $when }.
outbox-target-rejected = ❌ Размещение #{ $id } в { $channel } отклонено.
    Причина: { $reason }.
    Деньги не списаны.
outbox-target-expired = ⌛️ По размещению #{ $id } в { $channel } решение не принято вовремя. Деньги не списаны; можно купить снова.
outbox-target-paid = { $to ->
    [owner] 💰 Вам выплачено { $amount } за размещение #{ $id } в { $channel }.
   *[advertiser] ✅ Размещение #{ $id } в { $channel } выполнено: пост простоял обещанное, владелец получил оплату.
}
outbox-target-refunded = ↩️ { $amount } снова в вашем кошельке: размещение #{ $id } в { $channel } не состоялось.
outbox-funds-missing = 💰 Размещение #{ $id } в { $channel } одобрить нельзя: в кошельке не хватает { $missing }. Пополните его, и администратор сможет одобрить.
outbox-ad-scheduled = 📬 В { $channel } выйдет объявление: { $when }. Цена: { $price } за вычетом комиссии площадки. Остаётся: { $hours ->
    [0] без обещанного срока
    [one] { $hours } час
    [few] { $hours } часа
   *[other] { $hours } часов
}.
outbox-post-published = { $to ->
    [owner] 🟢 В { $channel } вышло объявление (размещение #{ $id }). Не трогайте его обещанное время: потом придёт оплата.
   *[advertiser] 🟢 Ваше объявление вышло в { $channel } (размещение #{ $id }).
}
outbox-post-refused = ⚠️ Размещение #{ $id } не удалось опубликовать в { $channel }. Деньги возвращаются в ваш кошелёк.
outbox-post-gone = { $to ->
    [owner] ⚠️ Объявление размещения #{ $id } исчезло из { $channel } раньше срока. Оплаты за него не будет; рекламодателю возвращаются деньги.
   *[advertiser] ⚠️ Ваше объявление удалили из { $channel } раньше срока (размещение #{ $id }). Деньги возвращаются в ваш кошелёк.
}
outbox-channel-suspended = ⚠️ «{ $title }» больше не предлагается. { $why }
outbox-deposit-credited = 💰 В ваш кошелёк пришло { $amount }.
outbox-switch-changed = { $state ->
    [running] 🟢 { $key } работает
   *[stopped] 🔴 { $key } ОСТАНОВЛЕН
} ({ $reason }). Кто: { $by }
outbox-ledger-violation = 🚨 Инварианты книги нарушены (инцидент { $id }). Удержания, выплаты, возвраты и выводы остановлены.
outbox-ledger-line = • { $name }: строки { $rows }
outbox-ledger-sealed = 🔏 Печать { $number } на книге. Не удаляйте это сообщение: кто перепишет книгу, его не перепишет.
    { $digest }
outbox-watchdog-acted = ⏰ { $count ->
    [one] { $count } размещение слишком долго ждало поста, деньги возвращены
    [few] { $count } размещения слишком долго ждали поста, деньги возвращены
   *[other] { $count } размещений слишком долго ждали поста, деньги возвращены
}: { $targets }
outbox-watchdog-waits = ⏰ { $count ->
    [one] { $count } размещение слишком долго ждёт поста
    [few] { $count } размещения слишком долго ждут поста
   *[other] { $count } размещений слишком долго ждут поста
}: { $targets }. Сторож или возвраты остановлены, поэтому ничего не сделано.
outbox-withdrawal = { $status ->
    [requested] 🏦 { $person } просит вывести { $amount } (вывод #{ $id }).
    [approved] ✅ Вывод #{ $id } одобрен: { $amount } скоро придёт к вам.
    [paid] 💸 Вывод #{ $id } выплачен: { $amount }.
   *[returned] ↩️ Вывод #{ $id } возвращён: { $amount } снова в вашем кошельке. { $reason }
}
withdrawal-return-reason = { $reason ->
    [cancelled] Вы его отменили.
    [clawed_back] Ваш платёж был отозван.
    [details] Мы не знаем, куда его отправить, и не смогли с вами связаться.
    [suspicion] Сначала нужно кое-что выяснить. Напишите, пожалуйста, в поддержку.
    [rules] Это против правил.
    [other] {""}
   *[text] Причина: { $reason }
}
outbox-payment-parked = 🚨 Кто-то заплатил, но платёж не удалось обработать ({ $error }). Он сохранён: когда причина устранена, выполните adtech retry-payment { $id }. Дважды он не зачислится.
outbox-deposit-clawed-back = 🚨 Платёж { $amount } от { $person } отозван снаружи. Взято обратно: { $recovered }. Убыток площадки: { $loss }. Человек заблокирован.
correction-kind = { $kind ->
    [adjustment] корректировка
    [missing_payout] недостающая выплата
    [balance_reset] сброс остатка
    [orphan_entry] лишняя запись
   *[escrow_reversal] повторное удержание
}
outbox-correction = { $status ->
    [proposed] 🛠 Предложено исправление #{ $id }: { $kind }. Подтвердить должен другой администратор.
    [confirmed] 🛠 Исправление #{ $id } подтверждено: { $kind }. Выполняет его adtech repair.
    [done] ✅ Исправление #{ $id } выполнено: { $kind }.
   *[dropped] ✖️ Исправление #{ $id } снято: { $kind }.
}
