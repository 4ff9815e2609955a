withdrawal-fee = You get { $payable } of { $amount }. The fee is { $fee }.
withdrawal-to-pay = { $is_open ->
    [yes] 💸 Pay exactly { $payable }. The platform keeps the fee of { $fee }.
   *[no] The amount without the fee of { $fee } is { $payable }.
}
wallet-hold = ⏳ What your channels earned lately has to wait before it can be withdrawn. You can withdraw { $now } now.
wallet-hold-from = • { $amount } in all from { $at } on
error-fee-changed = The fee is { $fee } now. Nothing was changed. Look at the new question and confirm it, if you agree.
error-not-yet-withdrawable = You can't withdraw { $needed } yet: what your channels earned lately has to wait. You can withdraw { $left } now, or { $needed } from { $until } on. Nothing was changed.
