audit-act = { $name ->
    [acceptance_rule_set] Rule for accepting ads set
    [access_denied] Act refused
    [audit_chain_file_added] Audit chain: new file allowed
    [backup_restored] Backup restored
    [calendar_set] Calendar of a channel changed
    [campaign_activated] Campaign activated
    [campaign_cancelled] Campaign cancelled
    [ad_topic_set] Topic of an ad chosen
    [campaign_changed] Campaign changed
    [campaign_completed] Campaign completed
    [campaign_created] Campaign created
    [campaign_paused] Campaign paused
    [campaign_resumed] Campaign resumed
    [click_count_changed] Choice whether clicks are counted
    [channel_connected] Channel connected
    [channel_format_retired] Format of a channel taken off sale
    [channel_format_set] Format of a channel priced
    [channel_paused] Channel paused
    [channel_removed] Channel removed
    [channel_restored] Channel usable again
    [channel_resumed] Channel resumed
    [channel_offered_again] Channel offered again after early removals
    [channel_suspended] Channel suspended
    [channel_taken_over] Channel taken over by its new owner
    [channel_terms_set] Price and terms of a channel set
    [channel_topic_set] Topic of a channel set
    [channel_language_set] Language of the channel set
    [chat_move_confirmed] Move of the admin chat confirmed
    [chat_moved] Admin chat moved
    [correction_confirmed] Correction confirmed
    [correction_done] Correction applied
    [correction_dropped] Correction refused
    [correction_proposed] Correction proposed
    [dead_letter_offered] Failed post offered again
    [dead_letter_retried] Failed post bought again
    [deposit_clawed_back] Deposit taken back
    [deposit_return_refused] Return of a deposit refused
    [deposit_return_requested] Deposit wanted back
    [deposit_returned] Deposit given back
    [deposit_credited] Deposit credited
    [destination_confirmed] Payout address confirmed
    [destination_dropped] Payout address dropped
    [draft_deleted] Draft of a campaign deleted
    [escrow_held] Money held in escrow
    [escrow_refunded] Escrow refunded
    [escrow_released] Escrow released
    [excess_payment_recorded] Payment in excess recorded
    [incident_closed] Incident closed
    [incident_opened] Incident opened
    [invite_link_removed] Link into a private channel removed
    [invite_link_set] Link into a private channel set
    [kill_switch_run] Kill switch run
    [kill_switch_stopped] Kill switch stopped
    [launch_checked] Launch: check made
    [launch_signed] Launch: signed
    [manager_ended] Manager of a channel ended
    [manager_named] Manager of a channel named
    [payout_wait_began] Payouts wait: a channel has another creator
    [payout_wait_ended] Payouts that waited are made as agreed
    [moderation_approved] Placement approved
    [moderation_rejected] Placement rejected
    [payment_retried] Parked payment tried again
    [change_asked] A change of a placement asked for
    [placement_changed] Placement changed by its advertiser
    [post_covered] A newer post came above an ad within its hours on top
    [placement_accepted] Placement accepted by the owner
    [placement_declined] Placement declined by the owner
    [post_absent] Search: post not in the channel
    [post_altered] Check: post altered
    [complaint_opened] Complaint about a post
    [complaint_answered] Owner answered a complaint
    [complaint_correcting] Owner lets the bot correct a post
    [complaint_corrected] Bot corrected a post after a complaint
    [complaint_gone] Bot proved that a post of a complaint is gone
    [complaint_republishing] Owner let the bot publish a removed post again
    [complaint_republished] Bot published a removed post again
    [complaint_satisfied] Advertiser closed the complaint
    [complaint_disputed] Advertiser asked the staff to decide
    [complaint_decided] Decision about a complaint
    [complaint_accepted] Decision about a complaint accepted
    [complaint_appealed] Appeal against a decision
    [complaint_timed_out] Step of a complaint ended without an answer
    [complaint_reminded] Staff told again about a complaint
    [complaint_absorbed] Complaint closed, a broken promise is decided
    [complaint_ended] Decision about a complaint took effect
    [post_breach] Owner broke a promise about a post
    [post_breach_refunded] Refund decided after a broken promise
    [post_cancelled] Post cancelled
    [post_failed] Post failed
    [post_found] Search: post found
    [post_gone] Check: post gone
    [post_present] Check: post present
    [post_published] Post published
    [post_removed] Post taken down after its time
    [post_rescued] Post of an ended process queued again
    [post_stayed] Check: post stayed to the end
    [post_uncertain] Post with an unknown outcome
    [post_unknown] Check: no clear answer
    [removal_refused] Post that cannot be taken down
    [request_asked] Request made
    [request_done] Request carried out
    [request_dropped] Request refused
    [request_proposed] Request acknowledged
    [resolution_confirm_absent] Decision: the post is not there
    [resolution_confirm_published] Decision: the post is there
    [resolution_decide_refund] Decision: refund
    [resolution_decide_release] Decision: pay the owner
    [resolution_dismiss_breach] Decision: the promise was not broken
    [resolution_postpone] Decision: wait another day
    [resolution_state_published] Statement: the post is there
    [role_granted] Role granted
    [role_revoked] Role revoked
    [target_expired] Placement expired
    [target_submitted] Placement submitted
    [target_withdrawn] Placement withdrawn
    [tester_cleaned_up] Tester cleaned up
    [tester_marked] Tester marked
    [tester_unmarked] Tester no longer marked
    [user_blocked] Person blocked
    [user_unblocked] Person unblocked
    [withdrawal_approved] Withdrawal approved
    [withdrawal_paid] Withdrawal paid
    [withdrawal_payment_claimed] Payment of a withdrawal claimed
    [withdrawal_requested] Withdrawal requested
    [withdrawal_returned] Withdrawal returned
    [word_unwatched] Watched word removed
    [word_watched] Watched word added
   *[other] { $name }
}
