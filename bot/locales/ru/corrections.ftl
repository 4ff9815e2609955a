corrections = 🛠 Исправления, которые ждут, сначала старые:
corrections-none = ✅ Ни одно исправление не ждёт. Исправление предлагают в командной строке: adtech propose
corrections-row = #{ $id } · { $kind } · { $status ->
    [proposed] ждёт второго администратора
   *[confirmed] ждёт adtech repair
}
correction-card = 🛠 Исправление #{ $id }: { $kind }
correction-change = { $kind ->
    [adjustment] { $amount } переходит из кошелька { $wallet } в кошелёк { $other }.
    [balance_reset] Остаток кошелька { $wallet } устанавливается по его последней записи: сейчас { $before }, станет { $after }.
    [orphan_entry] Запись { $entry } ({ $amount }) кошелька { $wallet } дополняется до перевода, а второй перевод отменяет его. Остатки не меняются.
    [missing_payout] Размещение #{ $target } ({ $amount }; эскроу { $escrow }, пост { $job }): { $payout } получает владелец, { $fee } — площадка.
   *[escrow_reversal] Размещение #{ $target } ({ $amount }; эскроу { $escrow }, пост { $job }) удерживается снова, а затем выплачивается или возвращается, как любое другое.
}
correction-proposed = Предложил { $by } ({ $roles }), { $when }.
    Причина: { $reason }
staff-role = { $role ->
    [admin] администратор
    [operator] оператор
    [super_admin] главный администратор
   *[none] уже без роли
}
correction-wallet = 🔍 Кошелёк { $id } ({ $kind ->
    [user] доступные деньги
    [escrow] эскроу
    [withdrawal] вывод
    [revenue] комиссии
    [external] внешний мир
    [loss] убыток
   *[other] { $kind }
}{ $person ->
    [none] {""}
   *[other] {""}, { $person }
}): остаток { $balance }, сумма записей { $sum }.
correction-finding = • { $finding ->
    [missing_version] перед этой записью не хватает записи
    [wrong_running_balance] неверный остаток после записи
    [unbalanced_transfer] перевод, сумма которого не равна нулю
    [orphan_entry] одиночная запись, которой нет в остатке
    [not_in_balance] верная запись, которой нет в остатке
    [corrected_orphan] одиночная запись, которую дополнило исправление
    [drifted_balance] остаток не совпадает с остатком последней записи
   *[other] { $finding }
}{ $count ->
    [0] {""}
    [one] : запись { $entries }
   *[other] : записи { $entries }
}
correction-sound = Всё сходится.
correction-state = { $status ->
    [proposed] ⏳ Ждёт другого администратора, не того, кто предложил.
    [confirmed] ✅ Подтвердил { $by }: { $reason }. Ещё не выполнено.
    [done] ✅ Выполнено. Подтвердил { $by }: { $reason }.{ $applier ->
            [none] {""}
           *[other] {" "}Применил { $applier }.
        }
   *[dropped] ✖️ Отклонено. Ничего не изменилось.
}
correction-repair = Теперь выполните в командной строке с MIGRATION_DATABASE_URL: adtech repair { $id } --as ВАШ_ID
    Если за 72 часа никто этого не сделает, исправление закончится.
correction-then-repair = Само подтверждение ничего не меняет. После него выполните: adtech repair { $id } --as ВАШ_ID
correction-then-check = Теперь проверьте: /ledger, затем /incidents
correction-confirm = ✅ Подтвердить
correction-refuse = ✖️ Отклонить
correction-open = 🔎 Открыть исправление
correction-confirm-why = Почему это верно? Нажатие на причину подтверждает исправление. Чтобы написать свою причину:
    /confirm { $id } ПРИЧИНА
correction-refuse-why = Почему нет? Нажатие на причину отклоняет исправление. Чтобы написать свою причину:
    /refuse { $id } ПРИЧИНА
correction-reason = { $reason ->
    [entries] Записи проверены
    [outside] Видел подтверждение вне площадки
    [channel] Видел пост в канале
    [wrong] Ошибка в другом
    [cause] Причина ещё не известна
    [again] Больше не нужно
    [ended] За 72 часа никто не подтвердил, или у предложившего больше нет роли
    [not_repaired] За 72 часа после подтверждения никто не выполнил adtech repair, или у одного из двух администраторов больше нет роли. Если исправление ещё нужно, предложите его снова
   *[other] { $reason }
}
correction-why = Причина: { $reason }
correction-usage = Как пользоваться:
    /confirm ИСПРАВЛЕНИЕ ПРИЧИНА
    /refuse ИСПРАВЛЕНИЕ ПРИЧИНА

    Например: /confirm 12 так в выписке банка. Что ждёт: /corrections
correction-moved-on = Это уже решено. На карточке показано нынешнее состояние. Ничего не изменилось.
command-corrections = Исправления, которые ждут
command-confirm = Подтвердить исправление
command-refuse = Отклонить исправление
