-- Stores a webhook unless there are too many; returns whether it is stored. A repeat changes nothing.
-- KEYS: the set of open webhooks by the time when each is due, the webhook.
-- ARGV: its id, when it is due in s since 1970, its time to live in s, how many may be open, its
-- fields with their values.
local open, hook = unpack(KEYS)
local id, due_s, ttl_s, most = unpack(ARGV, 1, 4)
if redis.call('EXISTS', hook) == 1 then return 1 end
if redis.call('ZCARD', open) >= tonumber(most) then return 0 end
redis.call('HSET', hook, unpack(ARGV, 5))
redis.call('EXPIRE', hook, ttl_s)
redis.call('ZADD', open, due_s, id)
-- As long as the webhook that lives longest.
if redis.call('TTL', open) < tonumber(ttl_s) then redis.call('EXPIRE', open, ttl_s) end
return 1
