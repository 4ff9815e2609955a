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
