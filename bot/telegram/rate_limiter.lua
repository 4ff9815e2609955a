-- Reserve slots in Telegram's limits for messages, and confirm the slots of answered messages.
-- A slot is the permission to send one message. A notice is every message that is not an ad.
--
-- KEYS:
-- 1. the chats that cool down (to which nothing may be sent after a 429)
-- 2. the messages to all chats
-- 3. the time at which the message with the last slot may be sent
-- 4. the mark that a notice has used a slot that is reserved for ads
-- 5. two keys for each chat: its messages of the last second, and of the last minute. The chats of the
--    confirmed messages come first, then the chats that ask for a slot.
-- ARGV (all times are milliseconds):
-- 1. the limit of messages a second
-- 2. the limit of messages a second for notices
-- 3. the shortest gap between two messages
-- 4. how long before its time a slot may be reserved
-- 5. how long a slot counts as pending
-- 6. how many chats that cool down make all chats cool down
-- 7. how long the mark stays
-- 8. the number of confirmed messages
-- 9. for each confirmed message: its chat, and how long ago Telegram's answer came
-- 10. for each request of a slot: its chat, 1 for an ad, 1 if its answer will be confirmed, how long
--     before its time it takes a slot, a number N (the slot is given only if fewer than N messages
--     count in the chat's last minute; 0 if the request uses no slot of the minute), 1 for an answer
--     to a person, which does not wait for the chat's second, and how many messages the request sends.
--     An album counts as its number of messages among those to all chats and of the chat's minute.
--
-- Keys 1 and 2 and those of the chats are sorted sets. A score is a time by Redis's own clock, because
-- the clocks of the processes may differ. In key 1, it is the end of the cool-down. In the other sets,
-- it is the time from which a message counts: the time of Telegram's answer or, until this is
-- confirmed, the latest time at which the answer can come. In the sets of the last second, a member is
-- a chat, because a chat has one slot a second. An answer is a member with its time, because a chat may
-- get several answers in a second.
--
-- A slot can be reserved before its time, while all slots are still used. The new message then takes
-- the slot of the message that has counted for the longest time, and may be sent when that message
-- does not count any more.
--
-- The result has two numbers for each request: 0 and in how many ms the message may be sent; 1 and how
-- many ms all chats have to wait; or 2 and how many ms this chat has to wait.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local limit, notice_limit, min_gap, lead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local day_ms = 86400000
local pending_ms, flood_chats, mark_ms, confirmed = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])
local cooling, all, last_send, notice_mark = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local key, arg = 4, 8

for _ = 1, confirmed do
    local chat, answered_at = ARGV[arg + 1], now - ARGV[arg + 2]
    redis.call('ZADD', all, 'XX', answered_at, chat)
    redis.call('ZADD', KEYS[key + 1], 'XX', answered_at, chat)
    local latest = redis.call('ZRANGE', KEYS[key + 2], -1, -1)[1]
    if latest then redis.call('ZADD', KEYS[key + 2], 'XX', answered_at, latest) end
    key, arg = key + 2, arg + 2
end

redis.call('ZREMRANGEBYSCORE', cooling, '-inf', now)
local flood_ends
if redis.call('ZCARD', cooling) >= flood_chats then
    flood_ends = redis.call('ZRANGE', cooling, 0, 0, 'WITHSCORES')[2]
end
redis.call('ZREMRANGEBYSCORE', all, '-inf', now - 1000)
local used = redis.call('ZCARD', all)
local last = tonumber(redis.call('GET', last_send) or 0)
-- No message can count from a later time than this. If a stored time is later, Redis's clock was set
-- back after it was written.
local latest_time = now + lead + pending_ms + 1000
if last > latest_time then
    local step = last - now
    local cooling_chats = redis.call('ZRANGE', cooling, 0, -1, 'WITHSCORES')
    for i = 1, #cooling_chats, 2 do
        redis.call('ZADD', cooling, 'XX', cooling_chats[i + 1] - step, cooling_chats[i])
    end
    redis.call('DEL', all)
    last, used, flood_ends = 0, 0, nil
end

-- Return the time from which fewer than `allowed` messages of the set count. `window` is how long a
-- message counts.
local function free_at(set, allowed, window)
    local nth = redis.call('ZRANGE', set, -allowed, -allowed, 'WITHSCORES')[2]
    return nth and math.min(nth, now) + window or 0
end

local result = {}
while KEYS[key + 1] do
    local chat, is_ad, will_confirm = ARGV[arg + 1], ARGV[arg + 2] == '1', ARGV[arg + 3] == '1'
    local request_lead, minute_rank = ARGV[arg + 4], tonumber(ARGV[arg + 5])
    local is_answer, messages = ARGV[arg + 6] == '1', tonumber(ARGV[arg + 7])
    local second, minute = KEYS[key + 1], KEYS[key + 2]
    redis.call('ZREMRANGEBYSCORE', second, latest_time, '+inf')
    redis.call('ZREMRANGEBYSCORE', minute, latest_time, '+inf')
    local chat_free_at = tonumber(redis.call('ZSCORE', cooling, chat) or flood_ends or 0)
    if not is_answer then chat_free_at = math.max(chat_free_at, free_at(second, 1, 1000)) end
    local in_minute = string.sub(chat, 1, 1) == '-' and minute_rank > 0
    if in_minute then chat_free_at = math.max(chat_free_at, free_at(minute, minute_rank, 60000)) end
    local allowed = limit
    if not is_ad and redis.call('EXISTS', notice_mark) == 1 then allowed = notice_limit end
    local send_at = math.max(now, last + min_gap)
    local room = math.max(allowed - messages + 1, 1)
    if used >= room then send_at = math.max(send_at, free_at(all, room, 1000)) end
    if chat_free_at > now then
        result[#result + 1], result[#result + 2] = 2, math.ceil(math.max(chat_free_at, send_at) - now)
    elseif send_at - request_lead > now then
        result[#result + 1], result[#result + 2] = 1, math.ceil(send_at - now)
    else
        local counts_from = will_confirm and send_at + pending_ms or send_at
        local over = used + messages - limit
        if over > 0 then redis.call('ZREMRANGEBYRANK', all, 0, over - 1) end
        local member = is_answer and string.format('%s:%.3f', chat, send_at) or chat
        redis.call('ZADD', all, counts_from, member)
        for i = 2, messages do
            redis.call('ZADD', all, counts_from, string.format('%s:%.3f:%d', chat, send_at, i))
        end
        used = redis.call('ZCARD', all)
        redis.call('ZADD', second, counts_from, chat)
        redis.call('PEXPIRE', all, 1000 + lead + pending_ms)
        redis.call('PEXPIRE', second, 1000 + lead + pending_ms)
        if in_minute then
            redis.call('ZREMRANGEBYSCORE', minute, '-inf', now - 60000)
            redis.call('ZADD', minute, counts_from, string.format('%.1f', send_at))
            for i = 2, messages do
                redis.call('ZADD', minute, counts_from, string.format('%.1f:%d', send_at, i))
            end
            redis.call('PEXPIRE', minute, 60000 + lead + pending_ms)
        end
        last = send_at
        redis.call('SET', last_send, string.format('%.1f', last), 'PX', day_ms)
        if not is_ad then redis.call('SET', notice_mark, 1, 'PX', mark_ms) end
        result[#result + 1], result[#result + 2] = 0, math.ceil(send_at - now)
    end
    key, arg = key + 2, arg + 7
end
return result
