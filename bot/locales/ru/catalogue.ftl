buy-channel = 🛒 { $campaign }

    Осталось от бюджета: { $left }

    { $state ->
        [some] Выберите канал или отметьте несколько знаком ☐, чтобы купить сразу. Для поиска отправьте название или @имя.
        [empty] Подходящих каналов в продаже нет. Снимите фильтр:
       *[none] { $more ->
            [yes] Ни один из просмотренных каналов в этот день не свободен. Откройте следующую страницу.
           *[no] Сейчас каналов в продаже нет. Загляните позже.
        }
    }
buy-channel-row = { $title } · { $formats ->
    [one] { $price }
   *[other] от { $price }
}
buy-search-wrong = Для поиска отправьте начало названия или @имени, буквами и цифрами.
buy-ticks-full = Отметить можно не больше { $most } каналов. Сначала купите эти или снимите отметку.
buy-filters = 🔎 Фильтры{ $filters ->
    [0] {""}
   *[other] {" "}({ $filters })
}
buy-order = { $order ->
    [price] Цена за 1000 подписчиков
    [clicks] Цена перехода
    [growth] Рост за 30 дней
    [record] История владельца
   *[age] Новые
}
buy-order-now = ↕ { $order ->
    [price] Цена за 1000
    [clicks] Цена перехода
    [growth] Рост
    [record] История
   *[age] Новые
}
buy-order-ask = ↕ Какие каналы показывать первыми? Те, о которых это неизвестно, идут последними.
catalogue-title = { $number }. { $title }{ $name ->
    [none] {""}
   *[other] {" "}@{ $name }
}
catalogue-figures = { $formats ->
    [one] { $price }
   *[other] от { $price }
}{ $per ->
    [none] {""}
   *[other] {" "}· { $per }/1К
} · 👥 { $subscribers }{ $growth ->
    [none] {""}
   *[other] {" "}({ $growth })
}{ $ended ->
    [0] {""}
   *[other] {" "}· ✅ { $kept }/{ $ended }
}{ $answer ->
    [0] {""}
   *[other] {" "}· ⏱ { $answer } ч
}
catalogue-click = 🖱 { $price ->
    [none] цена перехода не измерялась
   *[other] { $price } за переход
}
catalogue-signs = /1К: за 1000 подписчиков · 👥 подписчики (за 30 дней) · ✅ сколько объявлений простояло, из всех · ⏱ обычное время ответа
filters = 🔎 Какие каналы показывать?
filters-reset = ♻️ Сбросить все фильтры
filter-ask = { $name ->
    [topic] О чём должен быть канал?
    [language] На каком языке канал?
    [price] Сколько может стоить самый дешёвый пост?
    [subscribers] Сколько должно быть подписчиков?
    [length] Сколько пост должен простоять?
   *[day] В какой день по вашему часовому поясу ({ $zone }) должно быть свободное время?
}
filter-any = не важно
filter-month = 📅 { $month }. В какой день у канала должно быть свободное время? Выберите день или отправьте дату, например 31.12.2030

    Ваш часовой пояс: { $zone }
filter-button = { $name ->
    [topic] Тема
    [language] Язык
    [price] Цена
    [subscribers] Подписчики
    [length] Срок
    [day] Свободен
    [favourites] ⭐ Только избранное
   *[words] Поиск
}: { $value }
filter-range = { $least ->
    [none] меньше { $most }
   *[other] { $most ->
        [none] от { $least }
       *[other] { $least } – { $most }
    }
}
filter-length = { $length ->
    [1] до 24 ч
    [2] до 48 ч
    [4] больше 48 ч
   *[8] ∞
}
favourite = { $marked ->
    [yes] ⭐ В избранном (убрать)
   *[no] ☆ В избранное
}
topic = { $topic ->
    [news] Новости
    [politics] Политика
    [city] Города и регионы
    [business] Бизнес
    [finance] Финансы
    [crypto] Криптовалюты
    [marketing] Маркетинг
    [work] Работа
    [technology] Технологии
    [science] Наука
    [education] Образование
    [psychology] Психология
    [entertainment] Развлечения
    [humour] Юмор
    [games] Игры
    [music] Музыка
    [films] Кино и сериалы
    [sport] Спорт
    [health] Здоровье
    [beauty] Красота и мода
    [food] Еда
    [home] Дом и семья
    [cars] Авто
    [travel] Путешествия
    [shopping] Покупки
    [blogs] Блоги
   *[other] Другое
}
topic-wrong = Выберите, пожалуйста, одну из тем ниже.
terms-topic-ask = О чём канал? Выберите самую подходящую тему: по ней ищут покупатели.
format-language = 🌐 Язык: { $language }
format-language-ask = 🌐 На каком языке «{ $title }»? По нему ищут покупатели.

