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
