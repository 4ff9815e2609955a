channel-facts = 👥 { $subscribers } { $subscribers ->
    [one] подписчик
    [few] подписчика
   *[other] подписчиков
} · { $name ->
    [none] закрытый, без публичного имени
   *[other] https://t.me/{ $name }
}{ $picture ->
    [yes] {""}
   *[no] {" "}· без картинки
}
channel-facts-about = ℹ️ { $description }
channel-facts-timer = ⏱ Telegram удаляет новые посты через { $hours ->
    [one] { $hours } час
    [few] { $hours } часа
   *[other] { $hours } часов
}
channel-facts-protected = 🔒 Посты нельзя переслать или сохранить
channel-facts-age = По данным Telegram на { $at }
channel-facts-unread = Скоро бот спросит Telegram об этом канале
channel-facts-rights = Что мне там можно: { $rights }
channel-right = { $right ->
    [can_post_messages] публиковать
    [can_edit_messages] менять чужие посты
    [can_delete_messages] удалять чужие посты
   *[other] ничего
}
channel-facts-short = ⛔ Пост был бы удалён раньше, чем пройдёт обещанное время ({ $promised } ч), поэтому размещение никто не может купить. Выключите автоудаление в настройках канала или укажите не больше { $most } ч в «✏️ Цена и условия».
channel-open = 📺 Открыть канал
buy-channel-short = ⛔ { $row }
error-promise-too-long = В этом канале Telegram удаляет новые посты по таймеру автоудаления, поэтому обещать можно не больше { $limit } ч, а не { $promised_hours }. Если вы рекламодатель, выберите другой канал. Если вы владелец, укажите меньше часов или выключите таймер в настройках канала.
notice-channel-timer-short = ⏱ «{ $title }»: теперь Telegram удаляет новые посты через { $hours ->
    [one] { $hours } час
    [few] { $hours } часа
   *[other] { $hours } часов
}. { $broken ->
    [0] Пока канал обещает больше, купить там размещение нельзя.
    [one] { $broken } открытому размещению обещано больше.
    [few] { $broken } открытым размещениям обещано больше.
   *[other] { $broken } открытым размещениям обещано больше.
} { $to ->
    [owner] Выключите автоудаление в настройках канала или укажите меньше часов в «✏️ Цена и условия». За пост, который удалён раньше времени, вам не платят.
   *[staff] { $broken ->
        [0] Владельцу сообщено.
       *[other] Владельцу и рекламодателям сообщено.
    } Сейчас ничего делать не нужно: за пост, удалённый раньше времени, деньги возвращаются.
}
notice-placement-timer-short = ⏱ В канале { $channel } включён таймер автоудаления: Telegram удаляет новые посты через { $hours ->
    [one] { $hours } час
    [few] { $hours } часа
   *[other] { $hours } часов
}, а размещению № { $id } обещано { $promised ->
    [one] { $promised } час
    [few] { $promised } часа
   *[other] { $promised } часов
}. Уже опубликованный пост обычно остаётся. Если ваш пост удалят раньше времени, деньги вернутся. Пока размещение ждёт ответа, его можно отозвать.
