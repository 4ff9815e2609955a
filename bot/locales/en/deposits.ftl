deposits = 💳 Deposits, the newest first:
deposits-none = 💳 No deposits here.
deposits-wait = ⏳ { $count ->
    [one] One deposit waits to be credited
   *[other] { $count } deposits wait to be credited
}: { $amount }
deposits-row = #{ $id } · { $amount } · { $person } · { $source } · { $when } · { $status ->
    [received] ⏳ waits to be credited
    [credited] ✅ credited
   *[clawed_back] ↩️ reversed outside of the platform
}
    Charge id: { $charge }{ $provider ->
        [none] { "" }
       *[known] { " · " }provider's id: { $provider }
    }
provider-charge = the provider's id { $id }
command-deposits = The latest deposits
paysupport-payments = Your latest payments. Press one to see what the support needs to know about it:
paysupport-write = ✍️ Write to the support
own-payment-row = #{ $id } · { $when } · { $amount } · { $status ->
    [received] ⏳
    [credited] ✅
   *[clawed_back] ↩️
}
own-payment = 🧾 Payment #{ $id }

    { $amount }, { $when }
    { $status ->
        [received] ⏳ It has arrived and is recorded. It is credited as soon as crediting runs again.
        [credited] ✅ It was credited to your wallet.
       *[clawed_back] ↩️ It was taken back outside of the platform.
    }

    Telegram's id of the payment:
    { $charge }

    { $contact ->
        [none] If something is wrong, send this id to the people from whom you know this bot.
       *[other] If something is wrong, send this id to { $contact }.
    }
