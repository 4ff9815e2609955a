wallet = 💰 Wallet

    Available: { $available }
    Held for placements: { $held }
wallet-leaving = On its way to you: { $leaving }
wallet-loss = ⚠️ You owe { $loss }: a payment was taken back after its money was spent, or a withdrawal was paid twice. Until you have paid this back, you can neither buy nor withdraw, and no open withdrawal or placement is approved. Please write to the support: /paysupport
wallet-withdraw = 🏦 Withdraw
wallet-withdrawals = 📤 My withdrawals
wallet-top-up = ➕ Top up
wallet-statement = 📄 Statement
statement = 📄 Statement, newest first
statement-none = 📄 There are no movements yet.
statement-line = { $at }
    { $reason ->
        [deposit] Top-up
        [escrow_hold] Held for placement #{ $id }
        [payout] Paid for placement #{ $id }
        [refund] Back from placement #{ $id }
        [withdrawal_hold] Withdrawal
        [withdrawal_return] Withdrawal returned
        [clawback] Payment reversed
        [excess_payment] Withdrawal paid in excess
        [adjustment] Adjustment
        [return_hold] Payment on its way back
        [return_refused] Payment was not given back
       *[other] { $reason }
    }: { $amount }
    Balance: { $after }
top-up-ask = How much would you like to top up? Choose, or send an amount, for example: { $example }{ $stars ->
        [yes] { "" }

            You pay with Telegram Stars. If you have too few, Telegram offers to buy more. Should the app on your computer refuse, buy them on your phone: Settings → Telegram Stars. Then pay the invoice here.
       *[no] { "" }
    }
invoice-title = Wallet top-up
invoice-description = { $amount } for your advertising wallet
top-up-limits = A top-up can be from { $least } to { $most }. Please send another amount.
invoice-refused = Telegram does not take an invoice of this amount. Please try another one.
deposit-waits = ✅ Your payment of { $amount } has arrived and is recorded. Crediting is stopped at the moment. The payment will be credited to your wallet automatically.
payment-foreign = This invoice was made for somebody else. Please make your own: 💰 Wallet → ➕ Top up.
payment-outdated = This invoice is no longer valid. Please make a new one: 💰 Wallet → ➕ Top up. No money was taken.
payment-later = We can't take payments at this moment. Please try again in a minute; no money was taken.
