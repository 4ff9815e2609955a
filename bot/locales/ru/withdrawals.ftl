withdrawals = 🏦 Ждущие выводы, сначала старые:
withdrawals-none = ✅ Ни один вывод не ждёт.
withdrawals-row = #{ $id } · { $amount } · { $person } · { $status ->
    [requested] новый
    [approved] одобрен
    [blocked] заблокирован
   *[other] { $status }
} · { $age }
age = { $unit ->
    [minutes] { $count } мин
    [hours] { $count } ч
   *[days] { $count } дн
}
withdrawal-restored = ⚠️ После этой заявки база данных была восстановлена из резервной копии. Вывод могли уже оплатить: спросите банк, прежде чем платить. Если он оплачен, запишите тот платёж.
withdrawal-card = 🏦 Вывод #{ $id }

    Сумма: { $amount }
    Человек: { $person }
    Запрошен: { $when } ({ $age } назад)
withdrawal-status = { $status ->
    [requested] ⏳ Ждёт решения.
    [blocked] ⏳ Ждёт: человек заблокирован, одобрить нельзя.
    [approved] ✅ Одобрил { $by }. Выплатите его вне площадки и отметьте выплату.
    [paid] 💸 Выплачен, отметил { $by }. Номер: { $reference }
   *[returned] ↩️ Возвращён.
}
withdrawal-must-wait = { $loss ->
    [none] ⛔ Не платите: после одобрения человека заблокировали.
   *[amount] ⛔ Не платите: платежи этого человека были отозваны, не хватает { $loss }.
} Верните деньги в кошелёк или подождите, пока вопрос не решится.
withdrawal-paying = 💳 Сейчас оплачивает { $by }. Не платите второй раз.
withdrawal-returned-why = Почему: { $reason ->
    [cancelled] человек отменил его сам
    [clawed_back] его платёж был отозван
    [details] неизвестно, куда платить
    [suspicion] сначала нужно кое-что выяснить
    [rules] против правил
   *[text] { $reason }
}
withdrawal-sources = Из чего выплата (первым пришло — первым ушло; сначала новые):
withdrawal-source = • { $amount }, { $when }, { $reason ->
    [deposit] платёж #{ $id }
    [payout] размещение #{ $id } рекламодателя { $advertiser }
    [refund] возврат за размещение #{ $id }
    [withdrawal_return] возвращённый вывод #{ $id }
    [return_refused] платёж, который не был возвращён
    [adjustment] исправление #{ $id }
   *[other] { $reason } #{ $id }
}
withdrawal-source-compared = { $result ->
    [listed] ✅ есть в списке Telegram
    [accepted] ⚠️ нет в списке Telegram, инцидент о нём закрыт
    [not_covered] старше списка Telegram
    [taken_back] ↩️ отозван вне площадки
   *[waits] ⏳ ещё не сверен с Telegram
}
withdrawal-sources-more = … и ещё { $count }
withdrawal-sources-uncompared = Платежи в { $currency } нельзя сверить со списком Telegram. Сверьте их со списком провайдера.
withdrawal-approve = ✅ Одобрить
withdrawal-approve-question = Одобрить? Тогда { $amount } нужно будет выплатить вне площадки, и человек больше не сможет отменить вывод.
withdrawal-approve-sure = ✅ Да, одобрить
withdrawal-approve-again = 🔁 Ещё раз
withdrawal-paid-before = 🧾 Уже выплачено: записать
withdrawal-mark-paid = 💸 Отметить выплату
withdrawal-return = ↩️ Отклонить и вернуть
withdrawal-open = 🔎 Открыть вывод
withdrawal-ask-reference = Вы выплатили его вне площадки? Отправьте номер этой выплаты в банке или у провайдера. У каждого вывода свой номер:
    /paid { $id } НОМЕР
withdrawal-paid-usage = Как пользоваться: /paid ВЫВОД НОМЕР, например /paid 12 wire-0815. Номер — это номер выплаты в банке или у провайдера.
withdrawal-ask-payment-reason = Этот вывод не одобрен или уже завершён. Такую выплату записывают только два администратора вместе. Пока ничего не изменилось. Отправьте команду ещё раз, с причиной во второй строке:
    /paid { $id } { $reference }
    ПРИЧИНА
withdrawal-reference-taken = Такой номер есть у другого вывода, или #{ $id } выплачен под другим номером. Ничего не изменилось; посмотрите карточку: /withdrawals
withdrawal-ask-reason = Почему деньги возвращаются? Нажатие на причину возвращает деньги, причину узнает человек. Чтобы написать свою причину:
    /return { $id } ПРИЧИНА
withdrawal-reason-button = { $reason ->
    [details] Неизвестно, куда платить
    [suspicion] Сначала нужно кое-что выяснить
   *[rules] Против правил
}
withdrawal-return-usage = Как пользоваться: /return ВЫВОД ПРИЧИНА, например /return 12 банк вернул платёж. Причину узнает человек.
withdrawal-moved-on = Это уже решено. Ничего не изменилось.
withdraw-ask = { $enough ->
    [yes] Сколько вывести? Доступно: { $available }{ $limited ->
        [yes] . Наименьшая сумма вывода: { $least }
       *[no] {""}
    }
   *[no] Вывести деньги можно, когда накопится { $least }. Сейчас доступно: { $available }
}
withdraw-too-much = Столько нет: доступно { $available }.
withdraw-too-little = Наименьшая сумма вывода: { $least }.
withdraw-sure = 🏦 Вывести { $amount }?

    Деньги сразу уйдут из кошелька. Выплата придёт после того, как администратор проверит вывод, обычно за { $days ->
        [one] { $days } день
        [few] { $days } дня
       *[other] { $days } дней
    }. Останется: { $left }
withdraw-sure-button = ✅ Да, вывести { $amount }
my-withdrawals = 📤 Ваши выводы, сначала новые
my-withdrawals-none = 📤 Вы ещё ничего не выводили.
my-withdrawal = #{ $id }: { $amount }, запрошен { $when }
    { $status ->
        [requested] ⏳ Ждёт администратора.
        [approved] ✅ Одобрен, скоро придёт.
        [paid] 💸 Выплачен. Номер: { $reference }
       *[returned] ↩️ Снова в вашем кошельке. { $reason }
    }
withdrawal-cancel-question = Отменить вывод #{ $id }? { $amount } вернутся в кошелёк, вывод закончится.
withdrawal-cancel-sure = ✖️ Да, отменить
withdrawal-take-back = ✖️ Отменить #{ $id } ({ $amount })
command-withdrawals = Выводы, которые ждут
command-paid = Отметить, что вывод выплачен
command-return = Вернуть вывод