many-open = 🛒 Купить отмеченные ({ $ticked })
many-format = 🛒 { $ticked ->
    [one] Отмечен { $ticked } канал.
    [few] Отмечено { $ticked } канала.
   *[other] Отмечено { $ticked } каналов.
} В каком формате публиковать? Канал, который не продаёт этот формат, пропускается.
many-cheapest = 💵 Самый дешёвый формат каждого канала
many-kind = { $kind } · { $found ->
    [one] в { $found } канале
   *[other] в { $found } каналах
}
many-when = 🕒 Когда опубликовать рекламу? Для каждого объявления выбирается свободное время его канала. Ваш часовой пояс: { $zone }.
many-rule = { $rule ->
    [soon] ⚡ Как можно скорее
    [evening] 🌆 Все в ближайший вечер
    [daily] 📅 По одному в день
   *[chosen] 🕒 Все в выбранное мной время
}
many-time-ask = 🕒 Выберите день, в который нужно опубликовать все объявления, или отправьте дату и время, например 31.12.2030 18:00. Каналы, где это время занято, в покупку не войдут.

    Ваш часовой пояс: { $zone }
many-table = 🛒 Проверьте, пожалуйста
many-line = { $number }. { $title } · { $kind } · { $price } · { $when }
many-refused = { $number }. { $title }{ $price ->
    [none] {""}
   *[other] {" "}· { $price }
} · ⛔ { $why ->
    [error-own-channel] это ваш канал
    [error-format-not-sold] не продаёт этот формат
    [error-channel-not-usable] сейчас не принимает размещения
    [error-promise-too-long] таймер удаляет посты слишком рано
    [error-time-not-free] нет свободного времени
    [error-no-free-time] нет свободного времени в ближайшие 7 дней
    [error-budget-exceeded] не хватает бюджета
    [error-insufficient-funds] не хватает денег в кошельке
    [error-terms-changed] только что изменил цену или формат
    [error-publish-time-past] это время прошло
    [error-person-blocked] сейчас не принимает размещения
    [error-campaign-not-active] кампания не идёт
   *[other] сейчас купить нельзя
}
many-sum =
    {""}
    { $found ->
        [0] Сейчас ни одного купить нельзя.
        [one] { $found } размещение за { $total }
        [few] { $found } размещения за { $total }
       *[other] { $found } размещений за { $total }
    }
    Останется от бюджета: { $left }, в кошельке: { $wallet }{ $missing ->
        [none] {""}
       *[other] . На все не хватает { $missing } в кошельке: пополните и вернитесь сюда.
    }

    Сначала отвечает каждый владелец, потом администратор проверяет объявление. Цена удерживается, когда администратор одобрит размещение.
many-buy = ✅ Отправить { $found ->
    [one] { $found } размещение
    [few] { $found } размещения
   *[other] { $found } размещений
} за { $total }
many-done = { $done ->
    [0] Ничего не отправлено.
    [one] ✅ Отправлено { $done } размещение. Сначала отвечает владелец.
    [few] ✅ Отправлено { $done } размещения. Сначала отвечают владельцы.
   *[other] ✅ Отправлено { $done } размещений. Сначала отвечают владельцы.
}{ $refused ->
    [0] {""}
   *[other] {" "}Эти пропущены, и за них ничего не списано:
}
many-again = 🛒 Выбрать другие каналы
