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
