command-report = Отчёты о деньгах, постах и действиях
reports = 📊 Отчёты. Выберите один или напишите его название: /report held
    Командная строка печатает их целиком, также в CSV: adtech report NAME
report-unknown = Отчёта «{ $name }» нет. Выберите один из этих:
report = 📊 { $title } ({ $name })
report-empty = Строк нет.
report-wrong = ⚠️ Отмеченной строки быть не должно. Что делать сейчас: { $page }
report-id = { $report ->
    [ledger] кошелёк
    [drift] кошелёк
    [held] эскроу
    [unpaid_releases] эскроу
    [failed_jobs] задание
   *[orphans] размещение
} { $id }
report-cell = { $name ->
    [user_id] строка пользователя
    [ledger_count] записей
    [ledger_sum] сумма записей
    [balance] остаток
    [is_valid] верно
    [campaign_target_id] размещение
    [escrow_count] эскроу
    [postjob_count] постов
    [campaign_id] кампания
    [channel_id] канал
    [owner_id] владелец
    [status] состояние
    [created_at] с
    [uncertain_since] неизвестно с
    [next_search_at] следующий поиск
    [asks_admins_at] спросит администраторов
    [state] сейчас
    [job_status] пост
    [amount] сумма
    [release_due_at] выплата
    [last_error] ошибка
    [attempts] попыток
    [updated_at] последнее изменение
    [count] количество
    [campaign_count] кампаний
    [target_count] размещений
    [active_campaigns] работает
    [draft_campaigns] черновиков
    [posted_targets] с оплаченным размещением
    [approved_targets] с одобренным размещением
    [latest] последнее
    [revenue] доход
    [fees] комиссий
    [held] удержано
    [newly_held] новые удержания
    [released_or_refunded] отпущено или возвращено
    [charge_id] номер платежа
    [telegram_id] человек
   *[other] { $name }
}: { $value }
report-again = 🔄 Прочитать снова
report-yes-no = { $value ->
    [yes] да
   *[no] нет
}
report-name = { $name ->
    [ledger] Книга, новые кошельки
    [drift] Неверные остатки
    [escrow_uniqueness] Двойные эскроу
    [job_uniqueness] Двойные посты
    [orphans] Одобрено без эскроу
    [orphaned_targets] Размещения без кампании
    [unpaid_releases] Отпущено без выплаты
    [held] Удержанные эскроу
    [uncertain] Неясные посты
    [failed_jobs] Неудавшиеся посты
    [campaign_statuses] Кампании по статусам
    [job_statuses] Посты по статусам
    [escrow_statuses] Эскроу по статусам
    [counts] Количества
    [week] Неделя
    [audit] Действия, 7 дней
    [audit_recent] Действия, 10 минут
    [revenue_by_day] Доход по дням
    [held_by_day] Удержано по дням
    [returns] Возвращаемые платежи
    [unbooked_stars] Звёзды вне книги
   *[other] { $name }
}
daily-report = 📅 Отчёт за день { $day } (UTC)
daily-money = { $name ->
    [revenue] 💰 Доход
    [held] 🔒 Удержано на конец дня
    [newly_held] ➕ Новые удержания
   *[released_or_refunded] ➖ Отпущено или возвращено
}: { $amount }
daily-act = { $name ->
    [campaign_activated] Кампаний запущено
    [target_submitted] Размещений подано
    [moderation_approved] Размещений одобрено
    [moderation_rejected] Размещений отклонено
    [post_failed] Постов не удалось
    [post_uncertain] Постов с неизвестным исходом
    [escrow_released] Эскроу отпущено
    [escrow_refunded] Эскроу возвращено
    [deposit_credited] Пополнений зачислено
    [withdrawal_paid] Выводов выплачено
    [access_denied] Действий отклонено
   *[other] { $name }
}: { $count }
reports-button = 📊 Отчёты
report-button = 📊 { $title }
report-draw = 📈 Картинка
report-caption = 📈 { $title }
    Наибольшее: { $largest } за { $largest_day }
    Последнее: { $last } за { $last_day } (UTC)
report-uncertain-next = Бот ищет эти посты и ничего не отправляет дважды. Нажмите на размещение, чтобы открыть карточку: решает администратор. Если у вас есть ссылка на пост: /there РАЗМЕЩЕНИЕ ССЫЛКА
report-uncertain-card = ❔ Размещение { $id }
report-kind = { $kind ->
    [refund] возврат
   *[payment] платёж
}
