payout-wait = 🔁 “{ $title }” has another creator than the owner who has sold placements there (Telegram id { $owner }). { $placements ->
    [one] { $placements } placement
   *[other] { $placements } placements
} with { $amount } in escrow: { $state ->
    [open] nobody is paid until an admin decides. Ask the owner who has the channel now. If the owner still answers for the posts, press the button. A post that is deleted early is refunded in any case.
    [paid] an admin has decided that the owner is paid as agreed.
   *[other] Telegram names the owner as the creator again, so the owner is paid as agreed.
}
payout-wait-pay = 💰 Pay as agreed
payout-wait-question = Pay the former owner of “{ $title }” for { $placements ->
    [one] { $placements } placement
   *[other] { $placements } placements
} ({ $amount } with the fee), each after its promised hours? This can't be taken back.
payout-wait-sure = 💰 Yes, pay as agreed
notice-payouts-wait = 🔁 Telegram names another creator of “{ $title }”. Your payouts for { $placements ->
    [one] { $placements } placement
   *[other] { $placements } placements
} there ({ $amount } with the fee) wait until an admin has looked. You need not do anything; if you have questions: /paysupport
error-payout-waits = The payout for this placement waits until an admin has decided, because the channel has another creator. Nothing was changed.
