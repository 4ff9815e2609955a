card = 🆕 Размещение #{ $id }

    Кампания: { $campaign } (#{ $campaign_id })
    Рекламодатель: { $advertiser }, остаток { $balance }
    Канал: { $channel }
    Владелец: { $owner }
    Цена: { $price }
    Остаётся: { $hours ->
        [0] без обещанного срока
        [one] { $hours } час
        [few] { $hours } часа
       *[other] { $hours } часов
    }
    Публикация: { $when }
card-status = { $status ->
    [pending] ⏳ Ждёт решения.
    [approved] ✅ Одобрил { $by }.
    [posted] ✅ Одобрил { $by }; вышло и оплачено.
    [refunded] ↩️ Одобрил { $by }; деньги возвращены.
    [rejected] ❌ Отклонил { $by }.
    [withdrawn] Отозвано рекламодателем.
    [expired] Решение не принято вовремя.
   *[other] { $status }
}
card-approve = ✅ Одобрить
card-reject = ❌ Отклонить
reject-reason = { $reason ->
    [forbidden] Запрещённое содержание
    [misleading] Вводит в заблуждение
    [quality] Низкое качество
    [link] Плохая или нерабочая ссылка
    [channel] Не подходит каналу
    [other] Против правил
   *[unknown] { $reason }
}
queue = ⏳ Ждут решения, сначала старые:
queue-empty = ✅ Решения никто не ждёт.
queue-row = #{ $id } · { $campaign } → { $channel }

switches = 🎛 Аварийные переключатели
switch-line = { $state ->
    [running] 🟢 { $key }: работает
   *[stopped] 🔴 { $key }: ОСТАНОВЛЕН
} ({ $reason })
switch-reason = { $reason ->
    [incident] инцидент
    [suspicion] подозрение
    [maintenance] обслуживание
    [drill] учения
    [resolved] решено
    [launch] запуск
    [drill_over] учения закончены
    [missing] строки нет
   *[other] { $reason }
}
switch-stop = ⛔ Остановить { $key }
switch-run = ▶️ Запустить { $key }
switch-stop-why = Почему вы останавливаете { $key }? Нажатие на причину останавливает сразу.
switch-lets = { $key ->
    [new_escrows] одобрения и удержания денег
    [payouts] выплаты владельцам каналов
    [refunds] возвраты рекламодателям
    [deposits] счета, платежи и их зачисление
    [withdrawals] заявки на вывод и их одобрение
    [adjustments] исправления, которые двигают деньги
    [telegram_posting] публикацию и восстановление объявлений в каналах
    [worker_post] взятие постов из очереди для публикации
    [worker_watchdogs] автоматические действия проверок (watchdog)
   *[other] { $key }
}
switch-run-question = ▶️ Снова запустить { $key }? Он разрешает: { $lets }. Выберите причину:
switch-run-sure = ▶️ Да, запустить: { $reason }
switch-which = «On» и «off» люди понимают по-разному. { $key } разрешает: { $lets }. Что сделать?
switch-usage = Как пользоваться:
    /killswitch: все переключатели
    /killswitch stop КЛЮЧ ПРИЧИНА: остановить сразу
    /killswitch run КЛЮЧ: запустить после вопроса

    Ключи: { $keys }
switch-changed = { $state ->
    [running] 🟢 { $key } работает.
   *[stopped] 🔴 { $key } ОСТАНОВЛЕН.
}
switch-unchanged = { $state ->
    [running] 🟢 { $key } уже работал. Ничего не изменилось.
   *[stopped] 🔴 { $key } уже был остановлен. Ничего не изменилось.
}
switch-not-settled = ⚠️ Новое не начинается, но что-то начатое до остановки ещё не завершено. Найдите сеанс, который его задерживает.
switch-under-way = { $count ->
    [one] { $count } пост уже отправлялся; его результат всё равно запишется.
    [few] { $count } поста уже отправлялись; их результаты всё равно запишутся.
   *[other] { $count } постов уже отправлялись; их результаты всё равно запишутся.
}
switch-panel = 🎛 Все переключатели

staff-commands = 🧭 Команды сотрудников
staff-unknown-command = Такой команды нет. Ничего не сделано. Все команды: /help

health = 🩺 Состояние
health-line = { $state ->
    [yes] ✅
   *[no] ❌
} { $name ->
    [ok] всё вместе
    [database] база данных
    [redis] Redis (формы и ограничения частоты)
    [migrations] схема базы подходит этой версии
    [scheduler] планировщик работает
   *[other] { $name }
}
health-switch = { $state ->
    [enabled] 🟢 { $key }: работает
    [disabled] 🔴 { $key }: ОСТАНОВЛЕН
   *[missing] ❌ { $key }: строки нет, считается остановленным
}
ledger-clean = ✅ Книга чиста: все инварианты выполнены.
ledger-broken = 🚨 Инварианты нарушены. Новые эскроу, выплаты, возвраты и выводы остановлены.
ledger-violation = • { $name }: { $count ->
    [one] { $count } строка
    [few] { $count } строки
   *[other] { $count } строк
}

incidents = 🚨 Открытые инциденты. Закройте инцидент, когда он исправлен; после этого переключатели снова запускает другой оператор, не вы.
incidents-none = ✅ Открытых инцидентов нет.
incident-line = #{ $id }: { $kind ->
    [ledger_violation] инварианты книги нарушены
    [audit_chain_broken] контрольной цепочке нельзя доверять
    [telegram_down] Telegram не отвечает
   *[other] { $kind }
}, с { $at }{ $what ->
    [none] {""}
   *[other] {": "}{ $what }
}
incident-close = ✅ Исправлено, закрыть #{ $id }
