payout-method = { $method ->
    [ton] TON
    [usdt_ton] USDT on TON
    [bank] bank account
   *[card] card
}
destinations-open = 💳 Where you are paid
destinations = 💳 Where you are paid. Only the admin who pays you reads an address in full.
destination-line = • { payout-method }: { $address }
destination-withdraw = 💸 Withdraw { $amount }
destination-set = ✏️ { payout-method }
destination-ask = { $method ->
    [ton] Send your address of TON in its friendly form: 48 characters, it usually begins with UQ or EQ.
    [usdt_ton] Send your address of TON for USDT in its friendly form: 48 characters, it usually begins with UQ or EQ.
    [bank] Send your bank account: an IBAN, or the numbers of the account and of the bank.
   *[card] Send the number of your card. Never send its code or its date.
}
destination-wrong = { $why ->
    [length] That has not the right length. Please copy it once more, whole.
    [letters] That has characters which no such address has. Please copy it once more.
    [checksum] At least one character of it is wrong: its check digits do not fit. Please copy it once more.
   *[test_network] That is an address of the test network, where money is worth nothing. Send the one of the main network.
}
destination-sure = 💳 You will be paid to this address ({ payout-method }):

    { $address }

    Compare every character: money that was paid to a wrong address does not come back.
destination-confirm = ✅ It is exactly right
destination-again = ✏️ Type it again
destination-needed = 💳 First say where you are paid. Then ask for the withdrawal again.
destination-not-me = 🔒 It was not me
destination-to-pay = 💳 Withdrawal #{ $id }: pay { $amount } by { payout-method } to

    { $address }

    Then write in the admin chat: /paid { $id } REFERENCE
destination-sent = I sent you the address in our private chat.
destination-no-private = I can't write to you in private, so you can't get the address. Open a chat with me, write /start, then press again.
withdraw-to = ✅ { $amount } to { payout-method } { $address }
withdrawal-method = Pay by: { payout-method }. Once it is approved, “Mark as paid” sends you the address in private.
withdrawal-dropped = ⛔ Do not pay it: the person has dropped their address ({ payout-method }), which somebody else may have changed. Ask the person, then give it back.
notice-destination-changed = 💳 Your address for payments by { payout-method } was changed. Withdrawals go to the new one after 24 hours. If this was not you, press the button: then nothing goes there.
notice-destination-dropped = 💳 { $person } has dropped their address for payments by { payout-method }. Somebody else may have changed it. Do not pay open withdrawals of this person before you have asked them: /withdrawals
error-destination-missing = This address does not count any more, or is not confirmed. Nothing was changed. Choose one: 💰 Wallet → 💳 Where you are paid
error-destination-dropped = Withdrawal #{ $withdrawal_id } can't be approved or paid: the person has dropped its address. Ask the person, then give it back: /withdrawals. Nothing was changed.
error-destination-too-new = This address was changed. Withdrawals can go there from { $until } on. Nothing was changed.
error-destination-unreadable = The address can't be read: its key is missing, or somebody has changed the row. Do not pay. Tell the operators: adtech check. Nothing was changed.
