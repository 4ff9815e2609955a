withdrawals = 🏦 Withdrawals that wait, the oldest first:
withdrawals-none = ✅ No withdrawal waits.
withdrawals-row = #{ $id } · { $amount } · { $person } · { $status ->
    [requested] new
    [approved] approved
    [blocked] blocked
   *[other] { $status }
} · { $age }
age = { $unit ->
    [minutes] { $count } min
    [hours] { $count } h
   *[days] { $count } d
}
withdrawal-restored = ⚠️ A backup of the database was restored after this request. It may have been paid already: ask the bank before you pay it. If it was paid, record that payment.
withdrawal-card = 🏦 Withdrawal #{ $id }

    Amount: { $amount }
    Person: { $person }
    Asked for: { $when } ({ $age } ago)
withdrawal-status = { $status ->
    [requested] ⏳ Waits for a decision.
    [blocked] ⏳ Waits: the person is blocked and can't be approved.
    [approved] ✅ Approved by { $by }. Pay it outside of the platform, then mark it as paid.
    [paid] 💸 Paid, marked by { $by }. Reference: { $reference }
   *[returned] ↩️ Given back.
}
withdrawal-must-wait = { $loss ->
    [none] ⛔ Do not pay it: the person has been blocked since the approval.
   *[amount] ⛔ Do not pay it: payments of this person were taken back, and { $loss } of them is missing.
} Give it back, or wait until the question is settled.
withdrawal-paying = 💳 { $by } is paying it now. Please do not pay it too.
withdrawal-returned-why = Why: { $reason ->
    [cancelled] the person took it back
    [clawed_back] a payment of theirs was reversed
    [details] no details where to pay
    [suspicion] something has to be clarified first
    [rules] against the rules
   *[text] { $reason }
}
withdrawal-sources = Paid from (first in, first out; the newest first):
withdrawal-source = • { $amount }, { $when }, { $reason ->
    [deposit] payment #{ $id }
    [payout] placement #{ $id } of advertiser { $advertiser }
    [refund] back from placement #{ $id }
    [withdrawal_return] withdrawal #{ $id }, given back
    [return_refused] payment that was not given back
    [adjustment] correction #{ $id }
   *[other] { $reason } #{ $id }
}
withdrawal-source-compared = { $result ->
    [listed] ✅ in Telegram's list
    [accepted] ⚠️ not in Telegram's list, its incident was closed
    [not_covered] older than Telegram's list
    [taken_back] ↩️ reversed outside of the platform
   *[waits] ⏳ not compared with Telegram yet
}
withdrawal-sources-more = … and { $count } more
withdrawal-sources-uncompared = Payments in { $currency } can't be compared with Telegram's list. Compare them with the provider's.
withdrawal-approve = ✅ Approve
withdrawal-approve-question = Approve it? Then { $amount } is to be paid outside of the platform, and the person can't take it back any more.
withdrawal-approve-sure = ✅ Yes, approve it
withdrawal-approve-again = 🔁 Try again
withdrawal-paid-before = 🧾 Already paid: record it
withdrawal-mark-paid = 💸 Mark as paid
withdrawal-return = ↩️ Reject: give it back
withdrawal-open = 🔎 Open the withdrawal
withdrawal-ask-reference = Have you paid it outside of the platform? Send the reference of that payment at the bank or the provider. Each withdrawal has its own reference:
    /paid { $id } REFERENCE
withdrawal-paid-usage = Usage: /paid WITHDRAWAL REFERENCE, for example /paid 12 wire-0815. The reference is the id of the payment at the bank or the provider.
withdrawal-ask-payment-reason = This withdrawal is not approved, or it has ended already. Two admins together record such a payment. Nothing was changed yet. Send the command again, with the reason in a second line:
    /paid { $id } { $reference }
    REASON
withdrawal-reference-taken = Another withdrawal has that reference, or #{ $id } is paid under another one. Nothing was changed; look at its card: /withdrawals
withdrawal-ask-reason = Why is it given back? Pressing a reason gives the money back, and the person is told the reason. To write your own reason:
    /return { $id } REASON
withdrawal-reason-button = { $reason ->
    [details] No details where to pay
    [suspicion] Something has to be clarified first
   *[rules] Against the rules
}
withdrawal-return-usage = Usage: /return WITHDRAWAL REASON, for example /return 12 the bank sent it back. The person is told the reason.
withdrawal-moved-on = This has been decided already. Nothing was changed.
withdraw-ask = { $enough ->
    [yes] How much would you like to withdraw? Available: { $available }{ $limited ->
        [yes] . The smallest withdrawal: { $least }
       *[no] {""}
    }
   *[no] You can withdraw once you have { $least }. Available now: { $available }
}
withdraw-too-much = That is more than you have: { $available } is available.
withdraw-too-little = The smallest withdrawal is { $least }.
withdraw-sure = 🏦 Withdraw { $amount }?

    The money leaves your wallet at once. It is paid after an admin has checked the withdrawal, usually within { $days ->
        [one] { $days } day
       *[other] { $days } days
    }. Left after that: { $left }
withdraw-sure-button = ✅ Yes, withdraw { $amount }
my-withdrawals = 📤 Your withdrawals, newest first
my-withdrawals-none = 📤 You have not withdrawn anything yet.
my-withdrawal = #{ $id }: { $amount }, asked for { $when }
    { $status ->
        [requested] ⏳ Waits for an admin.
        [approved] ✅ Approved, on its way to you.
        [paid] 💸 Paid. Reference: { $reference }
       *[returned] ↩️ Back in your wallet. { $reason }
    }
withdrawal-cancel-question = Take back withdrawal #{ $id }? { $amount } goes back into your wallet, and the withdrawal ends.
withdrawal-cancel-sure = ✖️ Yes, take it back
withdrawal-take-back = ✖️ Take back #{ $id } ({ $amount })
command-withdrawals = Withdrawals that wait
command-paid = Mark a withdrawal as paid
command-return = Give a withdrawal back
