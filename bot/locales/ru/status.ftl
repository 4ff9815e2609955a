health = 🩺 Состояние, { $at }
next-step = { $name ->
    [health] 🩺 Состояние
    [ledger] 📒 Проверить книгу
    [incidents] 🚨 Инциденты
    [switches] 🎛 Все переключатели
    [queue] ⏳ Ждут решения
    [dlq] ☠️ Не вышли
   *[withdrawals] 🏦 Выводы
}
health-well = ✅ { $stopped ->
    [0] Вмешательство человека не нужно.
   *[other] В остальном вмешательство человека не нужно.
}
health-stopped = 🔴 ОСТАНОВЛЕНЫ: { $keys }. Снова запустить переключатель: /killswitch
health-look = ⚠️ { $count ->
    [one] { $count } строка требует
    [few] { $count } строки требуют
   *[other] { $count } строк требуют
} внимания человека:
health-rest = Остальное в порядке:
health-switch = { $state ->
    [running] 🟢 { $key }: работает
   *[STOPPED] 🔴 { $key }: ОСТАНОВЛЕН
} ({ $reason })
health-line = { $state ->
    [ok] ✅
    [unknown] ❔
   *[LOOK] ⚠️
} { $name ->
    [database] база данных
    [redis] Redis (формы и ограничения частоты)
    [open_incidents] открытые инциденты (/incidents)
    [alerts_firing] действующие предупреждения
    [telegram_down_since] Telegram не отвечает с
    [last_ledger_check_age] последняя проверка книги, назад
    [ledger_violations] нарушенные инварианты (/ledger)
    [last_audit_chain_link] последнее звено контрольной цепочки
    [oldest_entry_without_link_age] самая старая запись без звена, возраст
    [schedulers_alive] планировщиков работает
    [scheduler_heartbeat_age] последний сигнал планировщика, назад
    [bot] бот
    [inbox_waiting] обновления в очереди
    [inbox_oldest_age] самое старое обновление в очереди, возраст
    [parked_payments] отложенные платежи (adtech parked-payments)
    [outbox_due] сообщения в очереди
    [outbox_oldest_age] самое старое сообщение в очереди, возраст
    [posts_due] посты, которым пора выйти
    [posts_oldest_due_age] самый старый пост, которому пора выйти, возраст
    [posts_sending] посты отправляются
    [posts_abandoned] посты с брошенной отправкой
    [posts_uncertain] посты с неизвестным исходом
    [posts_oldest_uncertain_age] самый старый пост с неизвестным исходом, возраст
    [escrows_held] удержанные эскроу
    [money_held] удержано денег
    [escrows_stuck] застрявшие эскроу (/report)
    [dead_letters] неудавшиеся посты (/dlq)
    [dead_letters_of_a_day] неудавшиеся посты за 24 часа
    [oldest_refund_due_age] самый старый ожидающий возврат, возраст
    [withdrawals_waiting] выводы в ожидании (/withdrawals)
    [connections_used_percent] соединения базы данных, %
    [postgresql_version] PostgreSQL
    [schema_revision] схема базы данных
    [product_version] версия продукта
   *[other] { $name }
}: { $value }
health-detail = { $line } ({ $detail })
health-word = { $word ->
    [answers] отвечает
    [does_not_answer] НЕ ОТВЕЧАЕТ
    [refuses_the_login] НЕ ПРИНИМАЕТ ИМЯ ВХОДА ИЛИ ПАРОЛЬ
    [is_missing] ОТСУТСТВУЕТ
    [disk_full] ДИСК ЗАПОЛНЕН: НИЧЕГО НЕЛЬЗЯ СОХРАНИТЬ
    [read_only] ТОЛЬКО ДЛЯ ЧТЕНИЯ: НИЧЕГО НЕЛЬЗЯ СОХРАНИТЬ
    [fails] РАБОТАЕТ С ОШИБКАМИ
    [takes_updates] принимает обновления
    [does_not_run] НЕ РАБОТАЕТ
    [takes_no_updates] НЕ ПРИНИМАЕТ ОБНОВЛЕНИЙ
    [unknown] неизвестно
    [none] нет
   *[other] { $word }
}
health-seconds = { $count } с
health-minutes = { $count } мин
health-hours = { $count } ч
