clicks-button = 🔗 Переходы: { $counted ->
    [yes] считаются
   *[no] не считаются
}
clicks-choice = 🔗 Переходы по объявлению «{ $campaign }»

    { $counted ->
        [yes] ✅ В новых размещениях переходы считаются.
       *[no] Переходы не считаются.
    }

    Если их считать, ссылки объявления в каждом новом размещении ведут через { $base }, а оттуда на ваш адрес. Владелец канала и администраторы видят и то, и другое. Текст не меняется.
clicks-choice-counted = Считаются:
clicks-choice-others = Не считаются, потому что читатель видит сам адрес или его открывает Telegram:
clicks-choice-none = ⚠️ В этом объявлении нет ссылки, переходы по которой можно считать. Адрес, который стоит в тексте словами, остаётся как есть. Поставьте его на кнопку или сделайте ссылкой слова.
clicks-choice-telegram = Ссылка на t.me, если её считать, сначала открывает браузер.
clicks-choice-later = Уже отправленные размещения остаются как есть.
clicks-choice-unavailable = Оператор этого бота не настроил подсчёт переходов.
clicks-on = ✅ Считать переходы
clicks-off = Не считать переходы
clicks-more = … и ещё { $count }
clicks-target = • { $address } → { $url }
clicks-link = • { $url }
clicks-in-offer = 🔗 Переходы по этому объявлению считаются. Его ссылки ведут сюда:
links-button = 🔗 Объявление и куда ведут ссылки
links-shown = 👆 Это объявление размещения #{ $id } в точности так, как оно публикуется. Его ссылки с подсчётом ведут сюда:
links-none = 👆 Это объявление размещения #{ $id } в точности так, как оно публикуется. Переходы не считаются, поэтому ссылки ведут прямо на свои адреса.
results-button = 📊 Результат
results-button-campaign = 📊 Результаты
results-placement = 📊 Размещение #{ $id } · { $channel }
results-campaign = 📊 { $campaign }
results-nothing = Пока ничего не известно: пост не опубликован.
results-nothing-campaign = Пока ничего не известно: ни один пост этой кампании не опубликован.
results-published = Опубликовано: { $at }
results-price = Цена: { $price }{ $back ->
    [none] {""}
   *[other] {" "}(возвращено { $back })
}
results-kept = Пост видели в канале: { $hours } ч из { $promised } ч
results-subscribers = Подписчиков в то время: { $subscribers } (на { $day })
results-subscribers-unknown = Подписчиков в то время: неизвестно
results-reactions = ❤️ Реакций: { $counted ->
    [0] Telegram пока не сообщил ни одной
   *[other] { $posts ->
        [1] { $reactions }
       *[other] всего { $reactions }; медиана по постам с известным числом реакций ({ $counted }): { $median }
    }
}
results-clicks = Переходов: { $clicks }
results-price-per-click = Цена перехода: { $price }
results-left-out = Не учтено: повторных переходов { $repeats }, запросов программ { $bots }
results-not-counted = Переходы не считались. Для новых размещений подсчёт включается в кампании под «🔗 Переходы».
results-none-clicked = Переходов пока нет.
results-days = По дням (UTC):
results-day = { $day }: { $clicks }
results-days-earlier = Раньше: { $clicks }
results-sum = { $placements ->
    [one] { $placements } опубликованное размещение
    [few] { $placements } опубликованных размещения
   *[other] { $placements } опубликованных размещений
}, вместе { $price }
results-row = • #{ $id } { $channel }: { $price }{ $back ->
    [none] {""}
   *[other] {" "}(возвращено { $back })
}, { $hours } ч, { $tracked ->
    [yes] переходов { $clicks }
   *[no] переходы не считались
}
results-rows-more = … и ещё { $count } в таблице
results-rules = Как считаются переходы: первый переход человека за день (UTC). Повторные переходы и программы не учитываются.
results-picture = 🖼 Картинка
results-table = 📄 Таблица (CSV)
results-report = 🖨 Отчёт
results-refresh = 🔄 Обновить
results-caption = 📊 Переходы по дням (UTC): всего { $clicks }
results-no-picture = Переходов пока нет, рисовать нечего.
results-file = 📎 { $form ->
    [table] Таблица. Она открывается в любой программе для таблиц.
   *[report] Отчёт на одной странице. Откройте его в браузере: оттуда его можно напечатать или сохранить как PDF.
}
notice-result = 📊 { $counted ->
    [yes] Переходов: { $clicks }{ $price ->
        [none] {""}
       *[other] , по { $price }
    }.{" "}
   *[no] {""}
}Всё, что о нём известно, — под «📊 Результат».
result-page-title-placement = Результат размещения #{ $id }
result-page-title-campaign = Результаты кампании «{ $campaign }»
result-page-made = Составлено { $at }
result-page-column = { $name ->
    [placement] Размещение
    [channel] Канал
    [published] Опубликовано
    [price] Цена
    [kept] Часов видели
    [subscribers] Подписчики
    [reactions] Реакции
    [median-reactions] Реакций на пост (медиана)
    [clicks] Переходы
   *[price-per-click] Цена перехода
}
result-page-clicks-by-day = Переходы по дням (UTC)
result-page-not-counted = не считались
result-page-back = возвращено { $amount }
result-page-unknown = неизвестно
result-page-how = Переход — это первое посещение человека за день (UTC) по ссылке в объявлении. Повторные посещения ({ $repeats }) и программы ({ $bots }) не учтены. Посты бот проверял сам; число подписчиков — то, которое Telegram назвал в день публикации или последним до неё, реакции — по последним данным Telegram. Цена перехода — это цена размещений с подсчётом, делённая на их переходы.
