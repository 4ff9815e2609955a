deposits = 💳 Deposits, the newest first:
deposits-none = 💳 No deposits here.
deposits-wait = ⏳ { $count ->
    [one] One deposit waits to be credited
   *[other] { $count } deposits wait to be credited
}: { $amount }
deposits-row = #{ $id } · { $amount } · { $person } · { $source } · { $when } · { $status ->
    [received] ⏳ waits to be credited
    [credited] ✅ credited
    [returned] ↩️ given back to its payer
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
    [returned] ↩️
   *[clawed_back] ↩️
}
own-payment = 🧾 Payment #{ $id }

    { $amount }, { $when }
    { $status ->
        [received] ⏳ It has arrived and is recorded. It is credited as soon as crediting runs again.
        [credited] ✅ It was credited to your wallet.
        [returned] ↩️ It was given back to you in Telegram Stars.
       *[clawed_back] ↩️ It was taken back outside of the platform.
    }
    { $returned ->
        [requested] ⏳ It is on its way back to you. Its money is held; Telegram gives the Stars back, usually within a minute.
        [sending] ⏳ It is on its way back to you. Its money is held; Telegram gives the Stars back, usually within a minute.
        [uncertain] ⏳ It is on its way back to you. Telegram has not said clearly yet whether the Stars are back. We look again and will write to you; you don't have to do anything.
        [refused] It was not given back when you asked for it, and its money is back in your wallet. You can ask again.
       *[none] { "" }
    }

    Telegram's id of the payment:
    { $charge }

    { $contact ->
        [none] If something is wrong, send this id to the people from whom you know this bot.
       *[other] If something is wrong, send this id to { $contact }.
    }
give-back = ↩️ Give this payment back
give-back-question = ↩️ Give payment #{ $id } back?

    { $amount }, paid { $when }

    The whole payment leaves your wallet, and Telegram gives you the Stars back. A payment is given back whole and once; this cannot be undone.
give-back-yes = ↩️ Yes, give { $amount } back
give-back-refused = Payment #{ $id } can't be given back now. { $reason }
