requests = 👥 Запросы сотрудников, которые ждут, сначала старые:
requests-none = ✅ Ни один запрос не ждёт. Запросы приходят из командной строки (adtech) или от /grant и /revoke.
requests-row = #{ $id } · { $kind } · { $status ->
    [unacknowledged] ждёт автора запроса
   *[proposed] ждёт второго человека
}
request-kind = { $kind ->
    [run_switch] запустить переключатель
    [block] заблокировать
    [unblock] разблокировать
    [block_staff] заблокировать сотрудника
    [unblock_staff] разблокировать сотрудника
    [retry_payment] повторить платёж
    [correction] предложить исправление
    [repair] выполнить исправление
    [grant_role] выдать роль
    [revoke_role] отозвать роль
    [record_payment] записать выплату
    [mark_tester] отметить тестировщика
    [unmark_tester] снять отметку тестировщика
    [clean_up_tester] убрать за тестировщиком
    [launch] проверить запуск
   *[clawback] забрать отозванное пополнение
}
request-card = 👥 Запрос #{ $id }: { $what }
request-what = { $kind ->
    [run_switch] снова запустить переключатель { $key }
    [block] заблокировать { $person }
    [unblock] разблокировать { $person }
    [block_staff] заблокировать { $person }, у кого есть роль сотрудника. Ни одна роль этого человека больше не действует
    [unblock_staff] разблокировать { $person }, у кого есть роль сотрудника. Роли этого человека снова действуют
    [retry_payment] обработать отложенное обновление { $update } ещё раз
    [correction] предложить исправление: { $correction } ({ $details })
    [repair] подписать исправление #{ $correction }. Затем книгу изменит команда adtech repair { $correction } --as ВАШ_ID
    [grant_role] выдать { $person } роль: { $role }
    [revoke_role] отозвать у { $person } роль: { $role }
    [record_payment] записать, что вывод #{ $withdrawal } для { $person } выплачен снаружи ({ $reference }), хотя он не был одобрен или уже завершён. Чего не хватит в кошельке, станет убытком.
    [mark_tester] отметить { $person } как тестировщика: отчёты больше не учитывают кампании, размещения и пополнения этого человека
    [unmark_tester] снова учитывать действия { $person } в отчётах
    [clean_up_tester] убрать за тестировщиком { $person }: отменить кампании, удалить черновики и запросить вывод денег из кошелька
    [launch] проверить фазу { $phase } запуска. Затем, в течение 72 часов, проверки выполнит команда adtech launch next --as ВАШ_ID (или launch check)
   *[clawback] забрать пополнение { $charge }, потому что плательщик отозвал платёж. Плательщик блокируется.
}
request-fact = { $name ->
    [wallet_id] кошелёк { $value }
    [from_wallet] из кошелька { $value }
    [to_wallet] в кошелёк { $value }
    [amount] сумма { $value }
    [entry_id] запись { $value }
   *[target_id] размещение #{ $value }
}
request-by = Запрошено от имени { $by }, { $when }.
    Причина: { $reason }
request-reason = { $reason ->
    [requested] вывод никто не одобрил
    [paid] вывод уже выплачен, с другим номером платежа
    [returned] деньги вывода уже возвращены
    [repaired] причина устранена
   *[other] { $reason }
}
request-state = { $status ->
    [unacknowledged] ⏳ Это набрано в командной строке. { $requester }, это были вы? Пока вы не подтвердите, ничего не произойдёт.
    [proposed] ⏳ Ждёт второго человека, но не { $requester }.
    [done] ✅ Выполнено: { $by }.
   *[dropped] { $by ->
        [system] ✖️ Закрыт: за 72 часа никто не решил, или у { $requester } больше нет роли. Ничего не изменилось.
       *[other] ✖️ Отказано: { $by }. Ничего не изменилось.
    }
}
request-new-state = 👥 Запрос #{ $id }: { $state } Новая карточка приходит отдельным сообщением.
request-mine = ✅ Это был(а) я
request-yes = ✅ Подтвердить
request-not-mine = ✖️ Это был(а) не я
request-no = ✖️ Отказать
request-question = { $act ->
    [confirm] Подтвердить запрос #{ $id }? Тогда это произойдёт сразу: { $what }
   *[drop] Отказать в запросе #{ $id }? Тогда он закончится, и этого не произойдёт: { $what }
}
request-sure = { $act ->
    [confirm] ✅ Да, подтвердить
   *[drop] ✖️ Да, отказать
}
request-moved-on = Это уже решено. Ничего не изменилось.
staff-list = 👥 Сотрудники:
staff-line = • { $person }: { $roles }{ $blocked ->
    [yes] {" "}(заблокирован, роли не действуют)
   *[no] {""}
}
role-usage = Чтобы изменить роль:
    /grant ЧЕЛОВЕК РОЛЬ ПРИЧИНА
    /revoke ЧЕЛОВЕК РОЛЬ ПРИЧИНА

    ЧЕЛОВЕК — Telegram id того, кто уже пользовался ботом. Роли: { $roles }. Подтверждает второй главный администратор.
notice-role-reconciled = { $change ->
    [granted] 👥 { $person } теперь главный администратор: он есть в SUPER_ADMIN_IDS.
    [revoked] 👥 { $person } больше не главный администратор: его больше нет в SUPER_ADMIN_IDS.
    [kept_granted] 👥 { $person } больше нет в SUPER_ADMIN_IDS, но эту роль выдали два человека, поэтому она остаётся. Чтобы отозвать её: /revoke
   *[kept_revoked] 👥 { $person } есть в SUPER_ADMIN_IDS, но два человека отозвали эту роль, поэтому она остаётся отозванной. Уберите id из SUPER_ADMIN_IDS или выдайте роль: /grant
}
notice-staff-blocked = { $blocked ->
    [yes] 🚨 { $person }, у кого есть роль сотрудника, заблокирован. Ни одна роль этого человека больше не действует.
   *[no] 🚨 { $person }, у кого есть роль сотрудника, больше не заблокирован. Роли этого человека снова действуют.
}
command-requests = Запросы сотрудников, которые ждут
command-staff = У кого какая роль
command-grant = Запросить роль для человека
command-revoke = Запросить отзыв роли
notice-excess-payment = { $to ->
    [staff] 🚨 Вывод #{ $id } для { $person } ({ $amount }) выплачен снаружи, но денег в нём уже не было. Снято с кошелька: { $recovered }. Убыток площадки: { $loss }.
   *[person] ↩️ Ваш вывод #{ $id } ({ $amount }) выплачен, хотя его деньги уже не были отложены. Снято с кошелька: { $recovered }. Осталось вернуть: { $loss }.
}
