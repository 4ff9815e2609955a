removals-card = 🗑 “{ $title }” (channel { $channel }) of { $person }: ads were removed before their promised time.
removals-row = • #{ $id }: removed { $removed }{ $published ->
    [none] {""}
   *[other] , published { $published }
}, promised for { $hours } h
removals-state = { $waits ->
    [yes] ⛔ It is not offered until an admin has looked. Ask the owner, then decide. If you do nothing, it stays off the market.
   *[no] ✅ An admin has looked: it may be offered again.
}
removals-offer = ✅ Let it be offered again
removals-why = Why may it be offered again? Pressing a reason decides it. Three more early removals within 30 days suspend it again.
removals-reason = { $reason ->
    [explained] The owner has explained it
    [mistake] It was not the owner's fault
   *[warned] The owner is warned: it is the last time
}
removals-channels = 📺 My channels
notice-channel-offered-again = { $status ->
    [active] ✅ An admin has looked at the ads that were removed from “{ $title }”: it is offered again.
    [removed] ✅ An admin has looked at the ads that were removed from “{ $title }”: you can connect it again.
   *[other] ✅ An admin has looked at the ads that were removed from “{ $title }”: this no longer keeps it off the market. Open it to see its state.
} Please leave each ad for its promised time.
error-removed-early = This channel can't be offered now: three ads in it were removed before their promised time within 30 days, and an admin has to look first. Nothing was changed. Please write to the support: /paysupport
