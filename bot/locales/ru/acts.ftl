audit-act = { $name ->
    [acceptance_rule_set] Изменено правило приёма объявлений
    [access_denied] Действие отклонено
    [audit_chain_file_added] Контрольная цепочка: разрешён новый файл
    [backup_restored] Восстановлена резервная копия
    [calendar_set] Изменён календарь канала
    [campaign_activated] Кампания запущена
    [campaign_cancelled] Кампания отменена
    [ad_topic_set] Выбрана тема объявления
    [campaign_changed] Кампания изменена
    [campaign_completed] Кампания завершена
    [campaign_created] Кампания создана
    [campaign_paused] Кампания приостановлена
    [campaign_resumed] Кампания продолжена
    [click_count_changed] Выбор, считать ли переходы
    [channel_connected] Канал подключён
    [channel_format_retired] Формат канала снят с продажи
    [channel_format_set] Цена формата канала указана
    [channel_paused] Канал приостановлен
    [channel_removed] Канал удалён
    [channel_restored] Канал снова доступен
    [channel_resumed] Канал снова продаёт рекламу
    [channel_offered_again] Канал снова предлагается после ранних удалений
    [channel_suspended] Канал отключён ботом
    [channel_taken_over] Канал перешёл к новому владельцу
    [channel_terms_set] Заданы цена и условия канала
    [channel_topic_set] Тема канала указана
    [channel_language_set] Язык канала указан
    [chat_move_confirmed] Переезд чата администраторов подтверждён
    [chat_moved] Чат администраторов переехал
    [correction_confirmed] Исправление подтверждено
    [correction_done] Исправление внесено
    [correction_dropped] Исправление отклонено
    [correction_proposed] Исправление предложено
    [dead_letter_offered] Неудавшийся пост предложен снова
    [dead_letter_retried] Неудавшийся пост куплен снова
    [deposit_clawed_back] Пополнение отозвано
    [deposit_return_refused] В возврате пополнения отказано
    [deposit_return_requested] Запрошен возврат пополнения
    [deposit_returned] Пополнение возвращено
    [deposit_credited] Пополнение зачислено
    [destination_confirmed] Адрес для выплат подтверждён
    [destination_dropped] Адрес для выплат отменён
    [draft_deleted] Черновик кампании удалён
    [escrow_held] Деньги удержаны в эскроу
    [escrow_refunded] Эскроу возвращён
    [escrow_released] Эскроу отпущен
    [excess_payment_recorded] Записана лишняя выплата
    [incident_closed] Инцидент закрыт
    [incident_opened] Инцидент открыт
    [invite_link_removed] Убрана ссылка в закрытый канал
    [invite_link_set] Задана ссылка в закрытый канал
    [kill_switch_run] Переключатель запущен
    [kill_switch_stopped] Переключатель остановлен
    [launch_checked] Запуск: проверка
    [launch_signed] Запуск: подпись
    [manager_ended] Менеджер канала снят
    [manager_named] Менеджер канала назначен
    [payout_wait_began] Выплаты ждут: у канала другой создатель
    [payout_wait_ended] Ожидавшие выплаты идут, как договорились
    [moderation_approved] Размещение одобрено
    [moderation_rejected] Размещение отклонено
    [payment_retried] Отложенный платёж обработан снова
    [change_asked] Попросили изменить размещение
    [placement_changed] Размещение изменено рекламодателем
    [post_covered] Над объявлением вышла новая запись в его часы в топе
    [placement_accepted] Размещение принято владельцем
    [placement_declined] Размещение отклонено владельцем
    [post_absent] Поиск: поста в канале нет
    [post_altered] Проверка: пост изменён
    [complaint_opened] Жалоба на пост
    [complaint_answered] Владелец ответил на жалобу
    [complaint_correcting] Владелец поручил боту исправить пост
    [complaint_corrected] Бот исправил пост по жалобе
    [complaint_gone] Бот убедился, что поста из жалобы нет
    [complaint_republishing] Владелец поручил боту снова опубликовать удалённый пост
    [complaint_republished] Бот снова опубликовал удалённый пост
    [complaint_satisfied] Рекламодатель закрыл жалобу
    [complaint_disputed] Рекламодатель попросил решения администрации
    [complaint_decided] Решение по жалобе
    [complaint_accepted] Решение по жалобе принято стороной
    [complaint_appealed] Решение обжаловано
    [complaint_timed_out] Шаг жалобы закончился без ответа
    [complaint_reminded] Администрации напомнили о жалобе
    [complaint_absorbed] Жалоба закрыта, решается нарушение обещания
    [complaint_ended] Решение по жалобе вступило в силу
    [post_breach] Владелец нарушил обещание о посте
    [post_breach_refunded] Решено вернуть деньги из-за нарушения
    [post_cancelled] Пост отменён
    [post_failed] Пост не вышел
    [post_found] Поиск: пост найден
    [post_gone] Проверка: поста нет
    [post_present] Проверка: пост на месте
    [post_published] Пост опубликован
    [post_removed] Пост удалён после своего срока
    [post_rescued] Пост завершившегося процесса снова в очереди
    [post_stayed] Проверка: пост простоял до конца
    [post_uncertain] Неизвестно, вышел ли пост
    [post_unknown] Проверка: ясного ответа нет
    [removal_refused] Пост, который нельзя удалить
    [request_asked] Запрос создан
    [request_done] Запрос выполнен
    [request_dropped] Запрос отклонён
    [request_proposed] Запрос подтверждён автором
    [resolution_confirm_absent] Решение: поста нет
    [resolution_confirm_published] Решение: пост вышел
    [resolution_decide_refund] Решение: вернуть деньги
    [resolution_decide_release] Решение: заплатить владельцу
    [resolution_dismiss_breach] Решение: нарушения не было
    [resolution_postpone] Решение: подождать ещё день
    [resolution_state_published] Заявление: пост вышел
    [role_granted] Роль выдана
    [role_revoked] Роль снята
    [target_expired] Размещение истекло
    [target_submitted] Размещение подано
    [target_withdrawn] Размещение отозвано
    [tester_cleaned_up] Следы тестировщика убраны
    [tester_marked] Тестировщик отмечен
    [tester_unmarked] Отметка тестировщика снята
    [user_blocked] Человек заблокирован
    [user_unblocked] Человек разблокирован
    [withdrawal_approved] Вывод одобрен
    [withdrawal_paid] Вывод выплачен
    [withdrawal_payment_claimed] Выплата вывода взята в работу
    [withdrawal_requested] Вывод запрошен
    [withdrawal_returned] Вывод возвращён
    [word_unwatched] Слово для предупреждений убрано
    [word_watched] Слово для предупреждений добавлено
   *[other] { $name }
}
