command-stop = Stop everything at once
stop-all = ⛔ Everything is STOPPED. Nothing new moves money, and no ad is posted.
stop-all-already = ⛔ Everything was stopped already. Nothing was changed.
stop-all-now = Stopped now: { $keys }
stop-all-before = Stopped before:
stop-all-line = 🔴 { $keys }: since { $at }, by { $by ->
    [system] the system
   *[person] { $by }
} ({ $reason })
stop-all-next = Next: write here what you have seen. No switch runs again until somebody runs it: open the switches below, and begin at the top.
stop-private = Nothing was stopped and nothing is lost. If you want no more messages from me, block this bot in Telegram: your money and your placements stay as they are. To leave an open form: /cancel
switch-unsettled = ⚠️ Nothing new begins, but something that began before the stop may still be under way: { $keys }. An administrator of the database ends the session that holds it up. See docs/runbook.md, “Stop and run”.
switch-holder = { $ended ->
    [yes] 🧹 A session of the database held the stop up and was ended: login { $login }, program { $program }, process { $pid }. Its transaction was open for { $seconds } s, and nothing of it was saved.
   *[no] ⚠️ A superuser’s session holds the stop up, and I may not end it: login { $login }, program { $program }, process { $pid }, open for { $seconds } s. An administrator of the database runs: SELECT pg_terminate_backend({ $pid });
}
switch-holders-more = { $count ->
    [one] One more session that held the stop up is named in the log.
   *[other] { $count } more sessions that held the stop up are named in the log.
}
switch-overtaken = ⚠️ Somebody has changed it meanwhile. Now:
switch-run-all = There is no “run all”: each switch is run separately, after somebody has checked that its part is safe. Write /killswitch and press the switch.
switch-now = { $state ->
    [running] 🟢 { $keys } is running
   *[stopped] 🔴 { $keys } is STOPPED
} ({ $reason }). By: { $by ->
    [system] the system
   *[person] { $by }
}, { $at }
switches-now = { $state ->
    [running] 🟢 Running: { $keys }
   *[stopped] 🔴 STOPPED: { $keys }
} ({ $reason }). By: { $by ->
    [system] the system
   *[person] { $by }
}, { $at }
switch-missing = ❌ The row of { $keys } is missing, so it counts as stopped. The command that puts it back: adtech check
switch-answer-now = The switches now, whatever the answer above says:
