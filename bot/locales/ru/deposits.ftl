deposits = 💳 Пополнения, сначала новые:
deposits-none = 💳 Пополнений здесь нет.
deposits-wait = ⏳ { $count ->
    [one] { $count } пополнение ждёт зачисления
    [few] { $count } пополнения ждут зачисления
   *[other] { $count } пополнений ждут зачисления
}: { $amount }
deposits-row = #{ $id } · { $amount } · { $person } · { $source } · { $when } · { $status ->
    [received] ⏳ ждёт зачисления
    [credited] ✅ зачислено
   *[clawed_back] ↩️ отозвано вне площадки
}
    Номер платежа: { $charge }{ $provider ->
        [none] { "" }
       *[known] { " · " }у провайдера: { $provider }
    }
provider-charge = номер у провайдера { $id }
command-deposits = Последние пополнения
paysupport-payments = Ваши последние платежи. Нажмите на платёж, чтобы увидеть, что о нём нужно знать поддержке:
paysupport-write = ✍️ Написать в поддержку
own-payment-row = #{ $id } · { $when } · { $amount } · { $status ->
    [received] ⏳
    [credited] ✅
   *[clawed_back] ↩️
}
own-payment = 🧾 Платёж #{ $id }

    { $amount }, { $when }
    { $status ->
        [received] ⏳ Он пришёл и записан. Он будет зачислен, как только зачисление снова заработает.
        [credited] ✅ Он зачислен на ваш кошелёк.
       *[clawed_back] ↩️ Он отозван вне площадки.
    }

    Номер платежа в Telegram:
    { $charge }

    { $contact ->
        [none] Если что-то не так, отправьте этот номер тем, от кого вы знаете этого бота.
       *[other] Если что-то не так, отправьте этот номер: { $contact }.
    }
