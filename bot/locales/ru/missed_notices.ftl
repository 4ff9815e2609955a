missed = 📬 Пока вас не было
missed-line = { $number }. { $text }
missed-more = … и ещё { $count ->
    [one] { $count } сообщение
    [few] { $count } сообщения
   *[other] { $count } сообщений
}. Всё видно в кошельке и в списках размещений.
missed-menu = 🏠 Меню
