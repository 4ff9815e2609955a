wallet = 💰 Кошелёк

    Доступно: { $available }
    Удержано для размещений: { $held }
wallet-leaving = Выводится: { $leaving }
wallet-withdraw = 🏦 Вывести
wallet-withdrawals = 📤 Мои выводы
wallet-top-up = ➕ Пополнить
wallet-statement = 📄 Выписка
statement = 📄 Выписка, сначала новое
statement-none = 📄 Движений ещё не было.
statement-line = { $at }
    { $reason ->
        [deposit] Пополнение
        [escrow_hold] Удержано за размещение #{ $id }
        [payout] Оплата за размещение #{ $id }
        [refund] Возврат за размещение #{ $id }
        [withdrawal_hold] Вывод
        [withdrawal_return] Возврат вывода
        [clawback] Платёж отозван
        [adjustment] Исправление
       *[other] { $reason }
    }: { $amount }
    Остаток: { $after }
top-up-ask = На сколько пополнить? Например: { $example }
invoice-title = Пополнение кошелька
invoice-description = { $amount } в ваш рекламный кошелёк
top-up-limits = Пополнить можно на сумму от { $least } до { $most }. Отправьте другую сумму.
invoice-refused = Telegram не принимает счёт на такую сумму. Попробуйте другую.
deposit-waits = ✅ Ваш платёж на { $amount } пришёл и записан. Зачисление сейчас остановлено. Платёж зачислится в ваш кошелёк автоматически.
payment-foreign = Этот счёт выставлен другому человеку. Создайте свой: 💰 Кошелёк → ➕ Пополнить.
payment-outdated = Этот счёт больше не действует. Выставьте новый: 💰 Кошелёк → ➕ Пополнить. Деньги не списаны.
payment-later = Сейчас мы не можем принять платёж. Попробуйте через минуту; деньги не списаны.
