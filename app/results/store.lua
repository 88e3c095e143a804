-- Store a finished job's result and pictures in the cache. Expired entries are dropped first, then
-- the least recently used ones until the new entry fits.
-- KEYS: the order and the sizes of entries; the job's image, heatmap and record.
-- ARGV: see below. `transfer` is COPY, or RENAME for a job whose own keys are no longer wanted.
-- Returns nothing when the pictures don't fit or are gone; after RENAME the pictures, else 1.
-- Names the keys of entries that it drops itself, so it needs a single Redis and no cluster, as RQ does.
local order, sizes, job_image, job_heatmap, job_record = unpack(KEYS)
local identity, result, now_s, ttl_s, max_bytes, transfer = unpack(ARGV, 1, 6)
local result_prefix, image_prefix, heatmap_prefix = unpack(ARGV, 7, 9)
max_bytes = tonumber(max_bytes)

local function drop(name)
  redis.call('DEL', result_prefix .. name, image_prefix .. name, heatmap_prefix .. name)
  redis.call('ZREM', order, name)
  local bytes = redis.call('HGET', sizes, name)
  if bytes then
    redis.call('HDEL', sizes, name)
    redis.call('HINCRBY', sizes, 'total', -tonumber(bytes))
  end
end

if redis.call('EXISTS', job_image) == 0 then return false end
local bytes = redis.call('STRLEN', job_image) + redis.call('STRLEN', job_heatmap) + #result
if bytes > max_bytes then return false end

for _, expired in ipairs(redis.call('ZRANGEBYSCORE', order, '-inf', now_s)) do drop(expired) end
drop(identity)
while tonumber(redis.call('HGET', sizes, 'total') or 0) + bytes > max_bytes do
  local oldest = redis.call('ZRANGE', order, 0, 0)[1]
  if not oldest then redis.call('DEL', sizes) break end
  drop(oldest)
end

local image, heatmap = image_prefix .. identity, heatmap_prefix .. identity
redis.call('SET', result_prefix .. identity, result, 'EX', ttl_s)
redis.call(transfer, job_image, image)
redis.call('EXPIRE', image, ttl_s)
if redis.call('EXISTS', job_heatmap) == 1 then
  redis.call(transfer, job_heatmap, heatmap)
  redis.call('EXPIRE', heatmap, ttl_s)
end
redis.call('ZADD', order, now_s + ttl_s, identity)
redis.call('HSET', sizes, identity, bytes)
redis.call('HINCRBY', sizes, 'total', bytes)
redis.call('EXPIRE', order, ttl_s)
redis.call('EXPIRE', sizes, ttl_s)

if transfer == 'COPY' then return 1 end
redis.call('DEL', job_record)
return {redis.call('GET', image), redis.call('GET', heatmap)}
