missed = 📬 While you were away
missed-line = { $number }. { $text }
missed-more = … and { $count ->
    [one] { $count } more notice
   *[other] { $count } more notices
}. The wallet and the lists of placements show everything.
missed-menu = 🏠 Menu
