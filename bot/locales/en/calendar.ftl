error-time-not-free = { $why ->
    [taken] This time is taken: another ad of the channel is too close.
    [full] The channel has no more room for ads on this day.
    [hours] The channel publishes no ads at this hour.
    [weekday] The channel publishes no ads on this day of the week.
    [day_off] The channel publishes no ads on this day.
   *[other] The channel publishes no ad at this time.
} { $times ->
    [none] Please choose another day.
   *[other] The next free times: { $times }. Please choose one of them or another time.
}
error-no-free-time = The channel has no free time in the next 7 days. Please choose a later time or another channel.
error-no-calendar = This channel has no calendar yet. Open the channel and press “🗓 Calendar” to set it up.
error-no-weekday = At least one day of the week has to stay. To take no ads for some time, pause the channel.
buy-when = When should it be published?{ $next ->
    [now] {""}
    [none] {" "}The channel has no free time in the next 7 days. Choose a later time, or go back and choose another channel.
   *[other] {" "}The next free time of the channel is { $next }.
}
buy-time-ask = { $choice ->
    [some] Choose a day on which the channel has a free time, or send
    [none] The channel has no free time in the next days. Please send
   *[no] Send
} the date and the time in your time zone ({ $zone }), for example 2030-12-31 18:00 or 31.12.2030 18:00
buy-hour = { $found ->
    [0] { $day } has no free time any more. Please go back and choose another day.
   *[other] { $day }: choose a free time. The times are in your time zone ({ $zone }).
}
when-next-free = as soon as it is approved{ $next ->
    [now] {""}
    [none] {""}
   *[other] {""}, at the next free time of the channel: { $next } or later
}
